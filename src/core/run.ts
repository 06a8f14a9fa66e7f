import type { JobRecord } from './job.ts';

/** How a run can end. */
export type Outcome = 'succeeded' | 'failed' | 'missed' | 'skipped' | 'cancelled' | 'lost';

/** Where a run stands: waiting, running, then exactly one outcome. */
export type RunState = 'waiting' | 'running' | Outcome;

/** One execution, with its attempts, for one nominal time or a range of them. Times are integer epoch milliseconds. */
export interface RunRecord {
  /** Derived from job, its uid and the nominal time, so that the same occurrence has the same id everywhere. */
  readonly id: string;
  readonly jobId: string;
  readonly uid: number;
  /** Started by `runJob`, outside the schedule. */
  readonly manual: boolean;
  readonly scheduledAt: number;
  readonly dueAt: number;
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  /** Attempts begun; 0 while the first one waits. */
  readonly attempt: number;
  /** Processes that died under it. */
  readonly crashes: number;
  readonly outcome: RunState;
  readonly reason: string | undefined;
  readonly value: unknown;
  readonly error: unknown;
  /** How many fire times this row stands for, itself included; exact up to 1,000. */
  readonly coalesced: number;
  /** The first of them, where there are several. */
  readonly coalescedFrom: number | undefined;
  readonly owner: string | undefined;
  /** Grows with every claim; a write with an older one is refused. 0 before the first claim. */
  readonly fence: number;
  readonly progress: unknown;
}

/** A run to be recorded by `fire`. */
export interface NewRun {
  readonly scheduledAt: number;
  readonly dueAt: number;
  /** `running` claims it at once for the caller of `fire`. */
  readonly outcome: 'running' | 'waiting' | 'missed' | 'skipped';
  readonly reason: string | undefined;
  readonly coalesced: number;
  readonly coalescedFrom: number | undefined;
  /** Set for a run outside the schedule: makes its id unique. */
  readonly manual: string | undefined;
}

/** A run that this process now holds, with its job; the job is absent if it was removed meanwhile. */
export interface ClaimedRun {
  readonly run: RunRecord;
  readonly job: JobRecord | undefined;
}

/** How a held run goes on: a final outcome, or `waiting` again for a retry or for another process. */
export interface Finish {
  readonly run: RunRecord;
  readonly outcome: Outcome | 'waiting';
  readonly reason: string | undefined;
  readonly value: unknown;
  readonly error: unknown;
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  /** Attempts begun so far. */
  readonly attempt: number;
  /** When it is due again; its old due time for a final outcome. */
  readonly dueAt: number;
  /** What the task last said of how far it is; absent if it said nothing. */
  readonly progress?: unknown;
}

/** The id of a run: `<job>@<nominal time>#<uid>`, with a suffix for a manual one. */
export function runId(jobId: string, uid: number, scheduledAt: number, manual: string | undefined): string {
  return `${jobId}@${compactTime(scheduledAt)}#${uid.toString(36)}${manual === undefined ? '' : `!${manual}`}`;
}

/** A pure memo, which changes no answer: runs come many to a second, whose text is made once. */
const memo = { second: Number.NaN, text: '' };

/** ISO 8601 without the marks between its fields. */
function compactTime(time: number): string {
  const second = Math.floor(time / 1000);
  if (second !== memo.second) {
    memo.text = new Date(time).toISOString().replace(/[-:]/g, '').slice(0, -'000Z'.length);
    memo.second = second;
  }
  return `${memo.text}${String(time - second * 1000).padStart(3, '0')}Z`;
}
