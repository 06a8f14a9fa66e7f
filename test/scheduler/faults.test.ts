import { inspect } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import type { NewJob } from '../../src/core/job.ts';
import type { Pulse } from '../../src/core/run-store.ts';
import type { Trigger } from '../../src/core/trigger.ts';
import { TriggerSearchLimitError } from '../../src/errors.ts';
import { defaultPolicy } from '../../src/job-options.ts';
import { Scheduler } from '../../src/scheduler.ts';
import { MemoryJobStore } from '../../src/stores/memory.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { begin, beginMs, collect, eventNames, noter, only, pending, rig, settle, started } from './rig.ts';

function nothing(): void {}

function fail(message = 'no'): never {
  throw new Error(message);
}

describe('a listener', () => {
  test('that throws or rejects is logged, and reaches neither the loop nor the others', async () => {
    const { clock, scheduler, lines } = await started();
    const { calls, task } = noter(clock);
    const heard: string[] = [];
    scheduler.on('jobExecuted', () => {
      throw new Error('listener');
    });
    scheduler.on('jobExecuted', async () => Promise.reject(new Error('async listener')));
    scheduler.on('jobExecuted', () => void heard.push('heard'));
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10 });
    await clock.advance('20s');
    expect(calls).toEqual([10, 20]);
    expect(heard).toEqual(['heard', 'heard']);
    expect(lines.map(({ level, message }) => [level, message])).toEqual(
      Array.from({ length: 4 }, () => ['error', 'an event listener failed']),
    );
    expect(lines[0]?.facts).toMatchObject({ event: 'jobExecuted', err: { message: 'listener' } });
  });

  test('of any event may throw', async () => {
    const { clock, scheduler } = rig();
    const { calls, task } = noter(clock);
    const boom = (): never => {
      throw new Error('listener');
    };
    for (const name of [
      'schedulerStarted',
      'schedulerShutdown',
      'jobAdded',
      'jobSubmitted',
      'jobStarted',
      'jobModified',
      'jobRemoved',
      'jobPaused',
      'jobResumed',
    ] as const)
      scheduler.on(name, boom);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a' });
    await scheduler.start();
    await scheduler.pauseJob('a');
    await scheduler.resumeJob('a');
    await clock.advance('10s');
    await scheduler.removeJob('a');
    await scheduler.shutdown();
    expect(calls).toEqual([10]);
    expect(scheduler.state).toBe('stopped');
  });

  test('is undone by off, and by what on returned; once hears once', async () => {
    const { clock, scheduler } = await started();
    const heard: string[] = [];
    const off = (): void => void heard.push('off');
    scheduler.on('jobExecuted', off);
    expect(scheduler.off('jobExecuted', off)).toBe(scheduler);
    scheduler.on('jobExecuted', () => void heard.push('undone'))();
    scheduler.once('jobExecuted', () => void heard.push('once'));
    scheduler.once('jobExecuted', () => void heard.push('never'))();
    scheduler.on('jobExecuted', () => void heard.push('on'));
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10 });
    await clock.advance('20s');
    expect(heard).toEqual(['once', 'on', 'on']);
  });

  test('that was heard once is not what off takes back', async () => {
    const { clock, scheduler } = await started();
    const { calls, task: listener } = noter(clock);
    scheduler.on('jobExecuted', listener);
    scheduler.once('jobExecuted', listener);
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10 });
    await clock.advance('10s');
    scheduler.off('jobExecuted', listener);
    await clock.advance('10s');
    expect(calls).toEqual([10, 10]);
  });

  test('may change the very job it hears of', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    scheduler.on('jobStarted', ({ jobId }) => scheduler.rescheduleJob(jobId, { trigger: 'interval', seconds: 7 }));
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a' });
    await clock.advance('25s');
    expect(calls).toEqual([10, 17, 24]);
  });
});

describe('events of one job', () => {
  test('come in the order of its life', async () => {
    const { clock, scheduler } = await started();
    const told = eventNames(scheduler);
    let calls = 0;
    const task = (): void => {
      calls += 1;
      if (calls === 1) throw new Error('boom');
    };
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a', retry: 1 });
    await clock.advance('12s');
    await scheduler.pauseJob('a');
    await clock.advance('10s');
    await scheduler.resumeJob('a');
    await clock.advance('8s');
    await scheduler.modifyJob('a', { name: 'x' });
    await scheduler.removeJob('a');
    await scheduler.shutdown();
    const run = ['jobSubmitted a', 'jobStarted a'];
    expect(told).toEqual(
      [
        ['jobAdded a'],
        run,
        ['jobRetrying a'],
        run,
        ['jobExecuted a', 'jobPaused a', 'jobSkipped a', 'jobResumed a'],
        run,
        ['jobExecuted a', 'jobModified a', 'jobRemoved a', 'schedulerShutdown'],
      ].flat(),
    );
  });

  test('missed times come before the run that is in time', async () => {
    const { clock, scheduler } = await started();
    const told = eventNames(scheduler, ['jobMissed', 'jobStarted', 'jobExecuted']);
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, id: 'a', misfireGraceTime: '12s' });
    await scheduler.pause();
    await clock.advance('35s');
    await scheduler.resume();
    await settle(clock);
    expect(told).toEqual(['jobMissed a', 'jobStarted a', 'jobExecuted a']);
  });
});

describe('a job that cannot go on is parked alone', () => {
  /** Good until ten seconds after the beginning. */
  function failing(thrown: () => unknown): Trigger {
    return {
      next(after) {
        if (after >= beginMs + 10_000) throw thrown();
        return beginMs + 10_000;
      },
      toJSON: () => ({ type: 'own' }),
    };
  }

  test.each<readonly [string, () => unknown, string]>([
    ['throws', () => new Error('no calendar'), 'Error: no calendar'],
    ['throws no error', () => 'text', 'text'],
    [
      'gives up its search',
      () => new TriggerSearchLimitError('own', beginMs, '10 years'),
      'TriggerSearchLimitError: own: no fire time found',
    ],
  ])('when its trigger %s', async (_how, thrown, reason) => {
    const { clock, scheduler, lines } = await started();
    const parked = collect(scheduler, 'jobParked');
    const { calls, task } = noter(clock);
    await scheduler.addJob(nothing, { trigger: failing(thrown), id: 'bad' });
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'good' });
    await clock.advance('30s');
    expect(calls).toEqual([10, 20, 30]);
    expect(only(parked)).toMatchObject({ jobId: 'bad', jobStore: 'default', reason: expect.stringContaining(reason) });
    const job = await scheduler.getJob('bad');
    expect([job?.state, job?.nextRunTime]).toEqual(['parked', undefined]);
    expect(job?.reason).toContain(reason);
    expect(only(lines)).toMatchObject({ level: 'error', message: 'a job was parked', facts: { jobId: 'bad' } });
  });

  test('when its trigger stands still', async () => {
    const { clock, scheduler } = await started();
    const stuck: Trigger = { next: () => beginMs + 10_000, toJSON: () => ({ type: 'stuck' }) };
    let calls = 0;
    const task = (): void => {
      calls += 1;
    };
    await scheduler.addJob(task, { trigger: stuck, id: 'a' });
    await clock.advance('30s');
    expect(calls).toBe(0);
    expect((await scheduler.getJob('a'))?.state).toBe('parked');
  });

  test('when its task is not registered', async () => {
    const { clock, scheduler, store } = await started();
    const { calls, task } = noter(clock);
    const trigger = { type: 'interval', every: 10_000, anchor: '2030-01-01T00:00:00.000Z' };
    const ghost: NewJob = {
      id: 'ghost',
      name: undefined,
      task: { name: 'ghost' },
      args: [],
      executor: 'inline',
      executorOptions: undefined,
      policy: defaultPolicy,
      metadata: undefined,
      trigger,
      registration: trigger,
      nextRunTime: beginMs + 10_000,
      dueAt: beginMs + 10_000,
      state: 'waiting',
      reason: undefined,
      runCount: 0,
    };
    await store.jobs.add([ghost], { onConflict: 'error' });
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'good' });
    await clock.advance('20s');
    expect(calls).toEqual([10, 20]);
    expect(await scheduler.getJob('ghost')).toMatchObject({ state: 'parked', reason: 'no task is registered as "ghost"' });
    scheduler.task('ghost', task);
    await scheduler.resumeJob('ghost');
    await clock.advance('10s');
    expect(calls).toEqual([10, 20, 30, 30]);
    expect((await scheduler.getRuns({ jobId: 'ghost' })).map((run) => [run.outcome, run.reason])).toEqual([
      ['succeeded', undefined],
      ['skipped', 'the job was parked: no task is registered as "ghost"'],
    ]);
  });

  test.each(['resumeJob', 'rescheduleJob', 'modifyJob'] as const)('and %s brings it back', async (verb) => {
    const { clock, scheduler } = await started();
    let isBroken = true;
    const trigger: Trigger = {
      next(after) {
        if (isBroken && after >= beginMs + 10_000) throw new Error('no calendar');
        return (Math.floor(after / 10_000) + 1) * 10_000;
      },
      toJSON: () => ({ type: 'own' }),
    };
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger, id: 'a' });
    await clock.advance('15s');
    isBroken = false;
    if (verb === 'resumeJob') await scheduler.resumeJob('a');
    if (verb === 'rescheduleJob') await scheduler.rescheduleJob('a', { trigger: 'interval', seconds: 5 });
    if (verb === 'modifyJob') await scheduler.modifyJob('a', { name: 'mended' });
    const job = await scheduler.getJob('a');
    expect([job?.state, job?.reason]).toEqual(['waiting', undefined]);
    await clock.advance('5s');
    expect(calls).toEqual(verb === 'modifyJob' ? [15, 20] : [20]);
  });
});

describe('what a task does wrong', () => {
  test('stays its own: a thousand that fail leave the others and the process alone', async () => {
    const { clock, scheduler } = await started();
    scheduler.on('jobError', nothing);
    const { calls, task } = noter(clock);
    const fails = [
      () => {
        throw new Error('sync');
      },
      async () => Promise.reject(new Error('async')),
      () => ({
        then() {
          throw new Error('thenable');
        },
      }),
    ];
    await scheduler.addJobs(
      Array.from(
        { length: 999 },
        (_, index) => ({ task: fails[index % 3] ?? nothing, trigger: 'interval', seconds: 10, id: `bad-${index}` }) as const,
      ),
    );
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'good' });
    await clock.advance('20s');
    expect(calls).toEqual([10, 20]);
    expect((await scheduler.getRuns({ outcome: 'failed', limit: 1000 })).length).toBeGreaterThan(900);
  });

  test.each<[string, () => unknown]>([
    ['has an object as its message', () => Object.assign(new Error('x'), { message: Object.create(null) })],
    ['has a symbol as its name', () => Object.assign(new Error('x'), { name: Symbol('n') })],
    ['throws when it is asked for its message', () => Object.defineProperty(new Error('x'), 'message', { get: () => fail() })],
    ['is a proxy that throws', () => new Proxy(new Error('x'), { get: () => fail(), getPrototypeOf: () => fail() })],
  ])('an error that %s fails its run and nothing else', async (_, make) => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    const errors: unknown[] = [];
    scheduler.on('jobError', ({ error }) => void errors.push(error));
    const error = make();
    const throws = (): never => {
      throw error;
    };
    await scheduler.addJob(throws, { trigger: 'interval', seconds: 10, id: 'sync' });
    await scheduler.addJob(() => Promise.reject(error as Error), { trigger: 'interval', seconds: 10, id: 'async' });
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'good' });
    await clock.advance('20s');
    expect(calls).toEqual([10, 20]);
    expect(errors.map((each) => each === error)).toEqual([true, true, true, true]);
    expect(await scheduler.getRuns({ outcome: 'failed' })).toHaveLength(4);
  });

  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('disk full');
      },
    ],
    ['rejects', () => Promise.reject(new Error('disk full'))],
  ])('a logger that %s does not stop the loop', async (_, boom) => {
    const told = vi.spyOn(console, 'error').mockImplementation(nothing);
    const { clock, scheduler } = await started({ logger: { debug: boom, info: boom, warn: boom, error: boom } });
    const { calls, task } = noter(clock);
    await scheduler.addJob(() => Promise.reject(new Error('boom')), { trigger: 'interval', seconds: 10, id: 'bad' });
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'good' });
    await clock.jumpWall('1h');
    await clock.advance('1m');
    expect(calls.length).toBeGreaterThan(5);
    expect(told.mock.calls.map(([message]) => message)).toContain('punctual: the logger failed at: a job failed (Error: disk full)');
    told.mockRestore();
  });

  test('an error that the console cannot print does not stop the loop', async () => {
    const told = vi.spyOn(console, 'error').mockImplementation(nothing);
    const printed = vi.spyOn(console, 'warn').mockImplementation((_text, facts) => void inspect(facts));
    const clock = new VirtualClock({ now: begin });
    const scheduler = new Scheduler({ clock, timezone: 'UTC' });
    await scheduler.start();
    const { calls, task } = noter(clock);
    const error = Object.assign(new Error('boom'), { [inspect.custom]: () => fail('body was consumed already') });
    await scheduler.addJob(() => Promise.reject(error), { trigger: 'interval', seconds: 10, id: 'bad' });
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'good' });
    await clock.advance('20s');
    await scheduler.shutdown();
    expect(calls).toEqual([10, 20]);
    expect(printed).toHaveBeenCalledTimes(2);
    expect(told.mock.calls[0]).toEqual(['punctual: the logger failed at: a job failed (Error: body was consumed already)']);
    told.mockRestore();
    printed.mockRestore();
  });

  test('a run that ends twice, or after its job is gone, counts once', async () => {
    const { clock, scheduler } = await started();
    const { task, ends, fails } = pending();
    const told = eventNames(scheduler, ['jobExecuted', 'jobError', 'jobCancelled']);
    await scheduler.addJob(task, { trigger: 'date', id: 'a' });
    await settle(clock);
    ends[0]?.(1);
    ends[0]?.(2);
    fails[0]?.(new Error('late'));
    await settle(clock);
    expect(told).toEqual(['jobExecuted a']);
    expect(only(await scheduler.getRuns()).value).toBe(1);
  });
});

describe('a store that fails outside passes', () => {
  test('makes start reject with a StoreError, and leaves the scheduler stopped', async () => {
    const cause = new Error('connection refused');
    const store = Object.assign(new MemoryJobStore(), { open: () => Promise.reject(cause) });
    const { scheduler } = rig({ jobStore: store });
    await expect(scheduler.start()).rejects.toMatchObject({ code: 'STORE', store: 'default', operation: 'open', cause });
    expect(scheduler.state).toBe('stopped');
  });

  test('makes runDue reject with a StoreError once the other stores are done', async () => {
    const cause = new Error('connection lost');
    const broken = new MemoryJobStore();
    broken.jobs.nextDue = () => {
      throw cause;
    };
    const { clock, scheduler } = rig({ jobStores: { broken, default: new MemoryJobStore() } });
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'date', runDate: clock.now() });
    await expect(scheduler.runDue()).rejects.toMatchObject({ code: 'STORE', store: 'broken', cause });
    expect(calls).toHaveLength(1);
    expect(scheduler.state).toBe('stopped');
  });

  test('makes getJobs reject with a StoreError', async () => {
    const cause = new Error('connection lost');
    const store = new MemoryJobStore();
    const { scheduler } = await started({ jobStore: store });
    store.jobs.list = () => Promise.reject(cause);
    await expect(scheduler.getJobs()).rejects.toMatchObject({ code: 'STORE', store: 'default', operation: 'list', cause });
  });

  test('makes runJob and shutdown reject with a StoreError', async () => {
    const cause = new Error('connection lost');
    const store = new MemoryJobStore();
    const { scheduler } = await started({ jobStore: store });
    await scheduler.addJob(() => 1, { id: 'a', trigger: 'interval', hours: 1 });
    store.jobs.fire = () => Promise.reject(cause);
    store.close = () => Promise.reject(cause);
    await expect(scheduler.runJob('a')).rejects.toMatchObject({ code: 'STORE', operation: 'fire', cause });
    await expect(scheduler.shutdown()).rejects.toMatchObject({ code: 'STORE', operation: 'close', cause });
    expect(scheduler.state).toBe('stopped');
  });
});

describe('a step of many due jobs', () => {
  test.each([
    { what: 'rejects', failing: 1, began: 250, asked: [250, 50, 250] },
    { what: 'throws', failing: 2, began: 0, asked: [250, 50, 50] },
  ])('that $what keeps none of the others from running, and is tried again', async ({ what, failing, began, asked }) => {
    const store = Object.assign(new MemoryJobStore(), { durable: true, lease: 15_000 });
    const { clock, scheduler } = rig({ jobStore: store });
    const { fire } = store.jobs;
    const sizes: number[] = [];
    store.jobs.fire = (batch, claimant) => {
      sizes.push(batch.length);
      const lost = new Error('connection lost');
      if (sizes.length === failing && what === 'throws') throw lost;
      if (sizes.length === failing) return Promise.reject(lost);
      return Promise.resolve(fire.call(store.jobs, batch, claimant));
    };
    const ran: number[] = [];
    scheduler.task('work', (index: number) => void ran.push(index));
    const errors = collect(scheduler, 'storeError');
    await scheduler.start();
    await scheduler.addJobs(
      Array.from({ length: 300 }, (_, index) => ({ task: 'work', id: `job-${index}`, trigger: 'date' as const, args: [index] })),
    );
    await clock.advance('1s');
    expect(sizes).toEqual(asked);
    expect(ran[0]).toBe(began);
    expect(errors).toHaveLength(1);
    expect(ran.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, index) => index));
  });
});

describe('an answer of a store that was long under way', () => {
  /** A store that keeps claims, and takes 14 of the 15 seconds of a lease to say what was fired. */
  async function slow(heartbeat: (runId: string) => Pulse): Promise<{ begun: number; beats: number }> {
    const told = { begun: 0, beats: 0 };
    const store = Object.assign(new MemoryJobStore(), { durable: true, lease: 15_000 });
    const { clock, scheduler } = rig({ jobStore: store });
    const { fire } = store.jobs;
    let runId = '';
    const monotonic = clock.monotonic.bind(clock);
    let passed = 0;
    clock.monotonic = () => monotonic() + passed;
    store.jobs.fire = async (batch, claimant) => {
      const fired = await fire.call(store.jobs, batch, claimant);
      runId = fired[0]?.started[0]?.run.id ?? '';
      passed = 14_000;
      return fired;
    };
    store.runs.heartbeat = () => {
      told.beats += 1;
      return heartbeat(runId);
    };
    scheduler.task('work', () => {
      told.begun += 1;
    });
    await scheduler.start();
    await scheduler.addJob('work', { trigger: 'date', id: 'a' });
    await settle(clock);
    return told;
  }

  test('is prolonged before its runs begin', async () => {
    expect(await slow(() => ({ cancel: [], lost: [] }))).toEqual({ begun: 1, beats: 1 });
  });

  test('begins nothing that another process has by then', async () => {
    expect((await slow((runId) => ({ cancel: [], lost: [runId] }))).begun).toBe(0);
  });
});
