import type { Cancel } from './clock.ts';
import type { Logger } from './logger.ts';
import type { Task } from './task.ts';

/** One execution, as an executor sees it. Members that cost something to make are made when first read. */
export interface RunRequest {
  readonly jobId: string;
  readonly runId: string;
  /** Nominal time in epoch milliseconds. */
  readonly scheduledAt: number;
  /** IANA zone in which the task sees that time; the system's if absent. */
  readonly timezone?: string | undefined;
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly task: Task;
  readonly args: readonly unknown[];
  /** Aborts on timeout, cancellation, shutdown's deadline and a lost lease; its reason is the error to report. */
  readonly signal: AbortSignal;
  /**
   * Calls back once with the reason when the signal aborts, at once if it has: for executors, so that a signal
   * is only made for the task that reads it. Absent means: listen to `signal`.
   */
  onAbort?(callback: (reason: unknown) => void): Cancel;
  /** Why it was aborted, once it is: after `shutdown` and `lost-lease` the run may go on in another process. */
  readonly abortCause?: 'timeout' | 'cancel' | 'shutdown' | 'lost-lease' | undefined;
  readonly log: Logger;
  /** Executor options of the job that only this executor knows, such as `queue` and `priority` of a task engine. */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
  /** Notes how far the run is; kept with the run. */
  progress(value: unknown): void;
}

/** How an execution ended. A value, never an exception. */
export type RunResult = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown };

/**
 * What runs a run. It counts nothing, judges nothing, emits nothing. Laws:
 * - `run` never throws and never rejects; each call ends in exactly one result, also when the task's host dies.
 * - After `request.signal` aborts, it ends within the executor's grace; what the task itself could not be
 *   stopped from doing is then ignored.
 * - `close` ends what is still running, each with a reason, frees everything and may be called twice.
 * - The executor may be used again after `close`: what it needs is made when first used.
 */
export interface Executor {
  /** How many runs it takes at once; `Infinity` for no limit. */
  readonly capacity: number;
  /** Said at `addJob`: why this executor cannot run that task, or `undefined` if it can. */
  refuses?(task: Task): string | undefined;
  /** Said at `addJob` and `modifyJob`: throws for arguments, or options of its own, that no run of that task could be made of. */
  check?(task: Task, args: readonly unknown[], options: Readonly<Record<string, unknown>> | undefined): void;
  run(request: RunRequest): RunResult | Promise<RunResult>;
  close(): Promise<void>;
}
