import type { Task } from './task.ts';
import type { Trigger, TriggerJson } from './trigger.ts';

/** What several due fire times of one job become: one run for the latest, one for the earliest, or a run each. */
export type Coalesce = 'latest' | 'earliest' | 'all';

/** What happens to a fire time that finds the job at its `maxInstances`. */
export type Overlap = 'skip' | 'queue' | 'cancel-running';

/** What becomes of a run whose process died under it. */
export type OnCrash = 'rerun' | 'fail';

/** Times are integer milliseconds. The wait before attempt n + 1 is `delay * backoff^(n - 1)`, at most `maxDelay`. */
export interface RetryPolicy {
  /** How many attempts may follow the first. */
  readonly limit: number;
  readonly delay: number;
  readonly backoff: number;
  readonly maxDelay: number;
}

/** How a job's fire times become runs. Shared between jobs that have the same one, so it is frozen. Times are integer milliseconds. */
export interface JobPolicy {
  /** How late a run may start; `undefined` for no limit. */
  readonly misfireGraceTime: number | undefined;
  readonly coalesce: Coalesce;
  readonly maxInstances: number;
  readonly overlap: Overlap;
  readonly jitter: number;
  readonly maxRuns: number | undefined;
  readonly timeout: number | undefined;
  readonly retry: RetryPolicy | undefined;
  readonly onCrash: OnCrash;
}

/**
 * - `waiting`: has a next run time, or runs that wait or run.
 * - `paused`: keeps its cursor, takes no part.
 * - `parked`: cannot go on; `reason` says why. Modifying, rescheduling, resuming or registering it anew brings it back.
 * - `ending`: its last fire time is decided, its last run is not over. Hidden.
 * - `finished`: nothing left. A store that is not durable forgets it, a durable one remembers that it ran: for ever if a caller gave its id,
 *   else until a run of it is pruned.
 */
export type JobState = 'waiting' | 'paused' | 'parked' | 'ending' | 'finished';

/** What a caller decides about a job. Everything but `id` can be changed later. */
export interface JobDefinition {
  readonly id: string;
  readonly name: string | undefined;
  readonly task: Task;
  readonly args: readonly unknown[];
  readonly executor: string;
  /** Options of this job that only its executor knows, such as a task engine's `queue`. */
  readonly executorOptions: Readonly<Record<string, unknown>> | undefined;
  readonly policy: JobPolicy;
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
  /** The live trigger, or its JSON as a durable store has it. */
  readonly trigger: Trigger | TriggerJson;
  /** The trigger as last registered by `addJob`, before anchoring or `rescheduleJob`: what registering again is compared with. */
  readonly registration: Trigger | TriggerJson;
}

/** Where a job stands. The cursor, `nextRunTime`, is the nominal time of the next undecided fire time. */
export interface JobProgress {
  readonly nextRunTime: number | undefined;
  /** When the store should hand it out: `nextRunTime` plus jitter; `undefined` while it is paused, parked or done. */
  readonly dueAt: number | undefined;
  readonly state: JobState;
  readonly reason: string | undefined;
  /** Scheduled runs begun, counted against `maxRuns`. */
  readonly runCount: number;
}

/** A job as a store gives it. Flat and without behaviour; the memory store adds a heap position of its own. */
export interface JobRecord extends JobDefinition, JobProgress {
  /** Tells it apart from an earlier job of the same id, and from no other; given by the store. */
  readonly uid: number;
  /** Grows with every change but those of `active` and `queued`; a conditional write names the one it read. */
  readonly version: number;
  /** Runs claimed and not over. Rises only through `fire` and `claim`. */
  readonly active: number;
  /** Runs that wait: queued, manual, between attempts, given back. */
  readonly queued: number;
}

const madeId = /^auto-[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/** An id for a job of a durable store that was added without one. */
export function makeJobId(): string {
  return `auto-${crypto.randomUUID()}`;
}

/** Whether an id was made like this. Nobody registers such a job again, so there is no need to remember for ever that it ran. */
export function isMadeJobId(id: string): boolean {
  return madeId.test(id);
}

/** A job to be stored. */
export interface NewJob extends JobDefinition, JobProgress {}

/** Fields of a job that `update` may set. */
export type JobChanges = Partial<Omit<JobDefinition, 'id'> & JobProgress>;

/** Whether a job is over but for its last runs: nobody is shown it any more. */
export function isHidden(job: Pick<JobRecord, 'state'>): boolean {
  return job.state === 'ending' || job.state === 'finished';
}

/** Whether a stored trigger is live or still JSON. */
export function isLive(trigger: Trigger | TriggerJson): trigger is Trigger {
  return typeof trigger['next'] === 'function';
}
