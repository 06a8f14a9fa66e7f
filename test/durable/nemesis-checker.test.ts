import { describe, expect, test } from 'vitest';
import type { RunRecord } from '../../src/core/run.ts';
import { check, type Evidence } from '../nemesis/checker.ts';
import type { Begin, End, Entry, Harm, Hold, Write } from '../nemesis/journal.ts';

const lease = 1_000;

function row(scheduledAt: number, changes: Partial<RunRecord> = {}): RunRecord {
  return {
    id: `job@${scheduledAt}`,
    jobId: 'job',
    uid: 1,
    manual: false,
    scheduledAt,
    dueAt: scheduledAt,
    startedAt: scheduledAt,
    finishedAt: scheduledAt + 10,
    attempt: 1,
    crashes: 0,
    outcome: 'succeeded',
    reason: undefined,
    value: undefined,
    error: undefined,
    coalesced: 1,
    coalescedFrom: undefined,
    owner: 'a',
    fence: 1,
    progress: undefined,
    ...changes,
  };
}

const begin = (scheduledAt: number, at: number, pid = 1, attempt = 1): Begin => ({
  ...{ kind: 'begin', pid, at, jobId: 'job', runId: `job@${scheduledAt}`, scheduledAt, attempt },
});
const end = (scheduledAt: number, at: number, pid = 1, attempt = 1): End => ({
  ...{ kind: 'end', pid, at, runId: `job@${scheduledAt}`, attempt, ok: true },
});
const hold = (scheduledAt: number, at: number, fence: number, pid = 1): Hold => ({
  ...{ kind: 'hold', pid, from: at - 1, at, runId: `job@${scheduledAt}`, fence },
});
const write = (scheduledAt: number, at: number, fence: number, pid = 1): Write => ({
  ...{ kind: 'write', pid, from: at - 1, at, runId: `job@${scheduledAt}`, fence, outcome: 'succeeded', taken: true },
});
const harm = (what: Harm['what'], from: number, at: number, pid = 1): Harm => ({ kind: 'harm', what, from, at, pid });

/** Two fire times, each run once, and what is changed about that. */
function rulesBroken(changes: Partial<Evidence> = {}, more: readonly Entry[] = []): string[] {
  const entries = [1_000, 2_000].flatMap((time): Entry[] => [
    hold(time, time, 1),
    begin(time, time),
    end(time, time + 10),
    write(time, time + 12, 1),
  ]);
  const evidence: Evidence = {
    expected: [{ jobId: 'job', times: [1_000, 2_000], maxInstances: 1, onCrash: 'rerun' }],
    rows: [row(1_000), row(2_000)],
    jobs: [{ id: 'job', state: 'finished', active: 0, queued: 0 }],
    entries: [...entries, ...more].sort((a, b) => a.at - b.at),
    lease,
    ...changes,
  };
  return check(evidence).map(({ rule }) => rule);
}

describe('the checker of the nemesis', () => {
  test('has nothing to say where each fire time ran once', () => {
    expect(rulesBroken()).toEqual([]);
  });

  test('takes the row of a range for each of its fire times', () => {
    expect(
      rulesBroken({ rows: [row(2_000, { coalesced: 2, coalescedFrom: 1_000 })], entries: [begin(2_000, 2_000), end(2_000, 2_010)] }),
    ).toEqual([]);
  });

  test('finds a fire time without a row', () => {
    expect(rulesBroken({ rows: [row(1_000)] })).toContain('missing');
  });

  test('finds a fire time with two rows', () => {
    expect(rulesBroken({ rows: [row(1_000), row(2_000, { coalesced: 2, coalescedFrom: 1_000 })] })).toContain('covered-twice');
  });

  test('finds a row of no fire time', () => {
    expect(rulesBroken({ rows: [row(1_000), row(2_000), row(1_500, { outcome: 'skipped' })] })).toEqual(['unexpected-row']);
  });

  test('finds a run that never came to its end', () => {
    expect(rulesBroken({ rows: [row(1_000, { outcome: 'running' }), row(2_000)] })).toContain('not-over');
  });

  test('finds counters that were left behind', () => {
    expect(rulesBroken({ jobs: [{ id: 'job', state: 'ending', active: 1, queued: 0 }] })).toEqual(['counter']);
  });

  test('finds a run that began twice though nothing happened', () => {
    expect(rulesBroken({}, [begin(1_000, 1_500, 2), end(1_000, 1_510, 2)])).toEqual(['ran-twice']);
  });

  test('excuses a run that began twice because its process was killed', () => {
    expect(rulesBroken({}, [harm('kill', 1_200, 1_200), begin(1_000, 1_500, 2), end(1_000, 1_510, 2)])).toEqual([]);
  });

  test('does not excuse it with what happened to another process', () => {
    expect(rulesBroken({}, [harm('kill', 1_200, 1_200, 3), begin(1_000, 1_500, 2), end(1_000, 1_510, 2)])).toEqual(['ran-twice']);
  });

  test('excuses a process that was frozen between being given a run and beginning it', () => {
    const given = hold(1_000, 900, 0, 2);
    expect(rulesBroken({}, [given, harm('freeze', 950, 1_500, 2), begin(1_000, 1_500, 2), end(1_000, 1_510, 2)])).toEqual([]);
  });

  test('never excuses a second beginning of a job that is not to be run again', () => {
    const expected = [{ jobId: 'job', times: [1_000, 2_000], maxInstances: 1, onCrash: 'fail' as const }];
    expect(rulesBroken({ expected }, [harm('kill', 1_200, 1_200), begin(1_000, 1_500, 2), end(1_000, 1_510, 2)])).toEqual(['ran-twice']);
  });

  test('finds two runs of one job beside each other', () => {
    const entries = [begin(1_000, 1_000), begin(2_000, 2_000, 2), end(2_000, 2_010, 2), end(1_000, 2_100)];
    expect(rulesBroken({ entries })).toEqual(['overlap']);
  });

  test('finds a fence that did not grow', () => {
    expect(rulesBroken({}, [hold(1_000, 1_500, 1)])).toContain('fence');
  });

  test('finds one fence held by two processes', () => {
    expect(rulesBroken({}, [{ ...hold(1_000, 1_500, 1, 2), from: 900 }])).toContain('fence');
  });

  test('finds a write that was taken with a stale fence', () => {
    expect(rulesBroken({}, [hold(1_000, 1_005, 2, 2)])).toEqual(['stale-write']);
  });

  test('finds a success that nobody brought about', () => {
    expect(rulesBroken({ entries: [begin(2_000, 2_000), end(2_000, 2_010)] })).toEqual(['phantom']);
  });

  test('finds an end that was taken and then forgotten', () => {
    expect(rulesBroken({ rows: [row(1_000, { outcome: 'lost' }), row(2_000)] })).toEqual(['forgotten']);
  });
});
