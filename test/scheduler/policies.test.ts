import { describe, expect, test } from 'vitest';
import { currentRun } from '../../src/current-run.ts';
import { beginMs, collect, eventNames, noter, only, pending, rig, second, settle, started } from './rig.ts';

describe('misfire grace', () => {
  test('a run exactly as late as the grace runs, one later is missed', async () => {
    for (const [late, outcome] of [
      ['5s', 'succeeded'],
      [5001, 'missed'],
    ] as const) {
      const { clock, scheduler } = await started();
      await scheduler.addJob(() => {}, { trigger: 'date', runDate: '2030-01-01 00:00:10', misfireGraceTime: '5s' });
      await scheduler.pause();
      await clock.advance('10s');
      await clock.advance(late);
      await scheduler.resume();
      await settle(clock);
      expect(only(await scheduler.getRuns()).outcome).toBe(outcome);
    }
  });

  test('what is too late is one missed row for the range, told with its reason', async () => {
    const { clock, scheduler } = await started();
    const missed = collect(scheduler, 'jobMissed');
    await scheduler.addJob(() => {}, { trigger: 'interval', seconds: 10, misfireGraceTime: '15s' });
    await scheduler.pause();
    await clock.advance('65s');
    await scheduler.resume();
    await settle(clock);
    const row = only(missed);
    expect([row.coalesced, second(row.coalescedFrom), second(row.scheduledAt)]).toEqual([4, 10, 40]);
    expect(row.reason).toBe('25000 ms late, more than the misfire grace time of 15000 ms');
    expect(row.startedAt).toBeUndefined();
    const [run] = await scheduler.getRuns({ outcome: 'succeeded' });
    expect([run?.coalesced, second(run?.coalescedFrom), second(run?.scheduledAt)]).toEqual([2, 50, 60]);
  });

  test('comes from jobDefaults unless the job says otherwise, and null is no limit', async () => {
    const { clock, scheduler } = await started({ jobDefaults: { misfireGraceTime: '1s' } });
    await scheduler.addJob(() => {}, { trigger: 'interval', seconds: 10, id: 'strict' });
    await scheduler.addJob(() => {}, { trigger: 'interval', seconds: 10, id: 'easy', misfireGraceTime: null });
    await scheduler.pause();
    await clock.advance('15s');
    await scheduler.resume();
    await settle(clock);
    const outcome = async (jobId: string): Promise<string> => only(await scheduler.getRuns({ jobId })).outcome;
    expect([await outcome('strict'), await outcome('easy')]).toEqual(['missed', 'succeeded']);
  });

  test('does not apply to a run outside the schedule', async () => {
    const { clock, scheduler } = await started({ inline: { concurrency: 1 } });
    const { task, ends } = pending();
    await scheduler.addJob(task, { trigger: 'date' });
    await scheduler.addJob(() => {}, { trigger: 'interval', hours: 1, id: 'a', misfireGraceTime: '1s' });
    await settle(clock);
    const running = scheduler.runJob('a');
    await clock.advance('1m');
    ends[0]?.();
    await settle(clock);
    expect((await running).outcome).toBe('succeeded');
  });
});

describe('coalesce', () => {
  async function afterBacklog(
    coalesce: 'latest' | 'earliest' | 'all',
  ): Promise<(readonly [number | undefined, number, number | undefined])[]> {
    const { clock, scheduler } = await started();
    const order = collect(scheduler, 'jobStarted');
    await scheduler.addJob(() => {}, { trigger: 'interval', seconds: 10, coalesce });
    await scheduler.pause();
    await clock.advance('45s');
    await scheduler.resume();
    await clock.advance('5s');
    return order.map((run) => [second(run.scheduledAt), run.coalesced, second(run.coalescedFrom)] as const);
  }

  test('latest makes one run for the last of them', async () => {
    expect(await afterBacklog('latest')).toEqual([
      [40, 4, 10],
      [50, 1, undefined],
    ]);
  });

  test('earliest makes one run for the first of them', async () => {
    expect(await afterBacklog('earliest')).toEqual([
      [10, 4, 10],
      [50, 1, undefined],
    ]);
  });

  test('all makes a run of each, the oldest first', async () => {
    expect(await afterBacklog('all')).toEqual([
      [10, 1, undefined],
      [20, 1, undefined],
      [30, 1, undefined],
      [40, 1, undefined],
      [50, 1, undefined],
    ]);
  });

  test('all runs one after the other, never two at once, though instances are free', async () => {
    const { clock, scheduler } = await started();
    const { task, ends } = pending();
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, coalesce: 'all' });
    await scheduler.pause();
    await clock.advance('35s');
    await scheduler.resume();
    await settle(clock);
    for (let count = 1; count <= 3; count += 1) {
      expect(ends).toHaveLength(count);
      await clock.advance(100);
      expect(ends).toHaveLength(count);
      ends[count - 1]?.();
      await settle(clock);
    }
    const runs = await scheduler.getRuns();
    expect(runs.map((run) => [second(run.scheduledAt), run.outcome])).toEqual([
      [30, 'succeeded'],
      [20, 'succeeded'],
      [10, 'succeeded'],
    ]);
  });

  test('all leaves what was not begun to the cursor, which a removed job takes with it', async () => {
    const { clock, scheduler } = await started();
    const { task, ends } = pending();
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, coalesce: 'all', id: 'a' });
    await clock.advance('35s');
    expect(second((await scheduler.getJob('a'))?.nextRunTime)).toBe(20);
    await scheduler.removeJob('a');
    ends[0]?.();
    await clock.advance('1m');
    expect(ends).toHaveLength(1);
  });

  test('the count is exact up to 1,000', async () => {
    const { clock, scheduler } = await started();
    await scheduler.addJob(() => {}, { trigger: 'interval', seconds: 1 });
    await scheduler.pause();
    await clock.advance('999s');
    await scheduler.resume();
    await settle(clock);
    expect(only(await scheduler.getRuns()).coalesced).toBe(999);
  });
});

describe('overlap', () => {
  test('skip records the fire time that found it running, with the reason, and tells', async () => {
    const { clock, scheduler } = await started();
    const skipped = collect(scheduler, 'jobSkipped');
    const { task, ends } = pending();
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10 });
    await clock.advance('25s');
    expect(only(skipped)).toMatchObject({ outcome: 'skipped', reason: '1 of 1 instances were running' });
    expect(second(only(skipped).scheduledAt)).toBe(20);
    ends[0]?.();
    await clock.advance('5s');
    expect(ends).toHaveLength(2);
  });

  test('maxInstances lets so many run at once, and no more', async () => {
    const { clock, scheduler } = await started();
    const { task, ends } = pending();
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, maxInstances: 3 });
    await clock.advance('45s');
    expect(ends).toHaveLength(3);
    expect((await scheduler.getRuns()).map((run) => run.outcome)).toEqual(['skipped', 'running', 'running', 'running']);
  });

  test('queue lets it wait, and runs it in order when there is room', async () => {
    const { clock, scheduler } = await started();
    const { task, ends } = pending();
    const order = collect(scheduler, 'jobStarted');
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, overlap: 'queue', maxRuns: 4 });
    await clock.advance('45s');
    expect((await scheduler.getRuns()).map((run) => run.outcome)).toEqual(['waiting', 'waiting', 'waiting', 'running']);
    for (let index = 0; index < 4; index += 1) {
      ends[index]?.();
      await clock.advance('1s');
    }
    expect(order.map((run) => [second(run.scheduledAt), second(run.startedAt)])).toEqual([
      [10, 10],
      [20, 45],
      [30, 46],
      [40, 47],
    ]);
    expect((await scheduler.getRuns()).map((run) => run.outcome)).toEqual(['succeeded', 'succeeded', 'succeeded', 'succeeded']);
  });

  test('queue judges the grace again when the turn comes', async () => {
    const { clock, scheduler } = await started();
    const { task, ends } = pending();
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, overlap: 'queue', maxRuns: 2, misfireGraceTime: '5s' });
    await clock.advance('30s');
    ends[0]?.();
    await settle(clock);
    const [late] = await scheduler.getRuns();
    expect([late?.outcome, late?.reason]).toEqual(['missed', '10000 ms late, more than the misfire grace time of 5000 ms']);
    expect(ends).toHaveLength(1);
  });

  test('cancel-running stops the one that runs, then runs', async () => {
    const { clock, scheduler } = await started();
    const told = eventNames(scheduler, ['jobStarted', 'jobCancelled', 'jobExecuted']);
    const { task, ends } = pending();
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, overlap: 'cancel-running', id: 'a' });
    await clock.advance('25s');
    ends[1]?.();
    await settle(clock);
    expect(told).toEqual(['jobStarted a', 'jobCancelled a', 'jobStarted a', 'jobExecuted a']);
    const [, first] = await scheduler.getRuns();
    expect([first?.outcome, first?.reason]).toEqual(['cancelled', 'a later fire time came']);
  });

  test('cancel-running skips the run that waited for the same, and tells', async () => {
    const slow = slowToStop();
    const { clock, scheduler } = await started({ executors: { slow: slow.executor } });
    const skipped = collect(scheduler, 'jobSkipped');
    await scheduler.addJob(() => {}, { trigger: 'interval', seconds: 1, overlap: 'cancel-running', executor: 'slow' });
    await clock.advance('3500ms');
    expect(skipped.map((run) => [second(run.scheduledAt), run.reason])).toEqual([[2, 'superseded by a later fire time']]);
    slow.stop();
    await settle(clock);
    expect((await scheduler.getRuns()).map((run) => [second(run.scheduledAt), run.outcome])).toEqual([
      [3, 'running'],
      [2, 'skipped'],
      [1, 'cancelled'],
    ]);
  });
});

/** An executor whose runs end only when told. */
function slowToStop(): {
  readonly executor: { capacity: number; run(): Promise<{ ok: true; value: unknown }>; close(): Promise<void> };
  stop(): void;
} {
  const ends: (() => void)[] = [];
  return {
    executor: {
      capacity: 10,
      run: () => new Promise((resolve) => ends.push(() => resolve({ ok: true, value: 1 }))),
      close: async () => {},
    },
    stop: () => ends.shift()?.(),
  };
}

describe('jitter', () => {
  async function delays(id: string): Promise<number[]> {
    const { clock, scheduler } = await started();
    const seen: number[] = [];
    await scheduler.addJob(() => void seen.push(clock.now() - (currentRun()?.scheduledAt.toMillis() ?? 0)), {
      trigger: 'interval',
      seconds: 10,
      id,
      jitter: '1h',
    });
    await clock.advance('10m');
    return seen;
  }

  test('is the same in two schedulers, and another for another job', async () => {
    const [first, again, other] = [await delays('a'), await delays('a'), await delays('b')];
    expect(first).toEqual(again);
    expect(first).not.toEqual(other);
  });

  test('never crosses the next fire time, however large, and leaves no fire time out', async () => {
    const seen = await delays('a');
    expect(seen.length).toBeGreaterThanOrEqual(59);
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...seen)).toBeLessThan(10_000);
    expect(new Set(seen).size).toBeGreaterThan(50);
  });

  test('moves dueAt, and neither scheduledAt nor the schedule', async () => {
    const { clock, scheduler } = await started();
    const job = await scheduler.addJob(() => {}, { trigger: 'interval', seconds: 10, id: 'a', jitter: '5s' });
    expect(second(job.nextRunTime)).toBe(10);
    await clock.advance('1m');
    const runs = [...(await scheduler.getRuns())].reverse();
    expect(runs.map((run) => second(run.scheduledAt))).toEqual([10, 20, 30, 40, 50].concat(runs.length === 6 ? [60] : []));
    for (const run of runs) {
      expect(run.startedAt).toEqual(run.dueAt);
      expect(run.dueAt.diff(run.scheduledAt).toMillis()).toBeLessThanOrEqual(5000);
    }
  });
});

describe('where a schedule begins and ends', () => {
  test('startDate is the first fire time, endDate may be the last', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, {
      trigger: 'interval',
      seconds: 10,
      startDate: '2030-01-01 00:00:05',
      endDate: '2030-01-01 00:00:35',
      id: 'a',
    });
    await clock.advance('2m');
    expect(calls).toEqual([5, 15, 25, 35]);
    expect(await scheduler.getJob('a')).toBeUndefined();
    clock.assertIdle();
  });

  test('after maxRuns the job is finished', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, maxRuns: 3, id: 'a' });
    await clock.advance('25s');
    expect((await scheduler.getJob('a'))?.runCount).toBe(2);
    await clock.advance('2m');
    expect(calls).toEqual([10, 20, 30]);
    expect(await scheduler.getJobs()).toEqual([]);
  });

  test('an attempt of the last run may still be to come when the job is hidden', async () => {
    const { clock, scheduler } = await started();
    let calls = 0;
    const task = (): void => {
      calls += 1;
      throw new Error('boom');
    };
    await scheduler.addJob(task, { trigger: 'date', id: 'a', retry: { limit: 1, delay: '5s' } });
    await settle(clock);
    expect(await scheduler.getJob('a')).toBeUndefined();
    await clock.advance('5s');
    expect(calls).toBe(2);
  });
});

describe('what never changes', () => {
  test('two schedulers with the same jobs do the same', async () => {
    const logs: string[][] = [];
    for (let round = 0; round < 2; round += 1) {
      const { clock, scheduler } = rig();
      const log: string[] = [];
      for (const name of ['jobStarted', 'jobSkipped', 'jobExecuted'] as const)
        scheduler.on(name, (run) => void log.push(`${name} ${run.id} ${second(run.dueAt)}`.replace(/#\w+/, '')));
      for (let index = 0; index < 20; index += 1) {
        await scheduler.addJob(() => {}, {
          trigger: 'interval',
          startDate: beginMs + index * 100,
          seconds: 1 + (index % 4),
          jitter: '400ms',
          id: `job-${index}`,
        });
      }
      await scheduler.start();
      await clock.advance('20s');
      logs.push(log);
    }
    expect(logs[0]?.length).toBeGreaterThan(300);
    expect(logs[0]).toEqual(logs[1]);
  });
});
