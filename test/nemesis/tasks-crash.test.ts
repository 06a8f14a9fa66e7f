import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { bullmq, TaskApp } from '../../src/tasks/index.ts';
import { type RedisServer, startRedis } from '../servers/redis.ts';
import { WorkerProcesses } from '../tasks/worker-process.ts';

/** Durable, as a broker should be. */
const redis: RedisServer | undefined = await startRedis({ flags: ['--appendonly', 'yes', '--appendfsync', 'always'] });

describe.skipIf(redis === undefined)('when processes die under tasks', { timeout: 120_000 }, () => {
  const url = redis?.url ?? '';
  let number = 0;
  let app: TaskApp;
  let processes: WorkerProcesses;

  function open(): void {
    number += 1;
    const prefix = `crash${number}`;
    app = new TaskApp({ engine: bullmq({ connection: url, prefix }) });
    processes = new WorkerProcesses(url, prefix);
  }

  afterEach(async () => {
    processes.killAll();
    await app.close();
  });
  afterAll(() => redis?.stop());

  test('a task whose worker is killed is done by another', async () => {
    open();
    const slow = app.remote<[string, number], string>('slow');
    const first = await processes.start();
    const result = await slow.delay('a', 1_000);
    await processes.logged('begun a');
    first.kill('SIGKILL');
    const second = await processes.start();
    expect(await result.get({ timeout: '30s' })).toBe('a');
    expect(await processes.logged('ended a')).toEqual([`ended a ${second.pid}`]);
  });

  test('by default within 20 seconds', async () => {
    open();
    const slow = app.remote<[string, number], string>('slow');
    const first = await processes.start({ lease: 'default' });
    await processes.start({ lease: 'default', concurrency: 2 });
    const results = await Promise.all([slow.delay('a', 30_000), slow.delay('b', 30_000), slow.delay('c', 30_000)]);
    const begun = await processes.logged('begun', 3);
    const held = begun.find((line) => line.endsWith(` ${first.pid}`));
    const name = held?.split(' ')[1];
    const killed = performance.now();
    first.kill('SIGKILL');
    await Promise.all(results.filter((_, index) => ['a', 'b', 'c'][index] !== name).map((result) => result.revoke()));
    await processes.logged(`begun ${name}`, 2);
    expect(performance.now() - killed).toBeLessThan(20_000);
  });

  test('a task that kills its workers is given up, and says so', async () => {
    open();
    const die = app.remote('die');
    const result = await die.delay();
    const starting = (async () => {
      for (let deaths = 0; deaths < 4; deaths += 1) {
        const worker = await processes.start();
        await processes.logged('dying', deaths + 1);
        await worker.ended;
      }
      await processes.start();
    })();
    await expect(result.get({ timeout: '60s' })).rejects.toMatchObject({ code: 'WORKER_CRASHED' });
    await starting;
    expect(processes.lines().filter((line) => line.startsWith('dying'))).toHaveLength(4);
  });

  test("a task with onCrash 'fail' never begins twice", async () => {
    open();
    const once = app.remote('once');
    const first = await processes.start();
    const result = await once.delay();
    await processes.logged('begun once');
    await processes.start();
    first.kill('SIGKILL');
    await expect(result.get({ timeout: '30s' })).rejects.toMatchObject({ code: 'WORKER_CRASHED' });
    expect(processes.lines().filter((line) => line.startsWith('begun'))).toHaveLength(1);
  });

  test('a task that was revoked stays revoked when its worker dies', async () => {
    open();
    const slow = app.remote<[string, number], string>('slow');
    const first = await processes.start();
    const result = await slow.delay('a', 60_000);
    await processes.logged('begun a');
    process.kill(first.pid, 'SIGSTOP');
    expect(await result.revoke()).toBe(true);
    first.kill('SIGKILL');
    await processes.start();
    await expect(result.get({ timeout: '30s' })).rejects.toMatchObject({ code: 'TASK_REVOKED' });
    const last = app.remote<[number], number>('count');
    expect(await (await last.delay(1)).get({ timeout: '30s' })).toBe(1);
    expect(processes.lines().filter((line) => line.startsWith('begun'))).toHaveLength(1);
  });

  test('a worker that was frozen past its lease stops what another has, and writes nothing', async () => {
    open();
    const slow = app.remote<[string, number], string>('slow');
    const first = await processes.start();
    const result = await slow.delay('a', 3_000);
    await processes.logged('begun a');
    process.kill(first.pid, 'SIGSTOP');
    const second = await processes.start();
    await processes.logged('begun a', 2);
    process.kill(first.pid, 'SIGCONT');
    expect(await result.get({ timeout: '30s' })).toBe('a');
    expect((await result.info())?.attempts).toBeGreaterThanOrEqual(1);
    expect(processes.lines()).toContain(`ended a ${second.pid}`);
  });

  test('SIGTERM finishes what runs and takes no more', async () => {
    open();
    const slow = app.remote<[string, number], string>('slow');
    const worker = await processes.start();
    const running = await slow.delay('a', 1_500);
    await processes.logged('begun a');
    worker.kill('SIGTERM');
    const waiting = await slow.delay('b', 1);
    expect(await worker.ended).toBe(0);
    expect(await running.status()).toBe('SUCCESS');
    expect(await waiting.status()).toBe('PENDING');
  });

  test('a second SIGTERM gives back what runs, for another to begin at once', async () => {
    open();
    const slow = app.remote<[string, number], string>('slow');
    const worker = await processes.start({ lease: 'default' });
    const result = await slow.delay('a', 6_000);
    await processes.logged('begun a');
    const second = await processes.start({ lease: 'default' });
    worker.kill('SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 200));
    worker.kill('SIGTERM');
    expect(await worker.ended).toBe(0);
    await processes.logged('begun a', 2);
    expect(await result.get({ timeout: '30s' })).toBe('a');
    expect(processes.lines()).toContain(`ended a ${second.pid}`);
  });

  test('Redis killed and started again loses no task and no result', async () => {
    open();
    const count = app.remote<[number], number>('count');
    const slow = app.remote<[string, number], string>('slow');
    await processes.start({ concurrency: 4 });
    const long = await slow.delay('long', 2_000);
    const sent = await Promise.all(Array.from({ length: 200 }, (_, n) => count.applyAsync([n], { countdown: n * 20 })));
    const values = Promise.all(sent.map((result) => result.get({ timeout: '90s' })));
    await processes.logged('ran', 20);
    await redis?.kill('SIGKILL');
    await redis?.restart();
    expect(await values).toEqual(Array.from({ length: 200 }, (_, n) => n));
    expect(await long.get({ timeout: '30s' })).toBe('long');
  });

  test('10,000 tasks have a result each, none lost, none twice, while workers are killed', async () => {
    open();
    const count = app.remote<[number], number>('count');
    let workers = await Promise.all([processes.start({ concurrency: 20 }), processes.start({ concurrency: 20 })]);
    const total = 10_000;
    const results: { get(options: object): Promise<number>; id: string }[] = [];
    const sending = (async () => {
      for (let n = 0; n < total; n += 1) results.push(await count.delay(n));
    })();
    for (const seen of [1_000, 3_000, 5_000]) {
      await processes.logged('ran', seen);
      const [oldest, ...others] = workers;
      oldest?.kill('SIGKILL');
      workers = [...others, await processes.start({ concurrency: 20 })];
    }
    await sending;
    const values = await Promise.all(results.map((result) => result.get({ timeout: '90s' })));
    expect(values).toEqual(Array.from({ length: total }, (_, n) => n));
    expect(new Set(results.map(({ id }) => id)).size).toBe(total);
    // A task may have begun twice if its worker was killed between the task and the record: at most as many as ran at once, for each kill.
    const runs = processes.lines().filter((line) => line.startsWith('ran'));
    expect(new Set(runs.map((line) => line.split(' ')[1])).size).toBe(total);
    expect(runs.length - total).toBeLessThanOrEqual(3 * 20);
  });
});
