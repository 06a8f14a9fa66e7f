import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewJob } from '../../src/core/job.ts';
import { RedisJobStore } from '../../src/stores/redis/index.ts';
import { plainPolicy } from '../../src/testing/store-contract/probe.ts';
import { startRedis } from '../servers/redis.ts';
import { contextOf, freshPrefix, handClock, openProbe } from './redis-probe.ts';

const server = await startRedis();
afterAll(() => server?.stop());

describe.runIf(server !== undefined)('Redis stores that share a server', () => {
  let admin: Redis;
  beforeAll(() => {
    admin = new Redis(server?.url ?? '');
  });
  afterAll(() => {
    admin.disconnect();
  });

  async function probes(count: number, options: Parameters<typeof openProbe>[1] = {}) {
    if (server === undefined) throw new Error('there is no server');
    const [running, clock, prefix] = [server, handClock(), freshPrefix()];
    const all = await Promise.all(Array.from({ length: count }, () => openProbe(running, { prefix, clock, ...options })));
    const [first, second] = all;
    if (first === undefined || second === undefined) throw new Error('two are needed');
    return { all, first, second, prefix, close: () => Promise.all(all.map((probe) => probe.store.close())) };
  }

  it('decide each fire time once, however they race', async () => {
    const { all, first, close } = await probes(4);
    const ids = Array.from({ length: 200 }, (_, index) => `job-${index}`);
    await first.store.jobs.add(
      ids.map((id) => first.newJob(id)),
      { onConflict: 'replace' },
    );
    const won: string[] = [];
    await Promise.all(
      all.map(async (probe, index) => {
        for (let rounds = 0; rounds < 20; rounds += 1) {
          const { jobs } = await probe.store.jobs.due(probe.room({ limit: 30 }));
          const steps = jobs.map((job) => probe.step(job, [probe.newRun('running')]));
          const fired = await probe.store.jobs.fire(steps, probe.claimant(`process-${index}`));
          for (const { started } of fired) won.push(...started.map(({ run }) => run.jobId));
        }
      }),
    );
    expect(won.toSorted()).toEqual(ids.toSorted());
    expect((await first.store.runs.list({ limit: 500 })).runs).toHaveLength(200);
    await close();
  });

  it('give every claim a higher fence than any before, across processes', async () => {
    const { all, first, close } = await probes(3);
    for (let index = 0; index < 9; index += 1) await first.queue(`job-${index}`);
    const fences: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      for (const probe of all) fences.push(...(await probe.claim({ limit: 1 })).map(({ run }) => run.fence));
    }
    expect(fences).toHaveLength(9);
    expect(fences).toEqual([...new Set(fences)].toSorted((a, b) => a - b));
    await close();
  });

  it('hear of a job that another one added, when it is due, and hear nothing of their own', async () => {
    const { first, second, prefix, close } = await probes(2);
    const own: unknown[] = [];
    const heard = new Promise<number | undefined>((resolve) => {
      second.store.watch((time) => {
        if (time !== undefined) resolve(time);
      });
    });
    await subscribed(`{${prefix}}:wake`, 2);
    first.store.watch((time) => own.push(time));
    await first.addDue('later', { dueAt: first.now + 5000, nextRunTime: first.now + 5000 });
    expect(await heard).toBe(first.now + 5000);
    expect(own.filter((time) => time !== undefined)).toEqual([]);
    await close();
  });

  it('hear of a run that waits again', async () => {
    const { first, second, prefix, close } = await probes(2);
    const { run } = await first.start('retried');
    await subscribed(`{${prefix}}:wake`, 2);
    const heard = new Promise<number | undefined>((resolve) => {
      second.store.watch(resolve);
    });
    await first.finish(first.end(run, 'waiting', { dueAt: first.now + 300 }));
    expect(await heard).toBe(first.now + 300);
    await close();
  });

  it('leave a task that one does not know to the others, and are not held up by any number of them', async () => {
    const { first, close } = await probes(2);
    const foreign = Array.from({ length: 500 }, (_, index) =>
      first.newJob(`foreign-${index}`, { task: { name: 'foreign' }, dueAt: first.now - 10 }),
    );
    await first.store.jobs.add([...foreign, first.newJob('known', { task: { name: 'known' } })], { onConflict: 'replace' });
    expect(await first.due({ tasks: ['known'], limit: 5, executors: { inline: 5 } })).toEqual(['known']);
    expect(await first.store.health()).toMatchObject({
      tasks: new Map([
        ['foreign', 500],
        ['known', 1],
      ]),
    });
    await close();
  });

  it('merge jobs of many tasks and executors by due time', async () => {
    const { first, close } = await probes(2);
    const jobs = Array.from({ length: 300 }, (_, index) =>
      first.newJob(`job-${String(index).padStart(3, '0')}`, {
        task: { name: `task-${index % 7}` },
        executor: index % 2 === 0 ? 'inline' : 'threads',
        dueAt: first.now - 1000 + index,
      }),
    );
    await first.store.jobs.add(jobs.toReversed(), { onConflict: 'replace' });
    const ids = await first.due({ executors: { inline: 100, threads: 20 }, limit: 1000 });
    expect(ids).toHaveLength(120);
    expect(ids).toEqual(ids.toSorted());
    expect(await first.due({ executors: { inline: 500, threads: 500 }, limit: 250 })).toEqual(jobs.slice(0, 250).map((job) => job.id));
    await close();
  });

  it('keep maxInstances across processes', async () => {
    const { all, first, close } = await probes(3);
    const job = await first.addDue('narrow', { policy: { ...plainPolicy, maxInstances: 2 } });
    await first.fire(
      first.step(
        job,
        [0, 1, 2, 3, 4].map((offset) => first.newRun('waiting', { scheduledAt: first.now + offset })),
      ),
    );
    const claimed = await Promise.all(all.map((probe, index) => probe.claim({}, `process-${index}`)));
    expect(claimed.flat()).toHaveLength(2);
    await close();
  });

  it('put all keys of a store under one hash tag, so that a cluster keeps them in one slot', async () => {
    const { first, prefix, close } = await probes(2, { keepRuns: { count: 1 } });
    const { run } = await first.start('a', { args: ['x'] });
    await first.store.runs.heartbeat(first.claimant(), new Map([[run.id, 1]]));
    await first.finish(first.end(run, 'succeeded'));
    await first.queue('b');
    await first.start('c');
    await first.store.jobs.remove(['c']);
    const keys = (await admin.keys('*')).filter((key) => key.includes(prefix));
    expect(keys.length).toBeGreaterThan(10);
    expect(keys.filter((key) => !key.startsWith(`{${prefix}}:`))).toEqual([]);
    await close();
  });

  it('prolong no claim whose answer was lost on its way: it runs out', async () => {
    const { first, second, close } = await probes(2);
    const { run } = await first.start('known', {}, 'owner');
    // What the server did for this process without its knowing: the same owner, by another connection.
    await second.start('unknown', {}, 'owner');
    await first.advance(first.lease - 1);
    await first.store.runs.heartbeat(first.claimant('owner'), new Map());
    await first.advance(1);
    expect((await first.claim({}, 'other')).map((claimed) => claimed.run.jobId)).toEqual(['unknown']);
    expect((await first.run(run.id)).owner).toBe('owner');
    await close();
  });

  it('work over a client of the application, with a key prefix of its own, and leave it open', async () => {
    const client = new Redis(server?.url ?? '', { keyPrefix: 'app:' });
    const prefix = freshPrefix();
    const clock = handClock();
    const store = new RedisJobStore({ client, prefix });
    const other = new RedisJobStore({ client, prefix });
    await store.open(contextOf(clock));
    await other.open(contextOf(clock));
    await subscribed(`app:{${prefix}}:wake`, 2);
    const heard = new Promise<number | undefined>((resolve) => {
      other.watch((time) => {
        if (time !== undefined) resolve(time);
      });
    });
    const trigger = { type: 'date' };
    const now = await serverTime(client);
    const job: NewJob = {
      id: 'one',
      name: undefined,
      task: { name: 'work' },
      args: [],
      executor: 'inline',
      executorOptions: undefined,
      policy: plainPolicy,
      metadata: undefined,
      trigger,
      registration: trigger,
      nextRunTime: now,
      dueAt: now,
      state: 'waiting',
      reason: undefined,
      runCount: 0,
    };
    await store.jobs.add([job], { onConflict: 'replace' });
    expect(await heard).toBe(now);
    expect((await admin.keys(`app:{${prefix}}:*`)).length).toBeGreaterThan(3);
    await store.close();
    await other.close();
    expect(await client.ping()).toBe('PONG');
    client.disconnect();
  });

  /** Until so many connections listen to the store's channel; they begin to in the background. */
  async function subscribed(channel: string, count: number): Promise<void> {
    for (;;) {
      const [, listeners] = await admin.pubsub('NUMSUB', channel);
      if (Number(listeners) >= count) return;
    }
  }

  async function serverTime(client: Redis): Promise<number> {
    const [seconds] = await client.time();
    return Number(seconds) * 1000;
  }
});
