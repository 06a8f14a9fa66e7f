import type { JobProgress, JobRecord } from '../core/job.ts';
import type { Fire } from '../core/job-store.ts';
import type { NewRun } from '../core/run.ts';
import { latestFireTime, type Trigger } from '../core/trigger.ts';
import { jitterOf } from './jitter.ts';

/** The most fire times that are counted one by one; a longer range is said to stand for this many. */
const COUNTED = 1000;
/** The most runs of one job that may wait in its queue. */
const QUEUE_LIMIT = 1000;

/** Consecutive fire times of one job, decided together. */
interface Range {
  readonly first: number;
  readonly last: number;
}

/**
 * What a due job's fire times become: which are missed, which run, which are skipped, and where the cursor goes.
 * Pure; `now` is the store's. Answers `undefined` while nothing is due, which jitter can bring about.
 *
 * Grace comes first, then coalescing, then room under `maxInstances`:
 *
 *     cursor                     now - grace                       now
 *       |--- one `missed` row ---|--- one run, or a run for each ---|--- next
 */
export function plan(job: JobRecord, trigger: Trigger, now: number): Fire | undefined {
  const { policy } = job;
  const cursor = job.nextRunTime;
  if (cursor === undefined) return undefined;
  // Registered anew with a lower limit than it has reached.
  if (policy.maxRuns !== undefined && job.runCount >= policy.maxRuns)
    return { ...progressTo(job, trigger, cursor, job.runCount), job, runs: [], cancelRunning: false };
  const next = trigger.next(cursor);
  if (next === undefined || next > now) {
    const dueAt = cursor + jitterOf(job.id, cursor, policy.jitter, trigger);
    if (dueAt > now) return undefined;
    if (policy.misfireGraceTime === undefined || now - dueAt <= policy.misfireGraceTime)
      return planOne(job, trigger, { cursor, dueAt, next });
  }
  const dueTime = (time: number): number => time + jitterOf(job.id, time, policy.jitter, trigger);

  const latest = latestDue(trigger, cursor, now, dueTime);
  if (latest === undefined) return undefined;
  const due: Range = { first: cursor, last: latest };

  const missed = missedRange(due, trigger, now, policy, dueTime);
  const alive: Range | undefined =
    missed === undefined ? due : missed.last === due.last ? undefined : { first: following(trigger, missed.last), last: due.last };

  const runs: NewRun[] = [];
  if (missed !== undefined) {
    const late = now - dueTime(missed.last);
    runs.push(
      rangeRow(
        missed,
        trigger,
        dueTime(missed.last),
        'missed',
        `${late} ms late, more than the misfire grace time of ${policy.misfireGraceTime} ms`,
      ),
    );
  }
  if (alive === undefined) return step(job, runs, trigger, due.last, 0);
  if (policy.coalesce === 'all') return planEach(job, trigger, alive, runs, dueTime);

  const nominal = policy.coalesce === 'earliest' ? alive.first : alive.last;
  const row = rangeRow(alive, trigger, dueTime(nominal), 'running', undefined);
  return overlapped(job, trigger, nominal === row.scheduledAt ? row : { ...row, scheduledAt: nominal }, runs, alive.last);
}

/** The everyday case: one fire time is due, and in time. */
function planOne(
  job: JobRecord,
  trigger: Trigger,
  due: { readonly cursor: number; readonly dueAt: number; readonly next: number | undefined },
): Fire {
  const { cursor, dueAt, next } = due;
  const row: NewRun = {
    scheduledAt: cursor,
    dueAt,
    outcome: 'running',
    reason: undefined,
    coalesced: 1,
    coalescedFrom: undefined,
    manual: undefined,
  };
  const begins = hasRoom(job);
  if (!begins && job.policy.coalesce === 'all') return planEach(job, trigger, { first: cursor, last: cursor }, [], () => dueAt);
  const decided = begins ? undefined : withoutRoom(job, row);
  const run = decided?.run ?? row;
  const {
    nextRunTime,
    dueAt: nextDueAt,
    state,
    reason,
    runCount,
  } = progressTo(job, trigger, next, job.runCount + (run.outcome === 'skipped' ? 0 : 1));
  // Written out here and below: this is done for every run, and spreading would be most of its cost.
  return { nextRunTime, dueAt: nextDueAt, state, reason, runCount, job, runs: [run], cancelRunning: decided?.cancelRunning === true };
}

/** One run outside the schedule: the cursor stays, the policies hold. `mark` makes its id unique; without room here it waits for whoever has some. */
export function planManual(job: JobRecord, now: number, mark: string, hindrance: string | undefined): Fire {
  const run: NewRun = {
    scheduledAt: now,
    dueAt: now,
    outcome: 'running',
    reason: undefined,
    coalesced: 1,
    coalescedFrom: undefined,
    manual: mark,
  };
  const progress: JobProgress = {
    nextRunTime: job.nextRunTime,
    dueAt: job.dueAt,
    state: job.state,
    reason: job.reason,
    runCount: job.runCount,
  };
  if (hasRoom(job))
    return {
      ...progress,
      job,
      runs: [hindrance === undefined ? run : { ...run, outcome: 'waiting', reason: hindrance }],
      cancelRunning: false,
    };
  const decided = withoutRoom(job, run);
  return { ...progress, job, runs: [decided.run], cancelRunning: decided.cancelRunning };
}

/** The row for fire times that passed while the job was paused, if there were any; and the job's way on from `now`. */
export function planResume(job: JobRecord, trigger: Trigger, now: number): Fire {
  const cursor = job.nextRunTime ?? trigger.next(now);
  if (cursor === undefined || cursor > now)
    return { ...progressTo(job, trigger, cursor, job.runCount), job, runs: [], cancelRunning: false };
  const passed: Range = { first: cursor, last: latestFireTime(trigger, cursor, now) };
  const row = rangeRow(
    passed,
    trigger,
    passed.last,
    'skipped',
    job.state === 'parked' ? `the job was parked: ${job.reason ?? 'no reason was kept'}` : 'the job was paused',
  );
  return { ...progressTo(job, trigger, trigger.next(now), job.runCount), job, runs: [row], cancelRunning: false };
}

/** Where a job stands that goes on at `next`, or ends. */
export function progressTo(
  job: { readonly id: string; readonly policy: JobRecord['policy'] },
  trigger: Trigger,
  next: number | undefined,
  runCount: number,
): JobProgress {
  const { maxRuns, jitter } = job.policy;
  if (next === undefined || (maxRuns !== undefined && runCount >= maxRuns))
    return { nextRunTime: undefined, dueAt: undefined, state: 'ending', reason: undefined, runCount };
  return { nextRunTime: next, dueAt: next + jitterOf(job.id, next, jitter, trigger), state: 'waiting', reason: undefined, runCount };
}

/** The latest fire time that is due, jitter included. */
function latestDue(trigger: Trigger, cursor: number, now: number, dueTime: (time: number) => number): number | undefined {
  if (dueTime(cursor) > now) return undefined;
  const latest = trigger.next(cursor) === undefined ? cursor : latestFireTime(trigger, cursor, now);
  if (latest === cursor || dueTime(latest) <= now) return latest;
  // Jitter ends before the next fire time, so only the very latest one can still be ahead.
  return latestFireTime(trigger, cursor, latest - 1);
}

/** The fire times that are too late to run. They come first, since lateness falls as nominal time grows. */
function missedRange(
  due: Range,
  trigger: Trigger,
  now: number,
  policy: JobRecord['policy'],
  dueTime: (time: number) => number,
): Range | undefined {
  const grace = policy.misfireGraceTime;
  if (grace === undefined || now - dueTime(due.first) <= grace) return undefined;
  const cutoff = now - grace - 1;
  let last = latestFireTime(trigger, due.first, Math.max(due.first, Math.min(cutoff, due.last)));
  // Of those before the cut-off, jitter can make only the latest one due after it.
  if (last > due.first && dueTime(last) > cutoff) last = latestFireTime(trigger, due.first, last - 1);
  return { first: due.first, last };
}

/** A run each, oldest first, as many as there is room for; the rest stays with the cursor. */
function planEach(job: JobRecord, trigger: Trigger, alive: Range, runs: NewRun[], dueTime: (time: number) => number): Fire {
  const { maxInstances, maxRuns } = job.policy;
  const room = Math.min(maxInstances - job.active, maxRuns === undefined ? Infinity : maxRuns - job.runCount, 1);
  if (room <= 0) return { ...progressTo(job, trigger, alive.first, job.runCount), job, runs, cancelRunning: false };
  runs.push(rangeRow({ first: alive.first, last: alive.first }, trigger, dueTime(alive.first), 'running', undefined));
  return step(job, runs, trigger, alive.first, 1);
}

function overlapped(job: JobRecord, trigger: Trigger, run: NewRun, runs: NewRun[], last: number): Fire {
  if (hasRoom(job)) {
    runs.push(run);
    return step(job, runs, trigger, last, 1);
  }
  const decided = withoutRoom(job, run);
  runs.push(decided.run);
  return { ...step(job, runs, trigger, last, decided.run.outcome === 'skipped' ? 0 : 1), cancelRunning: decided.cancelRunning };
}

/** Whether one more run of the job may begin, and none that came before it waits to. */
function hasRoom({ active, queued, policy }: JobRecord): boolean {
  return active < policy.maxInstances && (queued === 0 || policy.overlap !== 'queue');
}

/** What a run becomes that may not begin. */
function withoutRoom(job: JobRecord, run: NewRun): { readonly run: NewRun; readonly cancelRunning: boolean } {
  const { maxInstances, overlap } = job.policy;
  const full =
    job.active < maxInstances ? `${job.queued} runs were waiting before it` : `${job.active} of ${maxInstances} instances were running`;
  switch (overlap) {
    case 'skip':
      return { run: { ...run, outcome: 'skipped', reason: full }, cancelRunning: false };
    case 'queue':
      if (job.queued >= QUEUE_LIMIT)
        return { run: { ...run, outcome: 'skipped', reason: `${full} and ${job.queued} runs were waiting` }, cancelRunning: false };
      return { run: { ...run, outcome: 'waiting', reason: full }, cancelRunning: false };
    case 'cancel-running':
      return { run: { ...run, outcome: 'waiting', reason: full }, cancelRunning: true };
  }
}

/** The cursor moves past `last`. */
function step(job: JobRecord, runs: readonly NewRun[], trigger: Trigger, last: number, begun: number): Fire {
  const { nextRunTime, dueAt, state, reason, runCount } = progressTo(job, trigger, laterThan(last, trigger), job.runCount + begun);
  return { nextRunTime, dueAt, state, reason, runCount, job, runs, cancelRunning: false };
}

function rangeRow(range: Range, trigger: Trigger, dueAt: number, outcome: NewRun['outcome'], reason: string | undefined): NewRun {
  const coalesced = range.first === range.last ? 1 : count(range, trigger);
  const stands =
    coalesced > 1 && reason === undefined
      ? `stands for ${coalesced < COUNTED ? coalesced : `${COUNTED} or more`} fire times up to ${new Date(range.last).toISOString()}`
      : reason;
  return {
    scheduledAt: range.last,
    dueAt,
    outcome,
    reason: stands,
    coalesced,
    coalescedFrom: coalesced > 1 ? range.first : undefined,
    manual: undefined,
  };
}

function count(range: Range, trigger: Trigger): number {
  let counted = 1;
  for (let time: number | undefined = range.first; counted < COUNTED; counted += 1) {
    time = trigger.next(time);
    if (time === undefined || time > range.last) break;
  }
  return counted;
}

/** A trigger that does not move on would have the loop fire for ever. */
function laterThan(time: number, trigger: Trigger): number | undefined {
  const next = trigger.next(time);
  if (next === undefined || next > time) return next;
  throw new RangeError(`the trigger gave ${next} as the fire time after ${time}, which is not later`);
}

function following(trigger: Trigger, time: number): number {
  const next = trigger.next(time);
  // Asked only where a later fire time is known to exist.
  if (next === undefined) throw new RangeError(`the trigger gave a fire time after ${time} and then none`);
  return next;
}
