import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisJobStore } from '../../src/stores/redis/index.ts';
import { startRedis } from '../servers/redis.ts';
import { contextOf, freshPrefix, handClock, openProbe } from './redis-probe.ts';

const server = await startRedis();
afterAll(() => server?.stop());

describe.runIf(server !== undefined)('what the Redis store asks of its server', () => {
  let admin: Redis;
  beforeAll(() => {
    admin = new Redis(server?.url ?? '');
  });
  afterAll(() => {
    admin.disconnect();
  });

  /** How many scripts the server ran meanwhile. */
  async function scripts(work: () => unknown): Promise<number> {
    await admin.config('RESETSTAT');
    await work();
    const stats = await admin.info('commandstats');
    return [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0);
  }

  async function opened(options: Parameters<typeof openProbe>[1] = {}) {
    if (server === undefined) throw new Error('there is no server');
    return openProbe(server, options);
  }

  it('is a script a batch, not a job', async () => {
    const probe = await opened();
    const jobs = Array.from({ length: 500 }, (_, index) => probe.newJob(`job-${index}`));
    // Once for each script, so that the server knows it.
    await probe.finish(probe.end((await probe.start('first')).run, 'succeeded'));
    await probe.due();
    await probe.claim();
    await probe.store.jobs.nextDue(probe.room());
    await probe.store.runs.heartbeat(probe.claimant(), new Map());
    expect(await scripts(() => probe.store.jobs.add(jobs, { onConflict: 'replace' }))).toBe(1);
    const { jobs: due } = await probe.store.jobs.due(probe.room({ executors: { inline: 500 } }));
    expect(due).toHaveLength(500);
    let fired: Awaited<ReturnType<typeof probe.store.jobs.fire>> = [];
    const steps = due.map((job) => probe.step(job, [probe.newRun('running')]));
    const sent = await scripts(async () => {
      fired = await probe.store.jobs.fire(steps, probe.claimant());
    });
    expect(sent).toBe(1);
    const ends = fired.flatMap(({ started }) => started.map(({ run }) => probe.end(run, 'waiting')));
    expect(ends).toHaveLength(500);
    expect(await scripts(() => probe.store.runs.heartbeat(probe.claimant(), new Map()))).toBe(1);
    expect(await scripts(() => probe.store.runs.finish(ends))).toBe(1);
    expect(await scripts(() => probe.store.jobs.nextDue(probe.room()))).toBe(1);
    expect(await scripts(() => probe.claim({ executors: { inline: 1000 } }))).toBe(1);
    await probe.store.close();
  });

  it('asks for the next due jobs behind the last ones only while there is a backlog, and gives what is due then', async () => {
    const probe = await opened();
    await probe.store.jobs.add(
      Array.from({ length: 5 }, (_, index) => probe.newJob(`job-${index}`, { dueAt: probe.now - 10 + index })),
      { onConflict: 'replace' },
    );
    const seen: string[][] = [];
    const look = async (): Promise<void> => {
      const { jobs } = await probe.store.jobs.due(probe.room({ limit: 2 }));
      seen.push(jobs.map((job) => job.id));
      await probe.store.jobs.fire(
        jobs.map((job) => probe.step(job, [probe.newRun('running')])),
        probe.claimant(),
      );
    };
    await look();
    await look();
    await look();
    expect(seen).toEqual([['job-0', 'job-1'], ['job-2', 'job-3'], ['job-4']]);
    await probe.addDue('late');
    expect(await probe.due({ limit: 2 })).toEqual(['late']);
    await probe.store.close();
  });

  it('does not hand out a job that this process has removed or changed since it asked', async () => {
    const probe = await opened();
    for (const id of ['a', 'b', 'c', 'd']) await probe.addDue(id, { dueAt: probe.now - 100 + id.charCodeAt(0) - 97 });
    const { jobs } = await probe.store.jobs.due(probe.room({ limit: 2 }));
    await probe.store.jobs.fire(
      jobs.map((job) => probe.step(job, [probe.newRun('running')])),
      probe.claimant(),
    );
    await probe.store.jobs.remove(['c']);
    expect(await probe.due({ limit: 2 })).toEqual(['d']);
    await probe.store.close();
  });

  it('forgets a bounded number of runs at a time', async () => {
    const probe = await opened({ keepRuns: { count: 3 } });
    let job = await probe.addDue('long');
    for (let index = 0; index < 30; index += 1) {
      const runs = Array.from({ length: 50 }, (_, offset) => probe.newRun('missed', { scheduledAt: probe.now + index * 50 + offset }));
      await probe.fire(probe.step(job, runs));
      job = await probe.job('long');
    }
    expect(await probe.store.runs.prune()).toBe(1000);
    expect(await probe.store.runs.prune()).toBe(497);
    expect(await probe.store.runs.prune()).toBe(0);
    expect((await probe.runs('long')).map((run) => run.scheduledAt - probe.now)).toEqual([1497, 1498, 1499]);
    await probe.store.close();
  });

  it('leaves nothing behind of jobs removed and runs forgotten but counters and names of lanes', async () => {
    const prefix = freshPrefix();
    const probe = await opened({ prefix, keepRuns: { count: 0 } });
    for (const id of ['a', 'b']) await probe.finish(probe.end((await probe.start(id)).run, 'succeeded', { progress: 'half' }));
    await probe.queue('c');
    await probe.store.jobs.remove();
    while ((await probe.store.runs.prune()) > 0);
    const keys = (await admin.keys(`{${prefix}}:*`)).map((key) => key.slice(prefix.length + 3));
    expect(keys.toSorted()).toEqual(['lanes', 'meta']);
    await probe.store.close();
  });

  it('adds 20,000 jobs in one step', async () => {
    const probe = await opened();
    const jobs = Array.from({ length: 20_000 }, (_, index) =>
      probe.newJob(`job-${index}`, { dueAt: undefined, nextRunTime: undefined, state: 'paused' }),
    );
    const added = await probe.store.jobs.add(jobs, { onConflict: 'error' });
    expect(added.every((one) => one.outcome === 'added')).toBe(true);
    expect(await probe.store.jobs.list()).toHaveLength(20_000);
    expect(await probe.store.jobs.remove()).toHaveLength(20_000);
    await probe.store.close();
  });

  it('goes by the clock of the server', async () => {
    const store = new RedisJobStore({ url: server?.url ?? '', prefix: freshPrefix() });
    // An hour off: nothing of this process's clock may matter.
    const clock = handClock();
    await store.open(contextOf(clock));
    const [seconds] = await admin.time();
    const { now } = await store.jobs.nextDue({ executors: new Map([['inline', 1]]), tasks: undefined, limit: 1 });
    expect(Math.abs(now - Number(seconds) * 1000)).toBeLessThan(5000);
    await store.close();
  });
});

describe('the options of the Redis store', () => {
  it.each([
    [{}, 'url'],
    [{ url: 'localhost:6379' }, 'url'],
    [{ url: 'redis://localhost', prefix: '' }, 'prefix'],
    [{ url: 'redis://localhost', prefix: 'a{b}' }, 'prefix'],
    [{ url: 'redis://localhost', lease: 'soon' }, 'lease'],
    [{ url: 'redis://localhost', pollInterval: 0 }, 'pollInterval'],
    [{ url: 'redis://localhost', keepRuns: { count: -1 } }, 'keepRuns.count'],
    [{ url: 'redis://localhost', keepRuns: { age: 'long' } }, 'keepRuns.age'],
  ])('%j is refused by name', (options, option) => {
    expect(() => new RedisJobStore(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }));
  });

  it('a client beside a url, one that is none, and an unknown option are refused by name', () => {
    const client = new Redis({ lazyConnect: true });
    expect(() => new RedisJobStore({ url: 'redis://localhost', client })).toThrow(expect.objectContaining({ option: 'url' }));
    expect(() => Reflect.construct(RedisJobStore, [{ client: {} }])).toThrow(expect.objectContaining({ option: 'client' }));
    expect(() => Reflect.construct(RedisJobStore, [{ url: 'redis://localhost', leese: 1 }])).toThrow('did you mean "lease"?');
  });

  it('a transaction is refused, as Redis has none to join', async () => {
    const store = new RedisJobStore({ url: 'redis://localhost' });
    await expect(store.jobs.add([], { onConflict: 'replace', transaction: {} })).rejects.toMatchObject({ option: 'transaction' });
  });

  it('a store that is not open says so', async () => {
    const store = new RedisJobStore({ url: 'redis://localhost' });
    await expect(store.jobs.get('a')).rejects.toMatchObject({ code: 'SCHEDULER_STATE' });
  });
});
