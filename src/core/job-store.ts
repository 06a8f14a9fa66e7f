import type { JobChanges, JobProgress, JobRecord, NewJob } from './job.ts';
import type { ClaimedRun, NewRun } from './run.ts';
import type { Awaitable, Claimant, Room } from './store.ts';

export type OnConflict = 'replace' | 'keep' | 'error';

export interface AddOptions {
  readonly onConflict: OnConflict;
  /** The caller's own transaction, as the store's driver has it: the rows are visible if and only if it commits. */
  readonly transaction?: unknown;
}

/** What became of a job given to `add`. `kept`: the stored one stands as it was, and is what `job` shows. */
export interface Added {
  readonly outcome: 'added' | 'replaced' | 'kept' | 'conflict';
  readonly job: JobRecord;
}

/** One job's step: where its cursor goes and which runs that leaves behind. */
export interface Fire extends JobProgress {
  /** As read; the step is refused unless the stored job still has this uid and version. */
  readonly job: JobRecord;
  readonly runs: readonly NewRun[];
  /** Ask the job's running runs to stop, and record its waiting scheduled ones as `skipped`, before the new ones are recorded. */
  readonly cancelRunning: boolean;
}

/** What became of one step. */
export interface Fired {
  readonly won: boolean;
  /** Those recorded as `running`, held by the caller from now on. */
  readonly started: readonly ClaimedRun[];
  /** Ids of all runs recorded, in the order given; absent for one whose key was taken. */
  readonly recorded: readonly (string | undefined)[];
}

/** The earliest moments at which there will be something to do; `undefined` for never. Times are the store's. */
export interface NextDue {
  readonly now: number;
  readonly jobs: number | undefined;
  /** Waiting runs that fall due, and claims that run out. */
  readonly runs: number | undefined;
}

export interface DueJobs {
  readonly now: number;
  readonly jobs: readonly JobRecord[];
}

/**
 * The schedule. Laws:
 * - `add`: a new id is stored. On a conflict `error` stores nothing of the whole list and answers `conflict` for the jobs that stood in the way;
 *   `keep` leaves the stored job; `replace` takes the new definition, and where the new registration equals the stored one (as JSON) keeps
 *   trigger, cursor, state, reason and run count (a finished job then stays finished and is `kept`; a parked one waits again);
 *   where it differs, the new progress replaces the old. `uid`, `active` and `queued` of a stored job stay, unless it was finished
 *   and registered with another trigger: then it is a new job with a new uid.
 * - `update` writes only if the version matches and then answers with the stored job, else `undefined`.
 * - `remove` takes ids, or nothing for all; answers with those that were there (finished ones too); records their waiting runs as `cancelled`.
 *   Runs under way go on.
 * - `get` also knows ending and finished jobs; `list` gives those that are waiting, paused or parked, ordered by next run time, those
 *   without one last, ties by id.
 * - `due` gives jobs whose `dueAt` has come by the store's clock, in that order, at most as many per executor as it has room for, and leaves
 *   out a job with `coalesce: 'all'` that has `maxInstances` active runs or more. It changes nothing that another process could see.
 * - `fire`, for each job still at its version, in one atomic step: moves the cursor and records the runs, unique by id; of two rows with one id the first stands
 *   and the cursor still moves. Recording a `running` one raises `active`; a step that would raise it over `maxInstances` is refused whole. State `ending` becomes `finished` as soon as no run waits or runs: a store that is not durable then forgets the job.
 */
export interface JobStore {
  add(jobs: readonly NewJob[], options: AddOptions): Awaitable<readonly Added[]>;
  update(job: JobRecord, changes: JobChanges): Awaitable<JobRecord | undefined>;
  remove(ids?: readonly string[]): Awaitable<readonly string[]>;
  get(id: string): Awaitable<JobRecord | undefined>;
  list(): Awaitable<readonly JobRecord[]>;
  due(room: Room): Awaitable<DueJobs>;
  nextDue(room: Room): Awaitable<NextDue>;
  fire(batch: readonly Fire[], claimant: Claimant): Awaitable<readonly Fired[]>;
}
