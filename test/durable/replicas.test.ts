import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { currentRun, MemoryJobStore, type Scheduler, type Trigger } from '../../src/index.ts';
import type { TriggerDefinition } from '../../src/index.ts';
import { IntervalTrigger, SchedulerStateError } from '../../src/index.ts';
import { InlineExecutor } from '../../src/executors/inline.ts';
import { recordingLog } from '../fixtures/requests.ts';
import { places, Replicas } from './replicas.ts';

const found = await places();
afterAll(async () => {
  for (const place of found) await place.stop();
});

const nothing = (): void => undefined;

/** A kind of trigger that only some releases of the app know: every so many seconds. */
const tide: TriggerDefinition = {
  options: ['seconds'],
  create: ({ seconds }) => tideOf(Number(seconds)),
  revive: ({ seconds }) => tideOf(Number(seconds)),
};

function tideOf(seconds: number): Trigger {
  const interval = new IntervalTrigger({ seconds, startDate: '2030-01-01T00:00:01Z' });
  return { next: (after) => interval.next(after), toJSON: () => ({ type: 'tide', seconds }) };
}

describe.each(found)('replicas on $name', (place) => {
  let replicas: Replicas;
  beforeEach(() => {
    replicas = new Replicas(place);
  });
  afterEach(() => replicas.dispose());

  test('run each fire time once between them', async () => {
    const calls: string[] = [];
    for (const name of ['one', 'two', 'three']) {
      const scheduler = await replicas.started((app) => app.task('note', () => void calls.push(name)));
      for (let index = 0; index < 10; index += 1)
        await scheduler.addJob('note', { id: `job-${index}`, trigger: 'interval', seconds: 1, startDate: '2030-01-01T00:00:01Z' });
    }
    await replicas.clock.advance('3s');
    expect(calls).toHaveLength(30);
  });

  test('keep the place, the pause and the later trigger of a job that is registered again', async () => {
    const boot = async (): Promise<Scheduler> => {
      const scheduler = await replicas.started((app) => app.task('note', nothing));
      await scheduler.addJob('note', { id: 'a', trigger: 'interval', seconds: 60 });
      await scheduler.addJob('note', { id: 'b', trigger: 'interval', seconds: 60 });
      await scheduler.addJob('note', { id: 'c', trigger: 'interval', seconds: 60 });
      return scheduler;
    };
    const first = await boot();
    await first.pauseJob('b');
    await first.rescheduleJob('c', { trigger: 'interval', hours: 5 });
    await replicas.clock.advance('30s');
    const second = await boot();
    expect((await second.getJob('a'))?.nextRunTime?.toISO()).toBe('2030-01-01T00:01:00.000Z');
    expect((await second.getJob('b'))?.state).toBe('paused');
    expect((await second.getJob('c'))?.nextRunTime?.toISO()).toBe('2030-01-01T05:00:00.000Z');
  });

  test('follow the trigger that a new release registers, the old one beside it', async () => {
    const calls: string[] = [];
    const release = async (name: string, seconds: number): Promise<Scheduler> => {
      const scheduler = await replicas.started((app) => app.task('note', () => void calls.push(name)));
      await scheduler.addJob('note', { id: 'a', trigger: 'interval', seconds });
      return scheduler;
    };
    const old = await release('old', 60);
    await release('new', 10);
    await replicas.clock.advance('30s');
    expect(calls).toHaveLength(3);
    await old.shutdown();
    await replicas.clock.advance('30s');
    expect(calls.slice(3)).toEqual(['new', 'new', 'new']);
  });

  test('leave a task that they do not know to those that do, and name it', async () => {
    const calls: string[] = [];
    const knows = await replicas.started((app) => app.task('new work', () => void calls.push('done')));
    await knows.addJob('new work', { id: 'a', trigger: 'interval', seconds: 1 });
    await knows.shutdown();
    const old = await replicas.started((app) => app.task('old work', () => void calls.push('old')));
    await old.addJob('old work', { id: 'b', trigger: 'interval', seconds: 1 });
    await replicas.clock.advance('2s');
    expect(calls).toEqual(['old', 'old']);
    expect((await old.getJob('a'))?.state).toBe('waiting');
    expect((await old.health()).unknownTasks).toEqual([{ task: 'new work', jobStore: 'default', jobs: 1, jobIds: ['a'] }]);
    old.task('new work');
    expect((await old.health()).unknownTasks).toEqual([]);
    await replicas.started((app) => app.task('new work', () => void calls.push('done')));
    await replicas.clock.advance('1ms');
    await expect.poll(() => calls.filter((call) => call === 'done')).toHaveLength(1);
  });

  test('leave an executor that they do not have to those that do, name it, and say why nothing runs', async () => {
    const reports = new InlineExecutor();
    const has = await replicas.started((app) => app.task('t', () => 1), { executors: { reports } });
    await has.addJob('t', { id: 'a', trigger: 'interval', seconds: 1, executor: 'reports' });
    await has.shutdown();
    const old = await replicas.started((app) => {
      app.task('t', () => 1);
      app.task('ghost');
    });
    await old.addJob('ghost', { id: 'b', trigger: 'interval', seconds: 1 });
    await replicas.clock.advance('2s');
    expect((await old.health()).unknownExecutors).toEqual([{ executor: 'reports', jobStore: 'default', jobs: 1 }]);
    const why = async (id: string): Promise<(string | undefined)[]> => [
      ...new Set((await old.explain(id, { to: replicas.clock.now() })).map(({ reason }) => reason)),
    ];
    expect(await why('a')).toEqual(['no executor is called "reports" in this process']);
    expect(await why('b')).toEqual(['its task "ghost" is for other processes: this one does not know what it does']);
    const ran = old.runJob('b');
    await expect.poll(async () => (await old.getRuns({ jobId: 'b' })).map(({ outcome }) => outcome)).toEqual(['waiting']);
    expect((await old.getRuns({ jobId: 'b' })).map(({ reason }) => reason)).toEqual(await why('b'));
    await old.removeJob('b');
    await replicas.clock.advance('2s');
    expect((await ran).outcome).toBe('cancelled');
  });

  test('have to be started before what is stored is removed or exported as a whole', async () => {
    const first = await replicas.started((app) => app.task('t', () => 1));
    await first.addJob('t', { id: 'a', trigger: 'interval', hours: 1 });
    const second = replicas.make();
    await expect(second.removeAllJobs()).rejects.toThrow(SchedulerStateError);
    await expect(second.exportJobs()).rejects.toThrow('is seen after start()');
    await expect(second.getRuns()).rejects.toThrow('is seen after start()');
    expect((await first.getJobs()).map(({ id }) => id)).toEqual(['a']);
  });

  test('have a store object each', async () => {
    const jobStore = replicas.store();
    const first = await replicas.started((app) => app.task('t', () => 1), { jobStore });
    const second = replicas.make({ jobStore });
    await expect(second.start()).rejects.toThrow('in use by another scheduler');
    await first.addJob('t', { id: 'a', trigger: 'interval', hours: 1 });
    await first.shutdown();
    await second.start();
    expect((await second.getJobs()).map(({ id }) => id)).toEqual(['a']);
  });

  test('cancel a run of another one that fails before it hears of that, and it is not tried again', async () => {
    const fails: (() => void)[] = [];
    const owner = await replicas.started((app) =>
      app.task('t', () => new Promise((_, reject) => void fails.push(() => reject(new Error('boom'))))),
    );
    const told: string[] = [];
    for (const event of ['jobRetrying', 'jobCancelled', 'jobError'] as const) owner.on(event, () => void told.push(event));
    const other = await replicas.started((app) => app.task('t'));
    await owner.addJob('t', { id: 'a', trigger: 'date', retry: 3 });
    await replicas.clock.advance('1ms');
    const [run] = await other.getRuns();
    expect(await other.cancelRun(run?.id ?? '')).toBe(true);
    fails[0]?.();
    await expect.poll(() => told).toEqual(['jobCancelled']);
    await replicas.clock.advance('1m');
    expect((await other.getRuns()).map(({ outcome }) => outcome)).toEqual(['cancelled']);
    expect(fails).toHaveLength(1);
  });

  test('give back at a stop without waiting what they have just claimed', async () => {
    const jobStore = replicas.store();
    const fire = jobStore.jobs.fire.bind(jobStore.jobs);
    let answer = (): void => undefined;
    vi.spyOn(jobStore.jobs, 'fire').mockImplementation(async (steps, claimant) => {
      const fired = await fire(steps, claimant);
      await new Promise<void>((resolve) => (answer = resolve));
      return fired;
    });
    const calls: string[] = [];
    const { lines, log } = recordingLog();
    const first = await replicas.started((app) => app.task('t', () => void calls.push('first')), { jobStore, logger: log });
    const second = await replicas.started((app) => app.task('t'));
    await first.addJob('t', { id: 'a', trigger: 'date', onCrash: 'fail' });
    void replicas.clock.advance('1ms');
    await expect.poll(async () => (await second.getRuns()).map(({ outcome }) => outcome)).toEqual(['running']);
    const stopping = first.shutdown({ wait: false });
    // Long enough for a stop that does not wait for it to have closed the store.
    for (let turns = 0; turns < 100; turns += 1) await new Promise((resolve) => void setImmediate(resolve));
    answer();
    await stopping;
    expect(lines.filter(({ level }) => level !== 'debug')).toEqual([]);
    expect((await second.getRuns()).map(({ outcome }) => outcome)).toEqual(['waiting']);
    expect(calls).toEqual([]);
  });

  test('can be started again after a start that failed half-way', async () => {
    const jobStore = replicas.store();
    vi.spyOn(jobStore.jobs, 'nextDue').mockRejectedValueOnce(new Error('away'));
    const scheduler = replicas.make({ jobStore });
    await expect(scheduler.start()).rejects.toThrow('away');
    await scheduler.start();
    expect(scheduler.state).toBe('running');
  });

  test('name the jobs that no code registers any more, which can be removed by their ids', async () => {
    const before = await replicas.started((app) => {
      for (const task of ['kept', 'gone', 'gone too']) app.task(task, () => undefined);
    });
    for (const task of ['kept', 'gone', 'gone too'])
      for (const id of ['b', 'a']) await before.addJob(task, { id: `${task} ${id}`, trigger: 'interval', hours: 1 });
    await before.addJob('gone', { id: 'over', trigger: 'date' });
    await replicas.clock.advance('1s');
    await before.shutdown();
    const after = await replicas.started((app) => app.task('kept', () => undefined));
    const { unknownTasks } = await after.health();
    expect(unknownTasks).toEqual([
      { task: 'gone', jobStore: 'default', jobs: 2, jobIds: ['gone a', 'gone b'] },
      { task: 'gone too', jobStore: 'default', jobs: 2, jobIds: ['gone too a', 'gone too b'] },
    ]);
    for (const { jobIds, jobStore } of unknownTasks) for (const id of jobIds) await after.removeJob(id, { jobStore });
    expect((await after.health()).unknownTasks).toEqual([]);
    expect((await after.getJobs()).map(({ id }) => id)).toEqual(['kept a', 'kept b']);
  });

  test('leave a kind of trigger that they do not know to those that do, and run the rest', async () => {
    const calls: string[] = [];
    const knows = await replicas.started((app) => {
      app.registerTrigger('tide', tide);
      app.task('note', (what: string) => void calls.push(what));
    });
    for (const id of ['x', 'y']) await knows.addJob('note', { id, trigger: tideOf(1), args: ['tide'] });
    await knows.shutdown();
    const old = await replicas.started((app) => app.task('note', (what: string) => void calls.push(what)), { inline: { concurrency: 1 } });
    await old.addJob('note', { id: 'z', trigger: 'interval', seconds: 2, args: ['rest'] });
    await replicas.clock.advance('5s');
    expect(calls).toEqual(['rest', 'rest']);
    expect((await old.getJobs()).map(({ id, state }) => [id, state]).toSorted()).toEqual([
      ['x', 'waiting'],
      ['y', 'waiting'],
      ['z', 'waiting'],
    ]);
    await replicas.started((app) => {
      app.registerTrigger('tide', tide);
      app.task('note', (what: string) => void calls.push(what));
    });
    await replicas.clock.advance('1ms');
    expect(calls).toEqual(['rest', 'rest', 'tide', 'tide']);
  });

  test('list and remove a job that no code registers any more', async () => {
    const old = await replicas.started((app) => app.task('gone', nothing));
    await old.addJob('gone', { id: 'a', trigger: 'interval', hours: 1 });
    await old.shutdown();
    const next = await replicas.started(nothing);
    expect((await next.getJobs()).map(({ id, task }) => [id, task])).toEqual([['a', 'gone']]);
    await next.removeJob('a');
    expect(await next.getJobs()).toEqual([]);
  });

  test('stop a run that another one runs', async () => {
    const reasons: unknown[] = [];
    let runId = '';
    const runs = await replicas.started((app) =>
      app.task('wait', async () => {
        const run = currentRun();
        runId = run?.runId ?? '';
        await new Promise<void>((resolve) =>
          run?.signal.addEventListener('abort', () => {
            reasons.push(run.signal.reason);
            resolve();
          }),
        );
      }),
    );
    await runs.addJob('wait', { id: 'a', trigger: 'interval', seconds: 1, maxRuns: 1 });
    await replicas.clock.advance('1s');
    const asks = await replicas.started(nothing);
    expect(await asks.cancelRun(runId)).toBe(true);
    // Its owner hears of it with its next heartbeat, which goes to the store and comes back in real time.
    while (reasons.length === 0) await replicas.clock.advance('1s');
    while ((await asks.getRuns({ jobId: 'a' }))[0]?.outcome === 'running') await replicas.clock.advance('1s');
    expect((await asks.getRuns({ jobId: 'a' }))[0]).toMatchObject({ outcome: 'cancelled' });
  });

  test('run a job now that only another one can run, and hear how it went', async () => {
    await replicas.started((app) => app.task('add', (a: number, b: number) => a + b));
    const asks = await replicas.started((app) => app.task('add'));
    await asks.addJob('add', { id: 'a', trigger: 'interval', hours: 1, args: [2, 3] });
    let isOver = false;
    const asked = asks.runJob('a').finally(() => {
      isOver = true;
    });
    while (!isOver) await replicas.clock.advance('1s');
    expect(await asked).toMatchObject({ outcome: 'succeeded', value: 5 });
  });

  test('catch up with one drained look, and let go', async () => {
    const calls: string[] = [];
    const boot = (): Scheduler => {
      const scheduler = replicas.make();
      scheduler.task('note', (what: string) => void calls.push(what));
      return scheduler;
    };
    const first = boot();
    await first.addJob('note', { id: 'a', trigger: 'interval', seconds: 10, args: ['a'] });
    await first.addJob('note', { id: 'b', trigger: 'interval', seconds: 10, args: ['b'], coalesce: 'all' });
    expect(await first.runDue()).toEqual([]);
    await replicas.clock.advance('30s');
    const later = boot();
    expect((await later.runDue()).map((run) => [run.jobId, run.outcome, run.coalesced]).toSorted()).toEqual([
      ['a', 'succeeded', 3],
      ['b', 'succeeded', 1],
      ['b', 'succeeded', 1],
      ['b', 'succeeded', 1],
    ]);
    expect(later.state).toBe('stopped');
    expect(await boot().runDue()).toEqual([]);
    expect(calls.toSorted()).toEqual(['a', 'b', 'b', 'b']);
  });

  test('tell that they have not looked into the store yet, instead of that a job is not there', async () => {
    await (await replicas.started((app) => app.task('note', nothing))).addJob('note', { id: 'a', trigger: 'interval', hours: 1 });
    const later = replicas.make();
    for (const asking of [later.removeJob('a'), later.pauseJob('a'), later.runJob('a'), later.explain('a')])
      await expect(asking).rejects.toMatchObject({ code: 'JOB_NOT_FOUND', message: expect.stringContaining('start({ paused: true })') });
    await later.start({ paused: true });
    await expect(later.removeJob('b')).rejects.toThrow('it was never added');
    await later.removeJob('a');
  });

  test('have a store in memory beside the shared one', async () => {
    const calls: string[] = [];
    const scheduler = await replicas.started((app) => app.task('note', (what: string) => void calls.push(what)), {
      jobStores: { default: new MemoryJobStore(), shared: replicas.store() },
    });
    await scheduler.every('1s', () => void calls.push('closure'), { id: 'a' });
    await scheduler.addJob('note', { id: 'a', jobStore: 'shared', trigger: 'interval', seconds: 1, args: ['shared'] });
    await replicas.clock.advance('2s');
    expect(calls.toSorted()).toEqual(['closure', 'closure', 'shared', 'shared']);
    expect((await scheduler.getJobs()).map(({ id, jobStore }) => [id, jobStore]).toSorted()).toEqual([
      ['a', 'default'],
      ['a', 'shared'],
    ]);
  });

  test('refuse at the door what no row could carry', async () => {
    const scheduler = await replicas.started((app) => app.task('note', nothing));
    const add = (args: readonly unknown[]): Promise<unknown> =>
      scheduler.addJob('note', { id: 'a', trigger: 'interval', seconds: 1, args });
    await expect(add(['x'.repeat(1_100_000)])).rejects.toMatchObject({ code: 'NOT_SERIALIZABLE' });
    await expect(add([JSON.parse('{"__proto__":1}')])).rejects.toMatchObject({ code: 'NOT_SERIALIZABLE' });
    await expect(add([() => 1])).rejects.toMatchObject({ code: 'NOT_SERIALIZABLE' });
    expect(await scheduler.getJobs()).toEqual([]);
  });
});
