import type { Cancel, Clock } from './clock.ts';
import type { JobStore } from './job-store.ts';
import type { Logger } from './logger.ts';
import type { RunRecord } from './run.ts';
import type { RunStore } from './run-store.ts';

/** A value, or a promise of it: a store in memory answers at once. */
export type Awaitable<T> = T | Promise<T>;

/** What a store is told when it opens. */
export interface StoreContext {
  /** Its name in this scheduler. */
  readonly alias: string;
  /** This process's clock. A shared store judges time by its own server's. */
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told of a run that the store ended by itself: superseded by a later fire time, or cancelled with its job. A store in memory tells of each. */
  ended?(run: RunRecord): void;
}

/** Who claims, and for how long without a heartbeat. */
export interface Claimant {
  /** Unique per scheduler instance and start. */
  readonly owner: string;
  /** Milliseconds. */
  readonly lease: number;
}

/** What the caller can take now. */
export interface Room {
  /** How many more runs each executor takes; one that is not named takes none. */
  readonly executors: ReadonlyMap<string, number>;
  /** Names of the tasks this process knows; `undefined` for all. A durable store leaves the others for other processes. */
  readonly tasks: readonly string[] | undefined;
  /** At most so many rows in one answer. */
  readonly limit: number;
  /** For `nextDue` of a durable store: jobs that are due by this time of the store are known, and what is asked for is the next one after them. */
  readonly jobsAfter?: number | undefined;
}

/** What a durable store holds that is not simply waiting for its time. */
export interface StoreSurvey {
  /** Jobs that cannot go on, and why; those whose rows cannot be read are among them. */
  readonly parked: readonly { readonly id: string; readonly reason: string }[];
  /** Jobs that a newer release has written, which this one leaves alone. */
  readonly newer: readonly string[];
  /** How many jobs each task has that are not over. */
  readonly tasks: ReadonlyMap<string, number>;
  /** The same for each executor. */
  readonly executors: ReadonlyMap<string, number>;
  /** Those of them whose task is not known, some thousand at most, by task and id. */
  readonly unknown?: readonly { readonly id: string; readonly task: string }[];
}

/**
 * Where jobs and runs live. Laws:
 * - `open` may be called again after `close`; a durable store then has all it had.
 * - Every other call may fail with the driver's error; whoever calls waits and tries again. A step that failed half-way
 *   has done all of its work or none.
 * - `watch` calls `wake` when something may have become due that this process did not cause; it may call too often, and where it cannot
 *   know, `pollInterval` says how often to look. `wake(time)` says when to look at the latest; `wake()` now.
 */
export interface Store {
  /** Rows outlive the process: every recurring job needs an id, tasks go by name, arguments are JSON. */
  readonly durable: boolean;
  /** Milliseconds between looks, where other processes may change the store; twice that while nothing is due within a minute. `undefined` where none can. */
  readonly pollInterval: number | undefined;
  /** Milliseconds a claim holds without a heartbeat. */
  readonly lease: number;
  readonly jobs: JobStore;
  readonly runs: RunStore;
  open(context: StoreContext): Awaitable<void>;
  close(): Awaitable<void>;
  watch(wake: (time?: number) => void): Cancel;
  /** Changes nothing. `tasks` are the names that are known; all, if they are not given. Absent where `list` shows all there is. */
  health?(tasks?: readonly string[]): Awaitable<StoreSurvey>;
}
