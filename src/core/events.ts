import type { DateTime } from 'luxon';
import type { RunState } from './run.ts';

/** A run as users see it: in `getRuns`, in `runJob`'s answer and in every event about a run. Times are in the job's zone. */
export interface Run {
  readonly id: string;
  /** The same as `id`. */
  readonly runId: string;
  readonly jobId: string;
  readonly jobStore: string;
  /** The nominal time: what the trigger gave. */
  readonly scheduledAt: DateTime;
  /** When it could begin: the nominal time plus jitter, or plus a retry's delay. */
  readonly dueAt: DateTime;
  readonly startedAt: DateTime | undefined;
  readonly finishedAt: DateTime | undefined;
  /** Attempts begun. */
  readonly attempt: number;
  readonly outcome: RunState;
  readonly reason: string | undefined;
  /** What the task returned. */
  readonly value: unknown;
  /** What the task threw, untouched; from a durable store, an error made from its name, message, stack and own fields. */
  readonly error: unknown;
  /** How many fire times this run stands for, itself included; exact up to 1,000. */
  readonly coalesced: number;
  /** The first of them, where there are several. */
  readonly coalescedFrom: DateTime | undefined;
  /** The process that holds or held it. */
  readonly owner: string | undefined;
  /** What the task last said of how far it is. */
  readonly progress: unknown;
}

/** An event about a job. */
export interface JobEvent {
  readonly jobId: string;
  readonly jobStore: string;
}

/** Each event's payload. Events are this process's own: those of another scheduler on the same store do not arrive here. */
export interface SchedulerEvents {
  schedulerStarted: { readonly paused: boolean };
  schedulerPaused: Record<never, never>;
  schedulerResumed: Record<never, never>;
  schedulerShutdown: Record<never, never>;
  jobAdded: JobEvent;
  /** Also by `rescheduleJob`, and by registering a known id again. */
  jobModified: JobEvent;
  jobRemoved: JobEvent;
  jobPaused: JobEvent;
  jobResumed: JobEvent;
  allJobsRemoved: { readonly jobStore: string };
  /** The job cannot go on; modifying, rescheduling or resuming it brings it back. */
  jobParked: JobEvent & { readonly reason: string };
  /** Handed to its executor. */
  jobSubmitted: Run;
  /** Its task is about to be called. */
  jobStarted: Run;
  /** Its task returned; `value` is what. */
  jobExecuted: Run;
  /** The last attempt failed; `error` is what the task threw. */
  jobError: Run;
  /** A fire time was found too late for its `misfireGraceTime`. */
  jobMissed: Run;
  /** A fire time did not run, for the `reason` given. */
  jobSkipped: Run;
  /** An attempt failed and another follows at `dueAt`. */
  jobRetrying: Run;
  /** A run was ended by `cancelRun`, a later fire time, the removal of its job or a shutdown. */
  jobCancelled: Run;
  /** Its process died under it, or this process lost its claim; the run may have had effects. */
  jobLost: Run;
  /** Wall time moved against monotonic time by more than a second, forward if positive. */
  clockJump: { readonly byMs: number };
  /** A call of a store failed; it is tried again. */
  storeError: { readonly jobStore: string; readonly operation: string; readonly error: Error };
}

export type SchedulerEventName = keyof SchedulerEvents;
