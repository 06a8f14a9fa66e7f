import type { RunResult } from '../core/executor.ts';
import type { JobRecord } from '../core/job.ts';
import type { ClaimedRun, Finish, Outcome } from '../core/run.ts';
import { RunCancelledError, reasonOf } from '../errors.ts';
import type { AbortCause, ActiveRun } from './active-run.ts';

/** How a run of this process goes on, with what is needed to tell of it. */
export interface EndedRun extends Finish {
  readonly job: JobRecord | undefined;
  /** Absent if it never began here. */
  readonly active: ActiveRun | undefined;
}

/** How many processes may die under a run before it is given up. */
const CRASH_LIMIT = 3;

/** How an execution's result goes into the record. Pure; `now` is the store's. */
export function judge(active: ActiveRun, result: RunResult, now: number, durable: boolean): EndedRun {
  const { run, job, attempt, startedAt } = active;
  if (active.abortCause !== undefined) return judgeAborted(active, active.abortCause, now, durable);
  if (!result.ok) return failed(active, result.error, now);
  return {
    run,
    outcome: 'succeeded',
    // Of what was noted before it began, only that it stands for others is true of a run that succeeded.
    reason: run.coalesced > 1 && attempt === 1 ? run.reason : undefined,
    value: result.value,
    error: undefined,
    startedAt,
    finishedAt: now,
    attempt,
    dueAt: run.dueAt,
    progress: active.progressValue,
    job,
    active,
  };
}

function judgeAborted(active: ActiveRun, cause: AbortCause, now: number, durable: boolean): EndedRun {
  const { run, job, attempt, startedAt, abortReason } = active;
  const base = {
    run,
    startedAt,
    finishedAt: now,
    attempt,
    value: undefined,
    error: abortReason,
    dueAt: run.dueAt,
    reason: messageOf(abortReason),
    progress: active.progressValue,
    job,
    active,
  };
  switch (cause) {
    case 'cancel':
      return { ...base, outcome: 'cancelled' };
    case 'shutdown':
    case 'lost-lease':
      if (durable && job.policy.onCrash === 'rerun') return { ...base, outcome: 'waiting', error: undefined, dueAt: now };
      return { ...base, outcome: cause === 'shutdown' ? 'cancelled' : 'lost' };
    case 'timeout':
      return failed(active, abortReason, now);
  }
}

function failed(active: ActiveRun, error: unknown, now: number): EndedRun {
  const { run, job, attempt, startedAt } = active;
  const { retry } = job.policy;
  const base = {
    run,
    startedAt,
    finishedAt: now,
    attempt,
    value: undefined,
    error,
    reason: reasonOf(error),
    progress: active.progressValue,
    job,
    active,
  };
  if (retry === undefined || attempt > retry.limit) return { ...base, outcome: 'failed', dueAt: run.dueAt };
  const delay = Math.min(retry.maxDelay, Math.round(retry.delay * retry.backoff ** (attempt - 1)));
  return { ...base, outcome: 'waiting', dueAt: now + delay };
}

/** Why a claimed run is not executed after all, if it is not. Pure; `now` is the store's. */
export function refuse(claimed: ClaimedRun, now: number): EndedRun | undefined {
  const { run, job } = claimed;
  if (job === undefined) return ended(claimed, now, 'lost', 'its process died, and its job was removed');
  if (run.crashes > 0) {
    if (job.policy.onCrash === 'fail') return ended(claimed, now, 'lost', "its process died under it, and onCrash is 'fail'");
    if (run.crashes > CRASH_LIMIT) return ended(claimed, now, 'lost', `${run.crashes} processes died under it`);
    return undefined;
  }
  const grace = job.policy.misfireGraceTime;
  const late = now - run.dueAt;
  if (grace !== undefined && !run.manual && run.attempt === 0 && late > grace)
    return ended(claimed, now, 'missed', `${late} ms late, more than the misfire grace time of ${grace} ms`);
  return undefined;
}

function ended({ run, job }: ClaimedRun, now: number, outcome: Outcome, reason: string): EndedRun {
  const { startedAt, attempt, dueAt } = run;
  const active = undefined;
  return { run, outcome, reason, value: undefined, error: undefined, startedAt, finishedAt: now, attempt, dueAt, job, active };
}

function messageOf(reason: Error | undefined): string | undefined {
  return reason instanceof RunCancelledError ? reason.reason : reason?.message;
}
