import { describe, expect, test } from 'vitest';
import { currentRun } from '../../src/current-run.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { Executor } from '../../src/core/executor.ts';
import { RunCancelledError, SchedulerStateError, StoreError } from '../../src/errors.ts';
import { Scheduler } from '../../src/scheduler.ts';
import { MemoryJobStore } from '../../src/stores/memory.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { silent } from '../fixtures/requests.ts';
import { begin, collect, eventNames, noter, only, pending, rig, second, settle, started } from './rig.ts';

/** Wall time goes on by a millisecond at each look. */
class TickingClock extends VirtualClock {
  #ticks = 0;

  override now(): number {
    this.#ticks += 1;
    return super.now() + this.#ticks;
  }
}

test('an interval counts from the call that adds it, however long that takes', async () => {
  const clock = new TickingClock({ now: 0 });
  const scheduler = new Scheduler({ clock, timezone: 'UTC' });
  await scheduler.start();
  const before = clock.now();
  const job = await scheduler.addJob(() => undefined, { trigger: 'interval', seconds: 1 });
  expect(job.nextRunAt).toBe(before + 1 + 1_000);
  await scheduler.shutdown();
});

describe('start', () => {
  test('goes from stopped to running, and says so', async () => {
    const { scheduler } = rig();
    const told = collect(scheduler, 'schedulerStarted');
    expect(scheduler.state).toBe('stopped');
    await scheduler.start();
    expect(scheduler.state).toBe('running');
    expect(told).toEqual([{ paused: false }]);
  });

  test('is refused while the scheduler runs', async () => {
    const { scheduler } = await started();
    await expect(scheduler.start()).rejects.toThrow(SchedulerStateError);
    await expect(scheduler.start()).rejects.toThrow('running already; shutdown()');
    expect(scheduler.state).toBe('running');
    await scheduler.pause();
    await expect(scheduler.start()).rejects.toThrow('and paused; resume()');
    expect(scheduler.state).toBe('paused');
  });

  test('is refused while another start is under way', async () => {
    const { scheduler } = rig();
    const first = scheduler.start();
    await expect(scheduler.start()).rejects.toThrow('being started');
    await first;
    expect(scheduler.state).toBe('running');
  });

  test('paused opens the stores for management and runs nothing until resume', async () => {
    const { clock, scheduler } = rig();
    const told = collect(scheduler, 'schedulerStarted');
    const { calls, task } = noter(clock);
    await scheduler.start({ paused: true });
    expect(scheduler.state).toBe('paused');
    expect(told).toEqual([{ paused: true }]);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a' });
    await scheduler.pauseJob('a');
    await scheduler.resumeJob('a');
    await clock.advance('25s');
    expect(calls).toEqual([]);
    clock.assertIdle();
    await scheduler.resume();
    await clock.advance('5s');
    expect(calls).toEqual([25, 30]);
  });

  test('a store that cannot open fails it, and a later start works', async () => {
    const store = new MemoryJobStore();
    let broken = true;
    const open = store.open.bind(store);
    store.open = (context) => {
      if (broken) throw new Error('no disk');
      open(context);
    };
    const { clock, scheduler } = rig({ jobStore: store });
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 1, id: 'a' });
    await expect(scheduler.start()).rejects.toThrow('no disk');
    expect(scheduler.state).toBe('stopped');
    broken = false;
    await scheduler.start();
    await clock.advance('1s');
    expect(calls).toEqual([1]);
  });

  test('one that fails lets go of all that it opened, and says why it failed', async () => {
    const [first, second, third] = [new MemoryJobStore(), new MemoryJobStore(), new MemoryJobStore()];
    const closed: string[] = [];
    first.close = () => {
      throw new Error('cannot close');
    };
    second.close = () => void closed.push('second');
    third.open = () => {
      throw new Error('no disk');
    };
    const { scheduler } = rig({ jobStores: { default: first, second, third } });
    await expect(scheduler.start()).rejects.toThrow('no disk');
    expect(closed).toEqual(['second']);
  });
});

describe('jobs added before the start', () => {
  test('wait, visible in getJob and getJobs, and run once started', async () => {
    const { clock, scheduler } = rig();
    const { calls, task } = noter(clock);
    const job = await scheduler.addJob(task, { trigger: 'interval', seconds: 3, id: 'a' });
    expect(job.state).toBe('pending');
    expect((await scheduler.getJobs()).map(({ id }) => id)).toEqual(['a']);
    expect((await scheduler.getJob('a'))?.state).toBe('pending');
    await clock.advance('10s');
    expect(calls).toEqual([]);
    await scheduler.start();
    expect((await scheduler.getJob('a'))?.state).toBe('waiting');
    await clock.advance('3s');
    expect(calls).toEqual([13]);
  });

  test('leave no wake-up behind', async () => {
    const { clock, scheduler } = rig();
    await scheduler.addJob(() => {}, { trigger: 'interval', seconds: 3 });
    clock.assertIdle();
  });

  test('run a date that passed meanwhile, late', async () => {
    const { clock, scheduler } = rig();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'date', runDate: '2030-01-01 00:00:10', id: 'a' });
    await clock.advance('1m');
    await scheduler.start();
    await settle(clock);
    expect(calls).toEqual([60]);
    expect(only((await scheduler.getRuns()).map((run) => second(run.scheduledAt)))).toBe(10);
  });

  test('miss a date that passed meanwhile by more than the grace', async () => {
    const { clock, scheduler } = rig();
    const { calls, task } = noter(clock);
    const missed = collect(scheduler, 'jobMissed');
    await scheduler.addJob(task, { trigger: 'date', runDate: '2030-01-01 00:00:10', id: 'a', misfireGraceTime: '49s' });
    await clock.advance('1m');
    await scheduler.start();
    await settle(clock);
    expect(calls).toEqual([]);
    expect(only(missed)).toMatchObject({ jobId: 'a', outcome: 'missed' });
  });

  test('put the fire times since a startDate that passed meanwhile through the misfire policy', async () => {
    const { clock, scheduler } = rig();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, startDate: '2030-01-01 00:00:05', id: 'a' });
    await clock.advance('1m');
    await scheduler.start();
    await clock.advance('10s');
    expect(calls).toEqual([60, 65]);
    const runs = await scheduler.getRuns();
    expect(runs.map((run) => [second(run.scheduledAt), run.coalesced, second(run.coalescedFrom)])).toEqual([
      [65, 1, undefined],
      [55, 6, 5],
    ]);
  });

  test('of a cron trigger without a start date, compute from the start and owe nothing', async () => {
    const { clock, scheduler } = rig();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'cron', second: '*/10', id: 'a' });
    await clock.advance('65s');
    await scheduler.start();
    await clock.advance('10s');
    expect(calls).toEqual([70]);
    expect(await scheduler.getRuns()).toHaveLength(1);
  });

  test('whose last fire time passed meanwhile run once for those since they were added', async () => {
    const { clock, scheduler } = rig();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'cron', second: '*/10', endDate: '2030-01-01 00:00:30', id: 'a' });
    await clock.advance('65s');
    await scheduler.start();
    await clock.advance('1m');
    expect(calls).toEqual([65]);
    expect(only(await scheduler.getRuns())).toMatchObject({ coalesced: 4, outcome: 'succeeded' });
  });

  test('one that can never run any more is named in the log, and the others start', async () => {
    const { clock, scheduler, lines } = rig();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, endDate: '2030-01-01 00:00:30', id: 'spent' });
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'good' });
    await clock.advance('1m');
    await scheduler.start();
    await clock.advance('10s');
    expect(calls).toEqual([70]);
    expect((await scheduler.getJobs()).map(({ id }) => id)).toEqual(['good']);
    expect(only(lines)).toMatchObject({ level: 'warn', facts: { jobId: 'spent' } });
  });

  test('can be changed, paused, resumed, rescheduled and removed', async () => {
    const { clock, scheduler } = rig();
    const told = eventNames(scheduler);
    const { calls, task } = noter(clock);
    await scheduler.addJob(() => {}, { trigger: 'interval', seconds: 3, id: 'a', name: 'old' });
    await scheduler.addJob(() => {}, { trigger: 'interval', seconds: 3, id: 'b' });
    expect((await scheduler.modifyJob('a', { task, name: 'new' })).name).toBe('new');
    expect((await scheduler.pauseJob('a')).state).toBe('paused');
    expect((await scheduler.resumeJob('a')).state).toBe('pending');
    await scheduler.rescheduleJob('a', { trigger: 'interval', seconds: 5 });
    await scheduler.removeJob('b');
    expect(told).toEqual(['jobAdded a', 'jobAdded b', 'jobModified a', 'jobPaused a', 'jobResumed a', 'jobModified a', 'jobRemoved b']);
    await scheduler.start();
    await clock.advance('10s');
    expect(calls).toEqual([5, 10]);
    expect(told[7]).toBe('schedulerStarted');
  });

  test('registered again with the same trigger stay paused', async () => {
    const { clock, scheduler } = rig();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'cron', second: '*/10', id: 'a' });
    await scheduler.pauseJob('a');
    await scheduler.addJob(task, { trigger: 'cron', second: '*/10', id: 'a' });
    await scheduler.start();
    await clock.advance('1m');
    expect(calls).toEqual([]);
    expect((await scheduler.getJob('a'))?.state).toBe('paused');
  });

  test('runJob of one says that the scheduler has to be started', async () => {
    const { scheduler } = rig();
    await scheduler.addJob(() => {}, { trigger: 'interval', seconds: 3, id: 'a' });
    await expect(scheduler.runJob('a')).rejects.toThrow(SchedulerStateError);
  });
});

describe('pause and resume of the scheduler', () => {
  test('nothing begins meanwhile; what passed goes through the misfire policy', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a' });
    await clock.advance('10s');
    await scheduler.pause();
    await clock.advance('45s');
    expect(calls).toEqual([10]);
    await scheduler.resume();
    await clock.advance('5s');
    expect(calls).toEqual([10, 55, 60]);
    expect((await scheduler.getRuns()).map((run) => run.coalesced)).toEqual([1, 4, 1]);
  });

  test('tell once each, and a second call changes nothing', async () => {
    const { scheduler } = await started();
    const told = eventNames(scheduler);
    await scheduler.pause();
    await scheduler.pause();
    await scheduler.resume();
    await scheduler.resume();
    expect(told).toEqual(['schedulerPaused', 'schedulerResumed']);
  });

  test('a run under way goes on, and its end is recorded', async () => {
    const { clock, scheduler } = await started();
    const { task, ends } = pending();
    await scheduler.addJob(task, { trigger: 'date', id: 'a' });
    await settle(clock);
    await scheduler.pause();
    ends[0]?.('done');
    await settle(clock);
    expect(only(await scheduler.getRuns())).toMatchObject({ outcome: 'succeeded', value: 'done' });
  });

  test('a retry that is due meanwhile waits for the resume', async () => {
    const { clock, scheduler } = await started();
    let calls = 0;
    await scheduler.addJob(
      () => {
        calls += 1;
        throw new Error('boom');
      },
      { trigger: 'date', id: 'a', retry: { limit: 1, delay: '5s' } },
    );
    await settle(clock);
    await scheduler.pause();
    await clock.advance('1m');
    expect(calls).toBe(1);
    await scheduler.resume();
    await settle(clock);
    expect(calls).toBe(2);
  });

  test('are refused when the scheduler is stopped', async () => {
    const { scheduler } = rig();
    await expect(scheduler.pause()).rejects.toThrow(SchedulerStateError);
    await expect(scheduler.pause()).rejects.toThrow('pause: the scheduler is stopped; start() comes first');
    await expect(scheduler.resume()).rejects.toThrow(SchedulerStateError);
    await expect(scheduler.resume()).rejects.toThrow('resume: the scheduler is stopped; start() comes first');
  });

  test('a job that pauses the scheduler stops the others that are due with it, and they run at the resume', async () => {
    const { clock, scheduler } = await started();
    const ran: string[] = [];
    const add = (id: string, task: () => void): Promise<unknown> =>
      scheduler.addJob(task, { trigger: 'date', runDate: '2030-01-01 00:00:10', id });
    await add('a', () => {
      ran.push('a');
      void scheduler.pause();
    });
    await add('b', () => void ran.push('b'));
    await clock.advance('20s');
    expect(ran).toEqual(['a']);
    await scheduler.resume();
    await settle(clock);
    expect(ran).toEqual(['a', 'b']);
    expect((await scheduler.getRuns()).map((run) => run.outcome)).toEqual(['succeeded', 'succeeded']);
  });
});

describe('shutdown', () => {
  test('waits for runs under way, begins no more, and leaves no wake-up', async () => {
    const { clock, scheduler } = await started();
    const { task, ends } = pending();
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a', maxInstances: 5 });
    await clock.advance('10s');
    let stopped = false;
    const stopping = scheduler.shutdown().then(() => (stopped = true));
    await clock.advance('20s');
    expect(stopped).toBe(false);
    expect(ends).toHaveLength(1);
    ends[0]?.('done');
    await stopping;
    expect(scheduler.state).toBe('stopped');
    expect(only(await scheduler.getRuns())).toMatchObject({ outcome: 'succeeded', value: 'done' });
    clock.assertIdle();
  });

  test('at its deadline aborts the signals, with the reason', async () => {
    const { clock, scheduler } = await started();
    let reason: unknown;
    await scheduler.addJob(
      () =>
        new Promise((_, reject) => {
          const signal = currentRun()?.signal;
          signal?.addEventListener('abort', () => {
            reason = signal.reason;
            reject(signal.reason);
          });
        }),
      { trigger: 'date', id: 'a' },
    );
    await settle(clock);
    const stopping = scheduler.shutdown({ timeout: '5s' });
    await clock.advance(4999);
    expect(reason).toBeUndefined();
    await clock.advance(1);
    await stopping;
    expect(reason).toBeInstanceOf(RunCancelledError);
    expect(only(await scheduler.getRuns())).toMatchObject({ outcome: 'cancelled', reason: 'the scheduler shut down' });
  });

  test('waits 30 seconds by default', async () => {
    const { clock, scheduler } = await started();
    await scheduler.addJob(pending().task, { trigger: 'date', id: 'a' });
    await settle(clock);
    const stopping = scheduler.shutdown();
    await clock.advance(29_999);
    expect(only(await scheduler.getRuns()).outcome).toBe('running');
    await clock.advance(1);
    await stopping;
    expect(only(await scheduler.getRuns()).outcome).toBe('cancelled');
  });

  test('has time left for what is to be closed when runs took longer to stop than they had', async () => {
    const clock = new VirtualClock({ now: begin });
    const slow: Executor = {
      capacity: 1,
      run: ({ signal }) =>
        new Promise((resolve) =>
          signal.addEventListener('abort', () => void clock.wakeAfter(1000, () => resolve({ ok: false, error: signal.reason }))),
        ),
      close: () => new Promise((resolve) => void clock.wakeAfter(100, resolve)),
    };
    const { scheduler, lines } = await started({ clock, executors: { slow } });
    const told = eventNames(scheduler, ['jobCancelled', 'schedulerShutdown']);
    await scheduler.addJob(() => undefined, { trigger: 'date', id: 'a', executor: 'slow' });
    await settle(clock);
    const stopping = scheduler.shutdown({ timeout: '300ms' });
    await clock.advance('2s');
    await stopping;
    expect(told).toEqual(['jobCancelled a', 'schedulerShutdown']);
    expect(lines).toEqual([]);
    expect(only(await scheduler.getRuns()).outcome).toBe('cancelled');
  });

  test('without waiting aborts at once', async () => {
    const { clock, scheduler } = await started();
    await scheduler.addJob(pending().task, { trigger: 'date', id: 'a' });
    await settle(clock);
    await scheduler.shutdown({ wait: false });
    expect(only(await scheduler.getRuns()).outcome).toBe('cancelled');
    clock.assertIdle();
  });

  test('keeps the jobs, and start goes on with them by the misfire policy', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a' });
    await clock.advance('10s');
    await scheduler.shutdown();
    await clock.advance('25s');
    expect((await scheduler.getJobs()).map(({ id }) => id)).toEqual(['a']);
    await scheduler.start();
    await clock.advance('5s');
    expect(calls).toEqual([10, 35, 40]);
  });

  test('a job added after it waits for the next start', async () => {
    const { clock, scheduler } = await started();
    await scheduler.shutdown();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a' });
    await clock.advance('1m');
    expect(calls).toEqual([]);
    await scheduler.start();
    await clock.advance('10s');
    expect(calls).toEqual([70]);
  });

  test('a job that was stored and is replaced while stopped is removed whole', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a' });
    await scheduler.shutdown();
    await scheduler.addJob(task, { trigger: 'interval', seconds: 20, id: 'a' });
    expect(await scheduler.getJobs()).toHaveLength(1);
    await scheduler.removeJob('a');
    expect(await scheduler.getJobs()).toEqual([]);
    await scheduler.start();
    await clock.advance('1m');
    expect(calls).toEqual([]);
  });

  test('leaves a retry waiting, and the next start takes it up', async () => {
    const { clock, scheduler } = await started();
    let calls = 0;
    await scheduler.addJob(
      () => {
        calls += 1;
        if (calls === 1) throw new Error('boom');
      },
      { trigger: 'date', id: 'a', retry: { limit: 1, delay: '5s' } },
    );
    await settle(clock);
    await scheduler.shutdown();
    await clock.advance('1m');
    expect(calls).toBe(1);
    await scheduler.start();
    await settle(clock);
    expect(calls).toBe(2);
    expect(only(await scheduler.getRuns())).toMatchObject({ outcome: 'succeeded', attempt: 2 });
  });

  test('from inside a run does not wait for that run', async () => {
    const { clock, scheduler } = await started();
    const steps: string[] = [];
    await scheduler.addJob(
      async () => {
        await scheduler.shutdown();
        steps.push(`shut down, ${scheduler.state}`);
      },
      { trigger: 'date', id: 'a' },
    );
    await settle(clock);
    expect(steps).toEqual(['shut down, stopped']);
    expect(only(await scheduler.getRuns()).outcome).toBe('succeeded');
    await scheduler.start();
    expect(scheduler.state).toBe('running');
  });

  test('from inside a run waits for the others', async () => {
    const { clock, scheduler } = await started();
    const { task, ends } = pending();
    let isDown = false;
    await scheduler.addJob(task, { trigger: 'date', id: 'other' });
    await scheduler.addJob(async () => scheduler.shutdown().then(() => (isDown = true)), { trigger: 'date', id: 'a' });
    await clock.advance('5s');
    expect(isDown).toBe(false);
    ends[0]?.();
    await settle(clock);
    expect(isDown).toBe(true);
  });

  test('does nothing on a stopped scheduler, and stops once however often it is asked', async () => {
    const { scheduler } = rig();
    let stops = 0;
    scheduler.on('schedulerShutdown', () => {
      stops += 1;
    });
    await scheduler.shutdown();
    expect(stops).toBe(0);
    await scheduler.start();
    await Promise.all([scheduler.shutdown(), scheduler.shutdown()]);
    expect(stops).toBe(1);
    expect(scheduler.state).toBe('stopped');
  });

  test('during a start waits for it, then stops', async () => {
    const { scheduler } = rig();
    const starting = scheduler.start();
    await scheduler.shutdown();
    await starting;
    expect(scheduler.state).toBe('stopped');
  });

  test('amid a big burst begins nothing afterwards, and loses nothing', async () => {
    const { clock, scheduler } = await started({ clock: new Creeping({ now: begin }) });
    let ran = 0;
    let atStop = 0;
    const task = (): void => {
      ran += 1;
      if (ran === 100) void scheduler.shutdown().then(() => (atStop = ran));
    };
    await scheduler.addJobs(Array.from({ length: 300 }, () => ({ task, trigger: 'date', runDate: '2030-01-01 00:00:01' }) as const));
    await clock.advance('1s');
    expect(scheduler.state).toBe('stopped');
    expect(ran).toBeLessThan(300);
    expect(ran).toBe(atStop);
    await scheduler.start();
    await clock.advance('1s');
    expect(ran).toBe(300);
  });

  test('a store that fails to close fails it, and run() ends all the same', async () => {
    const store = new MemoryJobStore();
    store.close = () => {
      throw new Error('busy');
    };
    const { scheduler } = rig({ jobStore: store });
    const running = scheduler.run();
    await settleReal();
    await expect(scheduler.shutdown()).rejects.toThrow('busy');
    await running;
    expect(scheduler.state).toBe('stopped');
  });

  test('await using shuts down at the end of the block', async () => {
    const made = rig();
    {
      await using scheduler = made.scheduler;
      await scheduler.start();
    }
    expect(made.scheduler.state).toBe('stopped');
  });

  test('await using of a scheduler that is being shut down waits for that', async () => {
    const { clock, scheduler } = await started();
    const { task, ends } = pending();
    await scheduler.addJob(task, { trigger: 'date', id: 'a' });
    await settle(clock);
    void scheduler.shutdown();
    let disposed = false;
    const disposing = scheduler[Symbol.asyncDispose]().then(() => (disposed = true));
    await settle(clock);
    expect(disposed).toBe(false);
    ends[0]?.();
    await disposing;
    expect(scheduler.state).toBe('stopped');
  });
});

describe('run', () => {
  test('starts, resolves once stopped, and takes its signal handlers away', async () => {
    const { scheduler } = rig();
    const before = [process.listenerCount('SIGINT'), process.listenerCount('SIGTERM')];
    let over = false;
    const running = scheduler.run().then(() => (over = true));
    await settleReal();
    expect(scheduler.state).toBe('running');
    expect(over).toBe(false);
    await scheduler.shutdown();
    await running;
    expect([process.listenerCount('SIGINT'), process.listenerCount('SIGTERM')]).toEqual(before);
  });

  test('keeps a wake-up armed while there is nothing to do, also while paused, and none afterwards', async () => {
    const { clock, scheduler } = rig();
    const running = scheduler.run();
    await settleReal();
    expect(clock.pending).toBeGreaterThan(0);
    await clock.advance('10m');
    expect(clock.pending).toBeGreaterThan(0);
    await scheduler.pause();
    await clock.advance('10m');
    expect(clock.pending).toBeGreaterThan(0);
    await scheduler.shutdown();
    await running;
    clock.assertIdle();
  });

  test('of a scheduler that runs already joins it', async () => {
    const { scheduler } = await started();
    const running = scheduler.run();
    await scheduler.shutdown();
    await running;
    expect(scheduler.state).toBe('stopped');
  });

  test('joins a start that is under way, and fails with it', async () => {
    const { scheduler } = rig();
    const all = Promise.all([scheduler.start(), scheduler.run(), scheduler.run()]);
    await settleReal();
    expect(scheduler.state).toBe('running');
    await scheduler.shutdown();
    await all;

    const store = new MemoryJobStore();
    store.open = () => {
      throw new Error('out of order');
    };
    const other = rig({ jobStore: store }).scheduler;
    const results = await Promise.allSettled([other.start(), other.run()]);
    expect(results.map((each) => each.status === 'rejected' && each.reason instanceof StoreError)).toEqual([true, true]);
  });

  test('waits for the run that shut the scheduler down', async () => {
    const { clock, scheduler } = rig();
    const { task, ends } = pending();
    await scheduler.addJob(
      async () => {
        await scheduler.shutdown();
        await task();
      },
      { trigger: 'date', id: 'a' },
    );
    let over = false;
    const running = scheduler.run().then(() => (over = true));
    await settle(clock);
    await settle(clock);
    expect([scheduler.state, over]).toEqual(['stopped', false]);
    ends[0]?.();
    await running;
    expect(only(await scheduler.getRuns()).outcome).toBe('succeeded');
  });
});

describe('runDue', () => {
  test('runs what is due, waits for it, answers with it, and lets go', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a' });
    await scheduler.addJob(async () => Promise.reject(new Error('boom')), { trigger: 'interval', seconds: 15, id: 'b' });
    await scheduler.addJob(task, { trigger: 'interval', hours: 1, id: 'later' });
    await scheduler.shutdown();
    await clock.advance('25s');
    scheduler.on('jobError', () => {});
    const runs = await scheduler.runDue();
    expect(runs.map((run) => [run.jobId, run.outcome, run.coalesced])).toEqual([
      ['a', 'succeeded', 2],
      ['b', 'failed', 1],
    ]);
    expect(calls).toEqual([25]);
    expect(scheduler.state).toBe('stopped');
    clock.assertIdle();
  });

  test('takes runs that fall due while it runs along, such as a retry at once', async () => {
    const { clock, scheduler } = rig();
    let calls = 0;
    await scheduler.addJob(
      () => {
        calls += 1;
        if (calls < 3) throw new Error('boom');
      },
      { trigger: 'date', id: 'a', retry: { limit: 5, delay: 0 } },
    );
    const runs = await scheduler.runDue();
    expect(only(runs)).toMatchObject({ outcome: 'succeeded', attempt: 3 });
    clock.assertIdle();
  });

  test('is refused on a scheduler that is started', async () => {
    const { scheduler } = await started();
    await expect(scheduler.runDue()).rejects.toThrow(SchedulerStateError);
  });
});

describe('ref and unref', () => {
  test('tell the clock whether wake-ups keep the process alive', () => {
    const said: boolean[] = [];
    const clock: Clock = Object.assign(new VirtualClock({ now: begin }), { keepAlive: (yes: boolean) => void said.push(yes) });
    const scheduler = new Scheduler({ clock, logger: silent });
    expect(scheduler.unref()).toBe(scheduler);
    expect(scheduler.ref()).toBe(scheduler);
    expect(said).toEqual([false, true]);
  });
});

/** Its monotonic hand creeps on by itself, as if every look at it took a while: the loop then gives way often. */
class Creeping extends VirtualClock {
  #looks = 0;

  override monotonic(): number {
    this.#looks += 1;
    return super.monotonic() + this.#looks * 4;
  }
}

async function settleReal(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('run after unref', () => {
  test('keeps the process alive until it resolves', async () => {
    const said: boolean[] = [];
    const clock = Object.assign(new VirtualClock({ now: begin }), { keepAlive: (yes: boolean) => void said.push(yes) });
    const { scheduler } = rig({ clock });
    scheduler.unref();
    const running = scheduler.run();
    await settle(clock);
    expect(said).toEqual([false, true]);
    await scheduler.shutdown();
    await running;
    expect(said).toEqual([false, true, false]);
  });
});
