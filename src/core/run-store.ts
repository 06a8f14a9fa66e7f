import type { ClaimedRun, Finish, RunRecord, RunState } from './run.ts';
import type { Awaitable, Claimant, Room } from './store.ts';

export interface RunFilter {
  readonly jobId?: string | undefined;
  readonly outcome?: readonly RunState[] | undefined;
  readonly id?: string | undefined;
  /** Bounds on `scheduledAt`, inclusive, epoch milliseconds. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly limit: number;
  /** Where the last page ended. */
  readonly cursor?: string | undefined;
}

export interface RunPage {
  readonly runs: readonly RunRecord[];
  readonly cursor: string | undefined;
}

export interface Claimed {
  readonly now: number;
  readonly runs: readonly ClaimedRun[];
}

export interface Pulse {
  /** Runs of this owner that someone asked to stop. */
  readonly cancel: readonly string[];
  /** Runs this owner no longer holds. */
  readonly lost: readonly string[];
}

/** What there is to keep of runs that are over: the newest `count` of each job (of all jobs together in memory), none older than `age` milliseconds. */
export interface KeepRuns {
  readonly count: number | undefined;
  readonly age: number | undefined;
}

/** Whether the end of a run was taken; or why it is cancelled, if it was to wait again and is over instead. */
export type Taken = boolean | { readonly cancelled: string };

/**
 * The runs. Laws:
 * - `claim` hands out waiting runs whose due time has come, unless their job has `maxInstances` active runs, and runs whose claim ran out
 *   (their `crashes` one higher), by due time, at most as many per executor as it has room for. Each comes with a fence higher than
 *   any before. A run whose job is gone is handed out whatever the room, without a job, to be recorded as lost.
 * - `finish` answers for each whether it was taken. A write with an older fence is refused and changes nothing; the same write again is taken again.
 *   What should wait again although it was asked to stop, or although its job is gone, is cancelled, with the reason of that.
 *   A final outcome, and a return to `waiting`, lowers the job's `active` by one.
 * - `heartbeat` prolongs all claims of the owner to the store's now + lease, notes progress, and tells what was asked of it meanwhile.
 * - `cancel` records a waiting run as `cancelled` (`'cancelled'`), marks a running one for its owner's next heartbeat (`'requested'`),
 *   and answers `undefined` for one that is over or unknown.
 * - `list` gives runs newest first: by `scheduledAt`, then by id, both descending.
 * - `prune` removes a bounded number of runs that are over and past what is to be kept; answers how many went. With a run goes its job, if that is
 *   finished and its id was made for it (`isMadeJobId`).
 */
export interface RunStore {
  claim(room: Room, claimant: Claimant): Awaitable<Claimed>;
  finish(list: readonly Finish[]): Awaitable<readonly Taken[]>;
  heartbeat(claimant: Claimant, progress: ReadonlyMap<string, unknown>): Awaitable<Pulse>;
  cancel(id: string, reason: string): Awaitable<'cancelled' | 'requested' | undefined>;
  list(filter: RunFilter): Awaitable<RunPage>;
  prune(): Awaitable<number>;
}
