import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { JobNeverRunsError, SchedulerStateError } from '../../src/errors.ts';
import { Scheduler } from '../../src/scheduler.ts';
import { MemoryJobStore } from '../../src/stores/memory.ts';
import { SqlJobStore } from '../../src/stores/sql/index.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { recordingLog } from '../fixtures/requests.ts';

const directory = mkdtempSync(join(tmpdir(), 'stopping-'));

interface Rig {
  readonly clock: VirtualClock;
  readonly store: SqlJobStore;
  readonly scheduler: Scheduler;
  /** When the task began, in seconds. */
  readonly calls: number[];
}

let files = 0;
const open: Scheduler[] = [];
afterEach(async () => {
  for (const scheduler of open.splice(0)) if (scheduler.state !== 'stopped') await scheduler.shutdown();
});

/** A scheduler on a file of its own. */
function rig(): Rig {
  files += 1;
  const clock = new VirtualClock({ now: '2030-01-01T00:00:00Z' });
  const begin = clock.now();
  const store = new SqlJobStore({ url: `sqlite:${join(directory, `${files}.db`)}`, now: () => clock.now() });
  const scheduler = new Scheduler({ clock, timezone: 'UTC', jobStore: store, logger: recordingLog().log });
  const calls: number[] = [];
  scheduler.task('greet', () => void calls.push((clock.now() - begin) / 1000));
  open.push(scheduler);
  return { clock, store, scheduler, calls };
}

/** Holds up whoever passes until it is opened. */
class Gate {
  readonly reached: Promise<void>;
  readonly #opened: Promise<void>;
  #reach = (): void => {};
  open = (): void => {};

  constructor() {
    this.reached = new Promise((resolve) => (this.#reach = resolve));
    this.#opened = new Promise((resolve) => (this.open = resolve));
  }

  pass(): Promise<void> {
    this.#reach();
    return this.#opened;
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('a stop while runJob is at the store', () => {
  test.each([
    ['that waits', {}],
    ['that does not wait', { wait: false }],
  ])('%s gives the run back, and the next start takes it', async (_name, options) => {
    const { clock, scheduler, store, calls } = rig();
    await scheduler.start();
    await scheduler.addJob('greet', { id: 'job', trigger: 'interval', hours: 1 });
    const { fire } = store.jobs;
    const gate = new Gate();
    store.jobs.fire = async (batch, claimant) => {
      const fired = await fire(batch, claimant);
      await gate.pass();
      return fired;
    };
    const run = scheduler.runJob('job');
    await gate.reached;
    let isStopped = false;
    const stopped = scheduler.shutdown(options).then(() => (isStopped = true));
    await turns();
    expect(isStopped).toBe(false);
    gate.open();
    await stopped;
    expect(await run).toMatchObject({ outcome: 'waiting' });
    expect(calls).toEqual([]);
    store.jobs.fire = fire;
    await clock.advance('5s');
    await scheduler.start();
    await clock.advance('1s');
    expect(calls).toEqual([5]);
  });

  test('runJob is refused from then on', async () => {
    const { clock, scheduler, calls } = rig();
    const gate = new Gate();
    scheduler.task('slow', () => gate.pass());
    await scheduler.start();
    await scheduler.addJob('greet', { id: 'job', trigger: 'interval', hours: 1 });
    await scheduler.addJob('slow', { trigger: 'date' });
    await clock.advance('1s');
    await gate.reached;
    const stopped = scheduler.shutdown();
    await expect(scheduler.runJob('job')).rejects.toThrow(SchedulerStateError);
    gate.open();
    await stopped;
    expect(calls).toEqual([]);
  });
});

test('an end that a store never answered for before it was closed is written after the next start', async () => {
  const store = new SqlJobStore({ url: `sqlite:${join(directory, 'unanswered.db')}` });
  const scheduler = new Scheduler({ jobStore: store, logger: recordingLog().log });
  open.push(scheduler);
  scheduler.task('greet', () => 'hello');
  await scheduler.start();
  await scheduler.addJob('greet', { id: 'job', trigger: 'interval', hours: 1 });
  const { finish } = store.runs;
  const gate = new Gate();
  store.runs.finish = async (list) => {
    await gate.pass();
    return finish(list);
  };
  const first = scheduler.runJob('job');
  await gate.reached;
  await scheduler.shutdown({ timeout: 0 });
  await expect(first).rejects.toThrow(SchedulerStateError);
  store.runs.finish = finish;
  await scheduler.start();
  expect(await scheduler.runJob('job')).toMatchObject({ outcome: 'succeeded' });
  expect((await scheduler.getRuns({ jobId: 'job' })).map(({ outcome }) => outcome)).toEqual(['succeeded', 'succeeded']);
  expect((await scheduler.health()).stores).toMatchObject({ default: { unwritten: 0 } });
});

test('a stop that was cut short leaves the runs of the next start alone', async () => {
  const store = new SqlJobStore({ url: `sqlite:${join(directory, 'cut-short.db')}` });
  const scheduler = new Scheduler({ jobStore: store, logger: recordingLog().log });
  open.push(scheduler);
  const [answer, end] = [new Gate(), new Gate()];
  let calls = 0;
  scheduler.task('greet', () => {
    calls += 1;
  });
  scheduler.task('slow', () => end.pass());
  await scheduler.start();
  await scheduler.addJob('greet', { id: 'job', trigger: 'interval', hours: 1 });
  await scheduler.addJob('slow', { id: 'slow', trigger: 'interval', hours: 1 });
  const { fire } = store.jobs;
  let fence = Infinity;
  store.jobs.fire = async (batch, claimant) => {
    const fired = await fire(batch, claimant);
    fence = fired[0]?.started[0]?.run.fence ?? Infinity;
    await answer.pass();
    return fired;
  };
  const first = scheduler.runJob('job').catch((error: unknown) => error);
  await answer.reached;
  await scheduler.shutdown({ timeout: 0 });
  store.jobs.fire = fire;
  await scheduler.start();
  let report: unknown;
  const second = scheduler.runJob('slow').then((run) => (report = run));
  await end.reached;
  const executed = new Promise((resolve) => scheduler.once('jobExecuted', resolve));
  answer.open();
  await executed;
  await turns();
  expect(report).toBeUndefined();
  end.open();
  expect(await second).toMatchObject({ outcome: 'succeeded' });
  await first;
  // It was given back, and claimed anew.
  const { runs } = await store.runs.list({ jobId: 'job', limit: 1 });
  expect(runs[0]?.fence).toBeGreaterThan(fence);
  expect(calls).toBe(1);
});

test('a store that is asked for again while it is being closed is opened after that', async () => {
  const { scheduler, store } = rig();
  await scheduler.start();
  const gate = new Gate();
  store.close = async () => {
    await gate.pass();
    return SqlJobStore.prototype.close.call(store);
  };
  const stopped = scheduler.shutdown();
  await gate.reached;
  const past = scheduler.addJob('greet', { id: 'past', trigger: 'date', runDate: '2029-01-01T00:00:00Z' });
  gate.open();
  await expect(past).rejects.toThrow(JobNeverRunsError);
  await stopped;
});

test('cancelRun on a stopped scheduler says that it cannot see', async () => {
  const { scheduler } = rig();
  await scheduler.start();
  await scheduler.addJob('greet', { id: 'job', trigger: 'interval', minutes: 1 });
  const run = await scheduler.runJob('job');
  expect(await scheduler.cancelRun(run.id)).toBe(false);
  await scheduler.shutdown();
  await expect(scheduler.cancelRun(run.id)).rejects.toThrow(SchedulerStateError);
});

test('from a run of another scheduler, a stop waits for the start under way', async () => {
  const [outer, inner] = [rig(), rig()];
  const states: string[] = [];
  outer.scheduler.task('stop the other', async () => {
    const starting = inner.scheduler.start();
    await inner.scheduler.shutdown();
    states.push(inner.scheduler.state);
    await starting;
    states.push(inner.scheduler.state);
  });
  await outer.scheduler.start();
  await outer.scheduler.addJob('stop the other', { id: 'job', trigger: 'interval', hours: 1 });
  expect(await outer.scheduler.runJob('job')).toMatchObject({ outcome: 'succeeded' });
  expect(states).toEqual(['stopped', 'stopped']);
});

describe('what is done to a pending job while a start stores it', () => {
  async function meanwhile(act: (scheduler: Scheduler) => Promise<unknown>): Promise<Rig> {
    const made = rig();
    const { clock, scheduler, store } = made;
    await scheduler.addJob('greet', { id: 'job', trigger: 'interval', seconds: 10 });
    const { add } = store.jobs;
    const gate = new Gate();
    store.jobs.add = async (jobs, options) => {
      await gate.pass();
      return add(jobs, options);
    };
    const starting = scheduler.start();
    await gate.reached;
    const acting = act(scheduler);
    await turns();
    gate.open();
    await Promise.all([starting, acting]);
    await clock.advance('10s');
    return made;
  }

  test('stands after it', async () => {
    expect((await meanwhile((scheduler) => scheduler.pauseJob('job'))).calls).toEqual([]);
    expect((await meanwhile((scheduler) => scheduler.removeJob('job'))).calls).toEqual([]);
    expect((await meanwhile((scheduler) => scheduler.removeAllJobs())).calls).toEqual([]);
    expect((await meanwhile((scheduler) => scheduler.rescheduleJob('job', { trigger: 'interval', seconds: 4 }))).calls).toEqual([4, 8]);
    const { scheduler } = await meanwhile((started) => started.modifyJob('job', { name: 'new' }));
    expect((await scheduler.getJob('job'))?.name).toBe('new');
  });

  test('registering it again replaces it', async () => {
    const again = await meanwhile((scheduler) => scheduler.addJob('greet', { id: 'job', trigger: 'interval', seconds: 3 }));
    expect(again.calls).toEqual([3, 6, 9]);
    expect(await again.scheduler.getJobs()).toHaveLength(1);
  });
});

test('a job that waits for the start is replaced by one that comes when its store is open already', async () => {
  const { clock, scheduler, calls } = rig();
  await scheduler.addJob('greet', { id: 'job', trigger: 'interval', seconds: 10 });
  // Only the store knows that this one never was.
  const past = scheduler.addJob('greet', { id: 'past', trigger: 'date', runDate: '2029-01-01T00:00:00Z' });
  await expect(past).rejects.toThrow(JobNeverRunsError);
  await scheduler.addJob('greet', { id: 'job', trigger: 'interval', seconds: 4 });
  await scheduler.start();
  await clock.advance('10s');
  expect(calls).toEqual([4, 8]);
});

describe('with several stores', () => {
  test('registering a pending job again while another store is still being opened replaces it', async () => {
    const { clock, store } = rig();
    const gate = new Gate();
    store.open = async (context) => {
      await gate.pass();
      return SqlJobStore.prototype.open.call(store, context);
    };
    const scheduler = new Scheduler({ clock, jobStores: { default: new MemoryJobStore(), store }, logger: recordingLog().log });
    open.push(scheduler);
    const calls: string[] = [];
    await scheduler.addJob(() => void calls.push('old'), { id: 'job', trigger: 'interval', seconds: 5 });
    const starting = scheduler.start();
    await gate.reached;
    await scheduler.addJob(() => void calls.push('new'), { id: 'job', trigger: 'interval', seconds: 4 });
    gate.open();
    await starting;
    await clock.advance('8s');
    expect(calls).toEqual(['new', 'new']);
  });

  test('a pending job that is removed while a start begins is gone', async () => {
    const { clock, store: first } = rig();
    const { store: second } = rig();
    const scheduler = new Scheduler({ clock, jobStores: { default: first, second }, logger: recordingLog().log });
    open.push(scheduler);
    scheduler.task('greet', () => 'hello');
    // Opens the first store.
    const past = scheduler.addJob('greet', { id: 'past', trigger: 'date', runDate: '2029-01-01T00:00:00Z' });
    await expect(past).rejects.toThrow(JobNeverRunsError);
    await scheduler.addJob('greet', { id: 'job', jobStore: 'second', trigger: 'interval', seconds: 1 });
    const [removal, addition] = [new Gate(), new Gate()];
    const { remove } = first.jobs;
    first.jobs.remove = async (ids) => {
      await removal.pass();
      return remove(ids);
    };
    const { add } = second.jobs;
    second.jobs.add = async (jobs, options) => {
      await addition.pass();
      return add(jobs, options);
    };
    const removed = scheduler.removeJob('job');
    await removal.reached;
    const starting = scheduler.start();
    await addition.reached;
    removal.open();
    await turns();
    addition.open();
    await Promise.all([starting, removed]);
    expect(await scheduler.getJobs()).toEqual([]);
  });
});
