import { describe, expect, test } from 'vitest';
import type { JobPolicy, JobRecord } from '../../src/core/job.ts';
import type { RunResult } from '../../src/core/executor.ts';
import type { Finish, RunRecord } from '../../src/core/run.ts';
import { type AbortCause, ActiveRun } from '../../src/engine/active-run.ts';
import { judge, refuse } from '../../src/engine/verdict.ts';
import { JobTimeoutError, RunCancelledError, reasonOf } from '../../src/errors.ts';
import { defaultPolicy } from '../../src/job-options.ts';
import { silent } from '../fixtures/requests.ts';

const NOW = 10_000;
const retry = { limit: 2, delay: 100, backoff: 3, maxDelay: 250 };

function job(policy: Partial<JobPolicy> = {}): JobRecord {
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
    nextRunTime: undefined,
    dueAt: undefined,
    state: 'ending',
    reason: undefined,
    runCount: 1,
    uid: 1,
    version: 2,
    active: 1,
    queued: 0,
  };
}

function run(more: Partial<RunRecord> = {}): RunRecord {
  return {
    id: 'job@9000#1',
    jobId: 'job',
    uid: 1,
    manual: false,
    scheduledAt: 9_000,
    dueAt: 9_000,
    startedAt: undefined,
    finishedAt: undefined,
    attempt: 0,
    crashes: 0,
    outcome: 'running',
    reason: undefined,
    value: undefined,
    error: undefined,
    coalesced: 1,
    coalescedFrom: undefined,
    owner: 'me',
    fence: 1,
    progress: undefined,
    ...more,
  };
}

/** A verdict in one line: the outcome, when it is due again if it waits, and why. */
function line(finish: Finish | undefined): string {
  if (finish === undefined) return 'goes on';
  const due = finish.outcome === 'waiting' ? ` +${finish.dueAt - NOW}` : '';
  return `${finish.outcome}${due}${finish.reason === undefined ? '' : `: ${finish.reason}`}`;
}

const ok: RunResult = { ok: true, value: 7 };
const bad: RunResult = { ok: false, error: new TypeError('no') };

describe('how a result is judged', () => {
  test.each<
    [
      string,
      { result: RunResult; policy?: Partial<JobPolicy>; run?: Partial<RunRecord>; abort?: [AbortCause, Error]; durable?: boolean },
      string,
    ]
  >([
    ['a value', { result: ok }, 'succeeded'],
    [
      'a value of a run that stands for others',
      { result: ok, run: { coalesced: 3, coalescedFrom: 1, reason: 'stands for 3' } },
      'succeeded: stands for 3',
    ],
    ['a value after a retry', { result: ok, run: { attempt: 1, reason: 'TypeError: no' } }, 'succeeded'],
    ['an error', { result: bad }, 'failed: TypeError: no'],
    ['an error, first of three attempts', { result: bad, policy: { retry } }, 'waiting +100: TypeError: no'],
    ['an error, second of three', { result: bad, policy: { retry }, run: { attempt: 1 } }, 'waiting +250: TypeError: no'],
    ['an error, last of three', { result: bad, policy: { retry }, run: { attempt: 2 } }, 'failed: TypeError: no'],
    [
      'a timeout',
      { result: ok, abort: ['timeout', new JobTimeoutError(50)] },
      'failed: JobTimeoutError: the run took longer than its timeout of 50 ms',
    ],
    [
      'a cancellation, whatever it answered',
      { result: ok, abort: ['cancel', new RunCancelledError('it was cancelled')] },
      'cancelled: it was cancelled',
    ],
    ['the end of the scheduler, in memory', { result: bad, abort: ['shutdown', new RunCancelledError('over')] }, 'cancelled: over'],
    [
      'the end of the scheduler, durable',
      { result: bad, abort: ['shutdown', new RunCancelledError('over')], durable: true },
      'waiting +0: over',
    ],
    [
      'the end of the scheduler, durable, at most once',
      { result: bad, abort: ['shutdown', new RunCancelledError('over')], durable: true, policy: { onCrash: 'fail' } },
      'cancelled: over',
    ],
    ['a lost lease', { result: ok, abort: ['lost-lease', new RunCancelledError('gone')], durable: true }, 'waiting +0: gone'],
    [
      'a lost lease, at most once',
      { result: ok, abort: ['lost-lease', new RunCancelledError('gone')], durable: true, policy: { onCrash: 'fail' } },
      'lost: gone',
    ],
  ])('%s', (_, given, expected) => {
    const surroundings = { logger: silent, timezone: 'UTC', jobStore: 'default', noteProgress() {}, aborted() {} };
    const active = new ActiveRun(run(given.run), job(given.policy), { task: { name: 'task' }, startedAt: 9_500, surroundings });
    if (given.abort !== undefined) active.abort(...given.abort);
    const finish = judge(active, given.result, NOW, given.durable === true);
    expect(line(finish)).toBe(expected);
    expect([finish.startedAt, finish.finishedAt, finish.attempt]).toEqual([9_500, NOW, (given.run?.attempt ?? 0) + 1]);
  });
});

describe('whether a claimed run is executed', () => {
  test.each<[string, { policy?: Partial<JobPolicy>; run?: Partial<RunRecord>; removed?: boolean }, string]>([
    ['in time', { policy: { misfireGraceTime: 1_000 } }, 'goes on'],
    ['a millisecond too late', { policy: { misfireGraceTime: 999 } }, 'missed: 1000 ms late, more than the misfire grace time of 999 ms'],
    ['late, but asked for by hand', { policy: { misfireGraceTime: 999 }, run: { manual: true } }, 'goes on'],
    ['late, but a retry', { policy: { misfireGraceTime: 999 }, run: { attempt: 1 } }, 'goes on'],
    ['late, after a crash', { policy: { misfireGraceTime: 999 }, run: { crashes: 1 } }, 'goes on'],
    [
      'after a crash, at most once',
      { policy: { onCrash: 'fail' }, run: { crashes: 1 } },
      "lost: its process died under it, and onCrash is 'fail'",
    ],
    ['after three crashes', { run: { crashes: 3 } }, 'goes on'],
    ['after four crashes', { run: { crashes: 4 } }, 'lost: 4 processes died under it'],
    ['of a job that is gone', { removed: true }, 'lost: its process died, and its job was removed'],
  ])('%s', (_, given, expected) => {
    const claimed = { run: run(given.run), job: given.removed === true ? undefined : job(given.policy) };
    expect(line(refuse(claimed, NOW))).toBe(expected);
  });
});

test('what was thrown is told in short, whatever it is', () => {
  const unprintable = {
    toString() {
      throw new Error('never');
    },
  };
  expect([reasonOf(new RangeError('far')), reasonOf('text'), reasonOf(null), reasonOf(unprintable)]).toEqual([
    'RangeError: far',
    'text',
    'null',
    'a value that cannot be shown as text',
  ]);
});
