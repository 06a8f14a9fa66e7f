import type { RetryPolicy } from '../core/job.ts';

/** Celery's names. `PENDING` is also the answer for an id that nobody knows; `exists()` tells the two apart. */
export type TaskStatus = 'PENDING' | 'STARTED' | 'RETRY' | 'SUCCESS' | 'FAILURE' | 'REVOKED';

/** Names, since engines disagree on the direction of numbers. */
export type Priority = 'highest' | 'high' | 'normal' | 'low' | 'lowest';

/** The run of a scheduled job that a task was sent for; the task sees it as its `currentRun()`. */
export interface RunOrigin {
  readonly jobId: string;
  readonly runId: string;
  /** Nominal time, epoch milliseconds. */
  readonly scheduledAt: number;
  /** The scheduler's attempt, 1 for the first. */
  readonly attempt: number;
}

/** How the results of the tasks before a task reach it: the one result, or the list of them, in front of its own arguments. */
export type Feed = 'one' | 'list';

/** A task on its way to a worker. Times are epoch milliseconds, lengths milliseconds. */
export interface TaskMessage {
  /** Unique in the app; the queue can be told from it, see `task-id.ts`. */
  readonly id: string;
  readonly task: string;
  /** What JSON can carry, checked before. */
  readonly args: readonly unknown[];
  readonly queue: string;
  readonly priority: Priority;
  /** The id was chosen by the caller, so that it may have been sent, run or revoked before. */
  readonly idempotent: boolean;
  readonly ignoreResult: boolean;
  readonly eta?: number | undefined;
  readonly expires?: number | undefined;
  /** For this call, over what the worker's registration says. */
  readonly timeout?: number | undefined;
  readonly retry?: RetryPolicy | undefined;
  readonly origin?: RunOrigin | undefined;
}

/** A tree of tasks: the children first, then the task itself, fed with their results in the order given. */
export interface TaskFlow {
  readonly message: TaskMessage;
  readonly feed: Feed | undefined;
  readonly children: readonly TaskFlow[];
}

/** How a task ended. */
export interface TaskEnd {
  readonly id: string;
  readonly status: TaskStatus;
  /** Of a task that ended in `SUCCESS`. A task that returned nothing has `null`. */
  readonly value: unknown;
  /** Why, for `FAILURE`, `REVOKED` and `RETRY`. */
  readonly error: unknown;
}

/** Where a task stands, as the engine knows it. */
export interface TaskState extends TaskEnd {
  /** Attempts begun. */
  readonly attempts: number;
  /** What the task said last with `currentRun().progress(value)`. */
  readonly progress: unknown;
}

/** Why a worker must stop a task it is running. `lost`: another worker may have it by now, so nothing may be written. */
export type StopCause = 'revoked' | 'lost';

/** A task taken from a queue, held by this worker until it is settled. */
export interface Delivery {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  /** The tasks' results before it included. */
  readonly args: readonly unknown[];
  /** 1 for the first attempt. An attempt whose worker died counts once. */
  readonly attempt: number;
  /** Workers that died under it. */
  readonly crashes: number;
  /** When it was sent, or its eta. */
  readonly scheduledAt: number;
  readonly expires: number | undefined;
  readonly timeout: number | undefined;
  readonly retry: RetryPolicy | undefined;
  readonly origin: RunOrigin | undefined;
  /** The reason, if it was revoked before it was taken. */
  readonly revoked: string | undefined;
  /** What is wrong with the message, if no task can be made of it; the other members are then empty. */
  readonly problem: string | undefined;
  progress(value: unknown): void;
  /** Calls back at most once, perhaps at once. */
  onStop(callback: (cause: StopCause, reason: string) => void): void;
}

/** What became of a delivery. A value, never an exception. */
export type Settlement =
  | { readonly kind: 'succeeded'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** Again after `delay` milliseconds. */
  | { readonly kind: 'retry'; readonly error: unknown; readonly delay: number }
  | { readonly kind: 'revoked'; readonly reason: string }
  /** Back to its queue at once, as if it had never been taken. */
  | { readonly kind: 'returned' }
  /** Not ours any more; nothing is written. */
  | { readonly kind: 'lost' };

export interface ConsumeOptions {
  /** Queue names and how many tasks of each to run at once. */
  readonly queues: ReadonlyMap<string, number>;
  /** Never throws or rejects. A task that ends synchronously is settled synchronously. */
  handle(delivery: Delivery): Settlement | Promise<Settlement>;
  /** Trouble that the consumer lives through: a lost connection, a message that could not be read and was set aside. */
  trouble(error: Error): void;
}

/**
 * Takes tasks from queues. `start` resolves when it takes them; `stop` when all it had taken is settled. It waits for a server that is
 * away as long as a task is held, and with `force`, also after a `stop` that waits, for seconds at most: tasks whose settlement did not
 * reach it come to another worker, as if this one had died. `start` ends when the consumer is stopped before the server was there.
 */
export interface Consumer {
  start(): Promise<void>;
  stop(options?: { readonly force?: boolean | undefined }): Promise<void>;
}

/**
 * What carries tasks from apps to workers, and their results back. Laws:
 * - `send` and `sendFlow` resolve when the server has the messages. A message whose id the server knows changes nothing: not what
 *   was sent, not what became of it; nor does an `idempotent` one that was revoked, nor a flow whose root is known.
 * - A task is never taken before its `eta`. Among those waiting in a queue the higher priority goes first, then the older.
 * - Each task is settled by one worker; if a worker dies, another takes its tasks, within 20 seconds by default.
 * - `read` answers `undefined` for an id it does not know (any more). Results expire.
 * - `settled` resolves with a final state (`SUCCESS`, `FAILURE`, `REVOKED`) soon after the task reaches it, whoever runs it, and rejects
 *   with `ResultNotFoundError` if there is nothing to wait for, or with the signal's reason.
 * - `revoke` answers whether there was something to stop. A queued task will not run, a running one is told to stop; its status is
 *   `REVOKED` for every process at once. It stays revoked when its worker dies.
 * - A flow's task runs when all its children have succeeded; when one has not, it fails, with that child's error, and never waits for ever.
 * - What it cannot do is refused at once with `EngineUnsupportedError`.
 * - A server that is away makes calls fail with `TaskEngineError` after a bounded time; `settled` and consumers wait for it to come back.
 * - `close` frees everything, may be called twice, and the engine can be used again.
 */
export interface TaskEngine {
  /** What it is, for messages. */
  readonly name: string;
  send(messages: readonly TaskMessage[]): Promise<void>;
  sendFlow(flow: TaskFlow): Promise<void>;
  read(id: string): Promise<TaskState | undefined>;
  settled(id: string, signal?: AbortSignal): Promise<TaskEnd>;
  revoke(id: string, reason: string): Promise<boolean>;
  consume(options: ConsumeOptions): Consumer;
  close(): Promise<void>;
}

/** Whether a task with this status has ended. */
export function isFinal(status: TaskStatus): boolean {
  return status === 'SUCCESS' || status === 'FAILURE' || status === 'REVOKED';
}
