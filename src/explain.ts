import type { DateTime } from 'luxon';
import type { Run } from './core/events.ts';
import type { JobRecord } from './core/job.ts';
import type { RunRecord, RunState } from './core/run.ts';
import { latestFireTime, type Trigger } from './core/trigger.ts';
import { type EngineContext, strangeness } from './engine/context.ts';
import type { Lane } from './engine/lane.ts';
import { RunReport } from './engine/run-report.ts';
import { InvalidOptionError } from './errors.ts';
import type { SchedulerState } from './lifecycle.ts';
import { checkNames, oneOf } from './nearest.ts';
import { jobNotFound } from './not-found.ts';
import { parseInstant, type TimeInput, toDateTime } from './time/instants.ts';

const MOST = 1000;
/** How many runs are counted towards `maxRuns`. */
const COUNTED = 10_000;
const DAY = 86_400_000;

/** One fire time and what became of it. */
export interface Explanation {
  readonly scheduledAt: DateTime;
  /** `coalesced`: another run stands for it. `planned`: it is still to come. `unknown`: nothing was recorded, or it is no longer kept, or the next run was moved past it. */
  readonly outcome: RunState | 'planned' | 'coalesced' | 'unknown';
  readonly reason: string | undefined;
  /** The row that covers it. */
  readonly run: Run | undefined;
}

/** Where a job may be found, and how the scheduler is doing. */
export interface ExplainPlaces {
  readonly lanes: ReadonlyMap<string, Lane>;
  readonly state: SchedulerState;
  /** The job as it would be if the scheduler started now, where it waits for the start. */
  pending(jobId: string, jobStore: string): JobRecord | undefined;
}

export interface ExplainWindow {
  /** Default: the oldest run that is kept, at most a day back. */
  from?: TimeInput;
  /** Default: a day after now or `from`, or the next run, whichever is the latest. */
  to?: TimeInput;
  jobStore?: string;
}

/**
 * The answer to "why did my job not run?": each fire time in the window, with its outcome and reason, past and planned, the earliest
 * first; at most 1,000.
 * @throws JobNotFoundError, InvalidOptionError
 */
export async function explain(
  engine: EngineContext,
  places: ExplainPlaces & { readonly jobId: string },
  window: ExplainWindow = {},
): Promise<Explanation[]> {
  const { lanes, jobId, state } = places;
  checkNames(window, ['from', 'to', 'jobStore'], '');
  if (window.jobStore !== undefined && !lanes.has(window.jobStore))
    throw new InvalidOptionError('jobStore', window.jobStore, oneOf(window.jobStore, [...lanes.keys()]));
  const found = await locate(places, jobId, window.jobStore);
  if (found === undefined) {
    const asked = window.jobStore === undefined ? undefined : lanes.get(window.jobStore);
    throw jobNotFound(jobId, asked === undefined ? lanes.values() : [asked]);
  }
  const { lane, job, runs: all } = found;
  const timezone = typeof job?.trigger.timezone === 'string' ? job.trigger.timezone : engine.timezone;
  const instant = (value: TimeInput | undefined, option: string, fallback: number): number =>
    value === undefined ? fallback : parseInstant(value, { timezone, option });
  const now = lane.storeNow();
  const oldest = all.reduce((time, run) => Math.min(time, firstOf(run)), Math.min(now, job?.nextRunTime ?? now));
  const from = instant(window.from, 'from', Math.max(oldest, now - DAY));
  const to = instant(window.to, 'to', Math.max(now + DAY, from + DAY, job?.nextRunTime ?? now));
  if (to < from) throw new InvalidOptionError('to', window.to, 'a time that is not before from');

  const rows = withEnds(all, job?.nextRunTime);
  const inWindow = rows.filter(({ run, last }) => last >= from && firstOf(run) <= to);
  const own = new Map(inWindow.map(({ run }) => [run.scheduledAt, run]));
  const recorded = [...own.keys()].filter((time) => time >= from && time <= to);
  const times = new Set([...fireTimes(engine, job, { from, to, now }), ...recorded]);
  const report = (run: RunRecord): Run => new RunReport(run, {}, { jobStore: lane.alias, timezone });
  const strange = job === undefined ? undefined : strangeness(engine, job, lane.store.durable);
  return [...times]
    .sort((a, b) => a - b)
    .slice(0, MOST)
    .map((time) => {
      const scheduledAt = toDateTime(time, timezone);
      const run = own.get(time) ?? inWindow.find(({ run: each, last }) => !each.manual && firstOf(each) <= time && time <= last)?.run;
      if (run === undefined) return { scheduledAt, run: undefined, ...unrecorded(job, time, { state, now, timezone, strange }) };
      if (run.scheduledAt === time || run.outcome === 'missed' || run.outcome === 'skipped')
        return { scheduledAt, outcome: run.outcome, reason: run.reason, run: report(run) };
      return {
        scheduledAt,
        outcome: 'coalesced',
        reason: `the run of ${toDateTime(run.scheduledAt, timezone).toISO()} stands for it`,
        run: report(run),
      };
    });
}

async function locate(
  { lanes, pending }: ExplainPlaces,
  jobId: string,
  jobStore: string | undefined,
): Promise<{ lane: Lane; job: JobRecord | undefined; runs: readonly RunRecord[] } | undefined> {
  for (const lane of lanes.values()) {
    if (jobStore !== undefined && lane.alias !== jobStore) continue;
    const waiting = pending(jobId, lane.alias);
    if (!lane.isOpen && lane.store.durable) {
      if (waiting !== undefined) return { lane, job: waiting, runs: [] };
      continue;
    }
    const job = waiting ?? (await lane.calls.jobs.get(jobId));
    const { runs } = await lane.calls.runs.list({ jobId, limit: MOST });
    if (job !== undefined || runs.length > 0) return { lane, job, runs };
  }
  return undefined;
}

function firstOf(run: RunRecord): number {
  return run.coalescedFrom ?? run.scheduledAt;
}

/**
 * Each row with the last fire time it stands for. That of a row for the earliest of its range is not recorded; it
 * goes up to where the next row, or the cursor, begins.
 */
function withEnds(runs: readonly RunRecord[], cursor: number | undefined): { readonly run: RunRecord; readonly last: number }[] {
  const firsts = runs.filter((run) => !run.manual).map(firstOf);
  return runs.map((run) => {
    if (run.coalesced === 1 || firstOf(run) < run.scheduledAt) return { run, last: run.scheduledAt };
    const next = firsts.filter((first) => first > run.scheduledAt);
    return { run, last: Math.min(cursor ?? Infinity, ...next) - 1 };
  });
}

/** Fire times of the window, as many as are shown; those before the trigger fails, if it does. */
function fireTimes(engine: EngineContext, job: JobRecord | undefined, window: { from: number; to: number; now: number }): number[] {
  if (job === undefined) return [];
  const { nextRunTime } = job;
  const times = nextRunTime !== undefined && nextRunTime >= window.from && nextRunTime <= window.to ? [nextRunTime] : [];
  try {
    const trigger = engine.revive(job.trigger);
    const end = endOfRuns(job, trigger, window);
    let time = trigger.next(window.from - 1);
    for (let count = 0; time !== undefined && time <= window.to && count < MOST; count += 1) {
      // A job at its end has no times to come, whatever its trigger says.
      if ((nextRunTime === undefined && time > window.now) || time > end) break;
      times.push(time);
      time = trigger.next(time);
    }
  } catch {
    // That its trigger fails is why the job is parked, which its own reason says.
  }
  return times;
}

/** The fire time of the last run that `maxRuns` leaves; no end, where that is beyond the window or what is counted. */
function endOfRuns({ policy, runCount, nextRunTime }: JobRecord, trigger: Trigger, window: { to: number; now: number }): number {
  if (policy.maxRuns === undefined || nextRunTime === undefined) return Infinity;
  // What is due already becomes one run, unless each is wanted.
  const isLate = nextRunTime <= window.now && policy.coalesce !== 'all';
  let last = isLate ? latestFireTime(trigger, nextRunTime, window.now) : nextRunTime;
  for (let run = runCount + 1; run < policy.maxRuns; run += 1) {
    const next = trigger.next(last);
    if (next === undefined || next > window.to || run - runCount > COUNTED) return Infinity;
    last = next;
  }
  return last;
}

interface Surroundings {
  readonly state: SchedulerState;
  readonly now: number;
  readonly timezone: string;
  /** Why this process cannot run the job. */
  readonly strange: string | undefined;
}

function unrecorded(
  job: JobRecord | undefined,
  time: number,
  { state, now, timezone, strange }: Surroundings,
): { outcome: 'planned' | 'unknown'; reason: string | undefined } {
  const cursor = job?.nextRunTime;
  if (cursor !== undefined && time > now && time < cursor)
    return { outcome: 'unknown', reason: `it will not run: the next run was moved to ${toDateTime(cursor, timezone).toISO()}` };
  if (cursor === undefined || time < cursor)
    return {
      outcome: 'unknown',
      reason:
        'nothing is recorded for it: it was before the job was added, the next run was moved past it, or its record is no longer kept',
    };
  if (job?.state === 'paused') return { outcome: 'planned', reason: 'the job is paused' };
  if (job?.state === 'parked') return { outcome: 'planned', reason: `the job is parked: ${job.reason ?? 'no reason was kept'}` };
  return { outcome: 'planned', reason: state === 'running' ? strange : `the scheduler is ${state}` };
}
