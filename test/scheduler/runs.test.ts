import { describe, expect, test } from 'vitest';
import { currentRun } from '../../src/current-run.ts';
import { JobTimeoutError, RunCancelledError } from '../../src/errors.ts';
import { collect, eventNames, only, pending, second, settle, started } from './rig.ts';

describe('what a run leaves behind', () => {
  test('a success carries its value, its times in the job’s zone, and who ran it', async () => {
    const { clock, scheduler } = await started();
    await scheduler.addJob(() => 42, { trigger: 'interval', seconds: 3, id: 'a', timezone: 'Asia/Tokyo', maxRuns: 1 });
    const executed = collect(scheduler, 'jobExecuted');
    await clock.advance('3s');
    const told = only(executed);
    const kept = only(await scheduler.getRuns());
    for (const run of [told, kept]) {
      expect(run.jobId).toBe('a');
      expect(run.outcome).toBe('succeeded');
      expect(run.value).toBe(42);
      expect(run.attempt).toBe(1);
      expect(run.reason).toBeUndefined();
      expect([run.coalesced, run.coalescedFrom]).toEqual([1, undefined]);
      expect([run.scheduledAt, run.dueAt, run.startedAt, run.finishedAt].map(second)).toEqual([3, 3, 3, 3]);
      expect(run.owner).toMatch(new RegExp(`^${process.pid}-`));
    }
    expect(told.id).toBe(kept.id);
    expect(told.runId).toBe(told.id);
    expect(told.scheduledAt.zoneName).toBe('Asia/Tokyo');
  });

  test('the event gives the very error that was thrown', async () => {
    const { clock, scheduler } = await started();
    const error = Object.assign(new TypeError('boom', { cause: 'why' }), { code: 'E_BOOM' });
    await scheduler.addJob(
      () => {
        throw error;
      },
      { trigger: 'date', id: 'a' },
    );
    const failed = collect(scheduler, 'jobError');
    await settle(clock);
    expect(only(failed).error).toBe(error);
    expect(only(failed).reason).toBe('TypeError: boom');
    expect(only(await scheduler.getRuns({ outcome: 'failed' })).error).toBe(error);
  });

  test.each([null, undefined, 0, 'text', Object.create(null)])('a task that throws %o fails like any other', async (thrown) => {
    const { clock, scheduler } = await started();
    await scheduler.addJob(
      () => {
        throw thrown;
      },
      { trigger: 'date', id: 'sync' },
    );
    await scheduler.addJob(() => Promise.reject(thrown), { trigger: 'date', id: 'async' });
    const failed = collect(scheduler, 'jobError');
    await settle(clock);
    expect(failed.map((run) => run.jobId).sort()).toEqual(['async', 'sync']);
    for (const run of failed) expect(run.error).toBe(thrown);
  });

  test('a failure that nobody listens for is a warning in the log', async () => {
    const { clock, scheduler, lines } = await started();
    const error = new Error('boom');
    await scheduler.addJob(() => Promise.reject(error), { trigger: 'date', id: 'a' });
    await settle(clock);
    const line = only(lines.filter(({ level }) => level === 'warn'));
    expect(line.message).toBe('a job failed');
    expect(line.facts).toMatchObject({ jobId: 'a', err: error });
  });

  test('a failure that somebody listens for is not logged as well', async () => {
    const { clock, scheduler, lines } = await started();
    scheduler.on('jobError', () => {});
    await scheduler.addJob(() => Promise.reject(new Error('boom')), { trigger: 'date', id: 'a' });
    await settle(clock);
    expect(lines).toEqual([]);
  });

  test('what a run says of its progress shows while it runs, and stays with it', async () => {
    const { clock, scheduler } = await started();
    const { task: half, ends } = pending();
    await scheduler.addJob(
      async () => {
        currentRun()?.progress({ done: 1, of: 2 });
        await half();
        currentRun()?.progress({ done: 2, of: 2 });
      },
      { trigger: 'date', id: 'a' },
    );
    const executed = collect(scheduler, 'jobExecuted');
    await settle(clock);
    expect(only(await scheduler.getRuns()).progress).toEqual({ done: 1, of: 2 });
    ends[0]?.();
    await settle(clock);
    expect(only(executed).progress).toEqual({ done: 2, of: 2 });
    expect(only(await scheduler.getRuns()).progress).toEqual({ done: 2, of: 2 });
  });

  test('a run under way is shown as running, begun, in its first attempt', async () => {
    const { clock, scheduler } = await started();
    await scheduler.addJob(pending().task, { trigger: 'interval', seconds: 3, id: 'a' });
    await clock.advance('4s');
    const run = only(await scheduler.getRuns());
    expect([run.outcome, second(run.startedAt), run.finishedAt, run.attempt]).toEqual(['running', 3, undefined, 1]);
  });

  test('the task gets its arguments and nothing else, and finds its run in currentRun', async () => {
    const { clock, scheduler } = await started();
    const seen: unknown[] = [];
    const task = (...args: number[]): void => {
      const run = currentRun();
      seen.push(args, run?.jobId, run?.attempt, second(run?.scheduledAt), run?.signal.aborted);
    };
    await scheduler.addJob(task, { trigger: 'interval', seconds: 2, id: 'a', args: [1, 2], maxRuns: 1 });
    await clock.advance('2s');
    expect(seen).toEqual([[1, 2], 'a', 1, 2, false]);
    expect(currentRun()).toBeUndefined();
  });

  test('a line that a task logs names its job and run', async () => {
    const { clock, scheduler, lines } = await started();
    await scheduler.addJob(() => currentRun()?.log.info({ rows: 3 }, 'done'), { trigger: 'date', id: 'a' });
    await settle(clock);
    const run = only(await scheduler.getRuns());
    expect(lines).toEqual([{ level: 'info', facts: { jobId: 'a', runId: run.id, rows: 3 }, message: 'done' }]);
  });
});

describe('timeout', () => {
  test('aborts the signal of a task that listens, and the run fails with JobTimeoutError', async () => {
    const { clock, scheduler } = await started();
    let reason: unknown;
    const task = (): Promise<void> =>
      new Promise((_, reject) => {
        const signal = currentRun()?.signal;
        signal?.addEventListener('abort', () => {
          reason = signal.reason;
          reject(signal.reason);
        });
      });
    await scheduler.addJob(task, { trigger: 'date', id: 'a', timeout: '5s' });
    const failed = collect(scheduler, 'jobError');
    await clock.advance(4999);
    expect(failed).toEqual([]);
    await clock.advance(1);
    expect(only(failed).error).toBeInstanceOf(JobTimeoutError);
    expect(only(failed).error).toBe(reason);
    expect(only(failed).error).toMatchObject({ timeoutMs: 5000, code: 'JOB_TIMEOUT' });
  });

  test('finds the run in currentRun within a listener of its signal', async () => {
    const { clock, scheduler } = await started();
    let found: string | undefined;
    const task = (): Promise<void> =>
      new Promise((resolve) => {
        currentRun()?.signal.addEventListener('abort', () => {
          found = currentRun()?.jobId;
          resolve();
        });
      });
    await scheduler.addJob(task, { trigger: 'date', id: 'a', timeout: '5s' });
    await clock.advance(5000);
    expect(found).toBe('a');
    expect(currentRun()).toBeUndefined();
  });

  test('ends the run of a function that is deaf to its signal, whose later end changes nothing', async () => {
    const { clock, scheduler } = await started();
    const { task, ends } = pending();
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a', timeout: '5s', maxRuns: 1 });
    const told = eventNames(scheduler);
    await clock.advance('15s');
    ends[0]?.('late');
    await clock.advance('1s');
    expect(told).toEqual(['jobSubmitted a', 'jobStarted a', 'jobError a']);
    expect(only(await scheduler.getRuns()).outcome).toBe('failed');
  });

  test('of a run that ended in time never rings, and leaves no wake-up', async () => {
    const { clock, scheduler } = await started();
    const { task, ends } = pending();
    await scheduler.addJob(task, { trigger: 'date', id: 'a', timeout: '5s' });
    await clock.advance('1s');
    ends[0]?.();
    await settle(clock);
    clock.assertIdle();
    expect(only(await scheduler.getRuns()).outcome).toBe('succeeded');
  });
});

describe('retry', () => {
  const failing = (): never => {
    throw new Error('boom');
  };

  test('waits twice as long each time, up to maxDelay, then fails', async () => {
    const { clock, scheduler } = await started();
    const startedRuns = collect(scheduler, 'jobStarted');
    const retrying = collect(scheduler, 'jobRetrying');
    const failed = collect(scheduler, 'jobError');
    await scheduler.addJob(failing, { trigger: 'date', id: 'a', retry: { limit: 4, delay: '10s', maxDelay: '30s' } });
    await clock.advance('10m');
    expect(startedRuns.map((run) => second(run.startedAt))).toEqual([0, 10, 30, 60, 90]);
    expect(startedRuns.map((run) => run.attempt)).toEqual([1, 2, 3, 4, 5]);
    expect(retrying.map((run) => second(run.dueAt))).toEqual([10, 30, 60, 90]);
    expect(retrying.map((run) => run.outcome)).toEqual(['waiting', 'waiting', 'waiting', 'waiting']);
    expect(only(failed).attempt).toBe(5);
    expect(only(await scheduler.getRuns())).toMatchObject({ outcome: 'failed', attempt: 5 });
  });

  test('a number is the limit, with a second between the first attempts', async () => {
    const { clock, scheduler } = await started();
    const startedRuns = collect(scheduler, 'jobStarted');
    await scheduler.addJob(failing, { trigger: 'date', id: 'a', retry: 2 });
    await clock.advance('1m');
    expect(startedRuns.map((run) => second(run.startedAt))).toEqual([0, 1, 3]);
  });

  test('fixed back-off waits the same each time', async () => {
    const { clock, scheduler } = await started();
    const startedRuns = collect(scheduler, 'jobStarted');
    await scheduler.addJob(failing, { trigger: 'date', id: 'a', retry: { limit: 3, delay: '4s', backoff: 'fixed' } });
    await clock.advance('1m');
    expect(startedRuns.map((run) => second(run.startedAt))).toEqual([0, 4, 8, 12]);
  });

  test('stops at the first success, under one run id', async () => {
    const { clock, scheduler } = await started();
    let calls = 0;
    const ids = new Set<string | undefined>();
    const task = (): string => {
      ids.add(currentRun()?.runId);
      calls += 1;
      if (calls < 3) throw new Error('not yet');
      return 'done';
    };
    await scheduler.addJob(task, { trigger: 'date', id: 'a', retry: 5 });
    await clock.advance('1m');
    expect(only(await scheduler.getRuns())).toMatchObject({ outcome: 'succeeded', attempt: 3, value: 'done' });
    expect(ids.size).toBe(1);
  });

  test.each([null, undefined])('an attempt that threw %o is tried again, and told', async (thrown) => {
    const { clock, scheduler } = await started();
    const told = eventNames(scheduler);
    await scheduler.addJob(() => Promise.reject(thrown), { trigger: 'date', id: 'a', retry: 1 });
    await clock.advance('10s');
    const attempt = ['jobSubmitted a', 'jobStarted a'];
    expect(told).toEqual(['jobAdded a', ...attempt, 'jobRetrying a', ...attempt, 'jobError a']);
  });

  test('a job that is removed between attempts is not tried again, and its run ends as cancelled', async () => {
    const { clock, scheduler } = await started();
    const told = eventNames(scheduler, ['jobRetrying', 'jobCancelled', 'jobRemoved', 'jobStarted']);
    await scheduler.addJob(failing, { trigger: 'interval', seconds: 100, id: 'a', retry: 5 });
    await clock.advance('100s');
    await scheduler.removeJob('a');
    await clock.advance('1m');
    expect(told).toEqual(['jobStarted a', 'jobRetrying a', 'jobCancelled a', 'jobRemoved a']);
    expect(only(await scheduler.getRuns())).toMatchObject({ outcome: 'cancelled', reason: 'the job was removed' });
  });

  test('a job that is removed while it fails is not tried again, and told as cancelled', async () => {
    const { clock, scheduler } = await started();
    const told = eventNames(scheduler, ['jobRetrying', 'jobCancelled', 'jobRemoved', 'jobStarted']);
    const { task, fails } = pending();
    await scheduler.addJob(task, { trigger: 'interval', seconds: 100, id: 'a', retry: 5 });
    const ran = scheduler.runJob('a');
    await settle(clock);
    await scheduler.removeJob('a');
    fails[0]?.(new Error('boom'));
    await clock.advance('1m');
    expect((await ran).outcome).toBe('cancelled');
    expect(told).toEqual(['jobStarted a', 'jobRemoved a', 'jobCancelled a']);
  });
});

describe('cancelRun', () => {
  test('stops a run under way, with the reason', async () => {
    const { clock, scheduler } = await started();
    await scheduler.addJob(pending().task, { trigger: 'date', id: 'a', retry: 3 });
    const cancelled = collect(scheduler, 'jobCancelled');
    await settle(clock);
    const { id } = only(await scheduler.getRuns({ outcome: 'running' }));
    expect(await scheduler.cancelRun(id)).toBe(true);
    await settle(clock);
    expect(only(cancelled).reason).toBe('cancelRun was called');
    expect(only(cancelled).error).toBeInstanceOf(RunCancelledError);
    expect(only(await scheduler.getRuns()).outcome).toBe('cancelled');
  });

  test('takes a waiting run out of the queue', async () => {
    const { clock, scheduler } = await started();
    const { task, ends } = pending();
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a', overlap: 'queue', maxRuns: 2 });
    const told = eventNames(scheduler);
    await clock.advance('20s');
    const { id } = only(await scheduler.getRuns({ outcome: 'waiting' }));
    expect(await scheduler.cancelRun(id)).toBe(true);
    ends[0]?.();
    await clock.advance('1m');
    expect(told).toEqual(['jobSubmitted a', 'jobStarted a', 'jobCancelled a', 'jobExecuted a']);
    expect(ends).toHaveLength(1);
  });

  test('is false for a run that is over, and for one that never was', async () => {
    const { clock, scheduler } = await started();
    await scheduler.addJob(() => {}, { trigger: 'date', id: 'a' });
    await settle(clock);
    const { id } = only(await scheduler.getRuns());
    expect(await scheduler.cancelRun(id)).toBe(false);
    expect(await scheduler.cancelRun('no such run')).toBe(false);
  });
});
