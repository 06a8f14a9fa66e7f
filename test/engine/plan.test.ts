import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JobPolicy, JobRecord } from '../../src/core/job.ts';
import type { Fire } from '../../src/core/job-store.ts';
import { latestFireTime, type Trigger } from '../../src/core/trigger.ts';
import { jitterOf } from '../../src/engine/jitter.ts';
import { plan, planManual, planResume } from '../../src/engine/plan.ts';
import { defaultPolicy } from '../../src/job-options.ts';

/** Fires at these times and no others. */
function atTimes(...times: number[]): Trigger {
  return { next: (after) => times.find((time) => time > after), toJSON: () => ({ type: 'times' }) };
}

/** Fires at every multiple of `step`, up to `end`. */
function every(step: number, end = Infinity): Trigger {
  return {
    next(after) {
      const time = (Math.floor(after / step) + 1) * step;
      return time > end ? undefined : time;
    },
    toJSON: () => ({ type: 'every' }),
  };
}

function job(nextRunTime: number | undefined, policy: Partial<JobPolicy> = {}, more: Partial<JobRecord> = {}): JobRecord {
  return {
    id: 'job',
    name: undefined,
    task: { name: 'task' },
    args: [],
    executor: 'inline',
    executorOptions: undefined,
    policy: { ...defaultPolicy, ...policy },
    metadata: undefined,
    trigger: { type: 'test' },
    registration: { type: 'test' },
    nextRunTime,
    dueAt: nextRunTime,
    state: 'waiting',
    reason: undefined,
    runCount: 0,
    uid: 1,
    version: 1,
    active: 0,
    queued: 0,
    ...more,
  };
}

/** A plan in one line: its rows as `outcome scheduledAt xCount<from`, then where the cursor goes. */
function line(fire: Fire | undefined): string {
  if (fire === undefined) return 'nothing';
  const rows = fire.runs.map((run) => {
    const range = run.coalesced > 1 ? ` x${run.coalesced}<${run.coalescedFrom}` : '';
    return `${run.outcome} ${run.scheduledAt}${range}`;
  });
  const cancels = fire.cancelRunning ? ['cancel'] : [];
  return [...cancels, ...rows, `-> ${fire.nextRunTime ?? fire.state}`].join(', ');
}

describe('what a due job becomes', () => {
  const table: readonly [name: string, Partial<JobPolicy>, Partial<JobRecord>, now: number, expected: string][] = [
    ['on time', {}, {}, 100, 'running 100, -> 110'],
    ['not due yet', {}, {}, 99, 'nothing'],
    ['a little late', {}, {}, 109, 'running 100, -> 110'],
    ['several due: one run for the latest', {}, {}, 135, 'running 130 x4<100, -> 140'],
    ['several due: one run for the earliest', { coalesce: 'earliest' }, {}, 135, 'running 100 x4<100, -> 140'],
    ['several due, a run each: the first of them now', { coalesce: 'all' }, {}, 135, 'running 100, -> 110'],
    ['a run each, while one runs: nothing is decided', { coalesce: 'all' }, { active: 1 }, 135, '-> 100'],
    ['exactly at the grace', { misfireGraceTime: 5 }, {}, 105, 'running 100, -> 110'],
    ['later than the grace', { misfireGraceTime: 5 }, {}, 106, 'missed 100, -> 110'],
    ['some too late, some not', { misfireGraceTime: 15 }, {}, 135, 'missed 110 x2<100, running 130 x2<120, -> 140'],
    ['all too late', { misfireGraceTime: 4 }, {}, 135, 'missed 130 x4<100, -> 140'],
    ['a run each, some too late', { misfireGraceTime: 15, coalesce: 'all' }, {}, 135, 'missed 110 x2<100, running 120, -> 130'],
    [
      'the earliest of those in time',
      { misfireGraceTime: 15, coalesce: 'earliest' },
      {},
      135,
      'missed 110 x2<100, running 120 x2<120, -> 140',
    ],
    ['no instance free', {}, { active: 1 }, 100, 'skipped 100, -> 110'],
    ['no instance free: the whole range is skipped', {}, { active: 1 }, 135, 'skipped 130 x4<100, -> 140'],
    ['an instance free', { maxInstances: 2 }, { active: 1 }, 100, 'running 100, -> 110'],
    ['no instance free, queue', { overlap: 'queue' }, { active: 1 }, 100, 'waiting 100, -> 110'],
    ['queue, and others wait', { overlap: 'queue', maxInstances: 2 }, { active: 1, queued: 1 }, 100, 'waiting 100, -> 110'],
    ['queue, full', { overlap: 'queue' }, { active: 1, queued: 1000 }, 100, 'skipped 100, -> 110'],
    ['no instance free, cancel-running', { overlap: 'cancel-running' }, { active: 1 }, 100, 'cancel, waiting 100, -> 110'],
    ['cancel-running with nothing running', { overlap: 'cancel-running' }, {}, 100, 'running 100, -> 110'],
    ['skip does not mind a retry that waits', {}, { queued: 1 }, 100, 'running 100, -> 110'],
    ['the last of maxRuns', { maxRuns: 3 }, { runCount: 2 }, 100, 'running 100, -> ending'],
    ['one before the last of maxRuns', { maxRuns: 3 }, { runCount: 1 }, 100, 'running 100, -> 110'],
    ['more runs already than maxRuns', { maxRuns: 3 }, { runCount: 5 }, 100, '-> ending'],
    ['what is skipped does not count for maxRuns', { maxRuns: 3 }, { runCount: 2, active: 1 }, 100, 'skipped 100, -> 110'],
    ['what is missed does not count for maxRuns', { maxRuns: 3, misfireGraceTime: 1 }, { runCount: 2 }, 105, 'missed 100, -> 110'],
    ['what is queued counts for maxRuns', { maxRuns: 3, overlap: 'queue' }, { runCount: 2, active: 1 }, 100, 'waiting 100, -> ending'],
  ];

  test.each(table)('%s', (_name, policy, more, now, expected) => {
    expect(line(plan(job(100, policy, more), every(10), now))).toBe(expected);
  });

  test('at the last fire time the job ends', () => {
    expect(line(plan(job(100), every(10, 100), 100))).toBe('running 100, -> ending');
    expect(line(plan(job(100, { misfireGraceTime: 1 }), every(10, 120), 500))).toBe('missed 120 x3<100, -> ending');
  });

  test('a cursor beside the trigger’s own times is a fire time, too', () => {
    expect(line(plan(job(103), every(10), 103))).toBe('running 103, -> 110');
    expect(line(plan(job(103), every(10), 125))).toBe('running 120 x3<103, -> 130');
    expect(line(plan(job(103), atTimes(), 125))).toBe('running 103, -> ending');
  });

  test('counts a range exactly up to 1,000 and no further', () => {
    expect(plan(job(10), every(10), 9990)?.runs[0]?.coalesced).toBe(999);
    expect(plan(job(10), every(10), 10_000)?.runs[0]?.coalesced).toBe(1000);
    expect(plan(job(10), every(10), 10_000_000)?.runs[0]).toMatchObject({ coalesced: 1000, coalescedFrom: 10, scheduledAt: 10_000_000 });
  });

  test('says why a run is missed or skipped', () => {
    expect(plan(job(100, { misfireGraceTime: 5 }), every(10), 107)?.runs[0]?.reason).toBe(
      '7 ms late, more than the misfire grace time of 5 ms',
    );
    expect(plan(job(100), every(10), 100)?.runs[0]?.reason).toBeUndefined();
    expect(plan(job(100, { maxInstances: 2 }, { active: 2 }), every(10), 100)?.runs[0]?.reason).toBe('2 of 2 instances were running');
    expect(plan(job(100, { overlap: 'queue', maxInstances: 2 }, { active: 1, queued: 3 }), every(10), 100)?.runs[0]?.reason).toBe(
      '3 runs were waiting before it',
    );
  });

  test('a trigger whose next time is not later is refused, so that the loop cannot spin on it', () => {
    const stuck: Trigger = { next: () => 100, toJSON: () => ({ type: 'stuck' }) };
    expect(() => plan(job(100), stuck, 100)).toThrow(RangeError);
    const confused: Trigger = { next: () => Number.NaN, toJSON: () => ({ type: 'confused' }) };
    expect(() => plan(job(100), confused, 100)).toThrow(RangeError);
  });

  test('is a pure function: the same twice, its input untouched', () => {
    const given = Object.freeze(job(100, { misfireGraceTime: 15 }));
    expect(plan(given, every(10), 135)).toEqual(plan(given, every(10), 135));
  });
});

describe('a plan, whatever comes', () => {
  const policies = fc.record({
    misfireGraceTime: fc.option(fc.integer({ min: 1, max: 200 }), { nil: undefined }),
    coalesce: fc.constantFrom('latest' as const, 'earliest' as const, 'all' as const),
    maxInstances: fc.integer({ min: 1, max: 3 }),
    overlap: fc.constantFrom('skip' as const, 'queue' as const, 'cancel-running' as const),
    jitter: fc.integer({ min: 0, max: 60 }),
  });

  test('decides each due time once, none before it is due, and none twice', () => {
    fc.assert(
      fc.property(
        policies,
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 0, max: 1500 }),
        fc.integer({ min: 0, max: 3 }),
        (policy, gaps, now, active) => {
          let time = 0;
          const times = gaps.map((gap) => (time += gap));
          const trigger = atTimes(...times);
          const [first = 0] = times;
          const due = (at: number): number => at + jitterOf('job', at, policy.jitter, trigger);
          const fire = plan(job(first, policy, { active: Math.min(active, policy.maxInstances) }), trigger, now);
          if (fire === undefined) {
            expect(due(first)).toBeGreaterThan(now);
            return;
          }
          const decided = times.filter((at) => fire.nextRunTime === undefined || at < fire.nextRunTime);
          // The rows stand for exactly what lies before the new cursor.
          const covered = fire.runs.reduce((sum, run) => sum + run.coalesced, 0);
          expect(covered).toBe(decided.length);
          for (const at of decided) expect(due(at)).toBeLessThanOrEqual(now);
          // What is left is not due yet, unless each time is to have its own run.
          const left = times.filter((at) => !decided.includes(at));
          if (policy.coalesce !== 'all') for (const at of left) expect(due(at)).toBeGreaterThan(now);
          for (const run of fire.runs) {
            const isLate = policy.misfireGraceTime !== undefined && now - due(run.scheduledAt) > policy.misfireGraceTime;
            expect(run.outcome === 'missed').toBe(isLate);
            expect(run.dueAt).toBe(due(run.scheduledAt));
          }
          // All that is too late is in the missed row.
          const late = decided.filter((at) => policy.misfireGraceTime !== undefined && now - due(at) > policy.misfireGraceTime);
          expect(fire.runs.filter((run) => run.outcome === 'missed').reduce((sum, run) => sum + run.coalesced, 0)).toBe(late.length);
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe('a run outside the schedule', () => {
  test('leaves the cursor and the run count where they are', () => {
    const fire = planManual(job(500, {}, { runCount: 3 }), 100, 'mark', undefined);
    expect(fire).toMatchObject({ nextRunTime: 500, dueAt: 500, runCount: 3, state: 'waiting' });
    expect(fire.runs[0]).toMatchObject({ outcome: 'running', scheduledAt: 100, manual: 'mark' });
  });

  test.each([
    ['skip', 'skipped', false],
    ['queue', 'waiting', false],
    ['cancel-running', 'waiting', true],
  ] as const)('obeys overlap %s', (overlap, outcome, cancels) => {
    const fire = planManual(job(500, { overlap }, { active: 1 }), 100, 'mark', undefined);
    expect([fire.runs[0]?.outcome, fire.cancelRunning]).toEqual([outcome, cancels]);
  });

  test('waits where its executor has no room', () => {
    expect(planManual(job(500), 100, 'mark', 'its executor was busy').runs[0]).toMatchObject({
      outcome: 'waiting',
      reason: 'its executor was busy',
    });
  });

  test('of a paused job keeps it paused', () => {
    expect(planManual(job(500, {}, { state: 'paused', dueAt: undefined }), 100, 'mark', undefined)).toMatchObject({
      state: 'paused',
      dueAt: undefined,
    });
  });
});

describe('a resume', () => {
  const paused = { state: 'paused', dueAt: undefined } as const;

  test('goes on with the next fire time where none passed', () => {
    expect(line(planResume(job(100, {}, paused), every(10), 50))).toBe('-> 100');
  });

  test('records what passed as one skipped row, and says why', () => {
    const fire = planResume(job(100, {}, paused), every(10), 125);
    expect(line(fire)).toBe('skipped 120 x3<100, -> 130');
    expect(fire.runs[0]?.reason).toBe('the job was paused');
  });

  test('of a parked job says that it was parked, and why', () => {
    const fire = planResume(job(100, {}, { state: 'parked', dueAt: undefined, reason: 'no such task' }), every(10), 105);
    expect(fire.runs[0]?.reason).toBe('the job was parked: no such task');
    expect([fire.state, fire.reason]).toEqual(['waiting', undefined]);
  });

  test('of a job whose last time passed ends it, and leaves a row', () => {
    expect(line(planResume(job(100, {}, paused), atTimes(100), 125))).toBe('skipped 100, -> ending');
  });
});

describe('jitter', () => {
  test('is the same for the same job and time, and differs between jobs and between times', () => {
    const of = (id: string, time: number): number => jitterOf(id, time, 1_000_000, every(10_000_000));
    expect(of('a', 0)).toBe(of('a', 0));
    const spread = new Set(Array.from({ length: 100 }, (_, index) => of(`job-${index}`, 0)));
    expect(spread.size).toBeGreaterThan(95);
    const overTime = new Set(Array.from({ length: 100 }, (_, index) => of('a', index * 10_000_000)));
    expect(overTime.size).toBeGreaterThan(95);
  });

  test('stays from 0 to its limit, before the next fire time, and uses the whole of it', () => {
    const seen = Array.from({ length: 2000 }, (_, index) => jitterOf(`job-${index}`, 0, 10, every(100)));
    expect(new Set(seen)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
    const tight = Array.from({ length: 2000 }, (_, index) => jitterOf(`job-${index}`, 0, 1000, every(5)));
    expect(Math.max(...tight)).toBe(4);
  });

  test('may go up to its limit after the last fire time', () => {
    const seen = Array.from({ length: 500 }, (_, index) => jitterOf(`job-${index}`, 0, 3, atTimes()));
    expect(Math.max(...seen)).toBe(3);
  });

  test('is spread evenly', () => {
    const buckets = new Array<number>(10).fill(0);
    for (let index = 0; index < 10_000; index += 1) {
      const bucket = Math.floor(jitterOf(`job-${index}`, 1_900_000_000_000, 999, every(1000)) / 100);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    for (const count of buckets) expect(count).toBeGreaterThan(850);
    for (const count of buckets) expect(count).toBeLessThan(1150);
  });

  test('asks the trigger nothing where there is none', () => {
    const mute: Trigger = {
      next() {
        throw new Error('asked');
      },
      toJSON: () => ({ type: 'mute' }),
    };
    expect(jitterOf('a', 0, 0, mute)).toBe(0);
  });
});

describe('the latest fire time up to a moment', () => {
  test('is what walking finds, for any times', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 60 }), fc.nat(3_000_000), (gaps, more) => {
        let time = 0;
        const times = gaps.map((gap) => (time += gap));
        const [first = 0] = times;
        const until = first + more;
        expect(latestFireTime(atTimes(...times), first, until)).toBe(times.findLast((at) => at <= until));
      }),
      { numRuns: 500 },
    );
  });

  test('costs some forty questions for ten years of seconds', () => {
    let asked = 0;
    const seconds = every(1000);
    const trigger: Trigger = {
      next(after) {
        asked += 1;
        return seconds.next(after);
      },
      toJSON: seconds.toJSON,
    };
    const until = 3653 * 86_400_000 + 999;
    expect(latestFireTime(trigger, 1000, until)).toBe(3653 * 86_400_000);
    expect(asked).toBeLessThan(60);
  });
});
