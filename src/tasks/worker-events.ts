/** What a worker tells: one payload object an event. Listeners that throw are logged, and stop nothing. */
export interface WorkerEvents {
  /** It takes tasks now. */
  workerStarted: { readonly queues: readonly string[] };
  /** All it had taken is settled. */
  workerStopped: { readonly queues: readonly string[] };
  taskStarted: TaskEvent;
  taskSucceeded: TaskEvent & { readonly value: unknown };
  /** Failed for good. */
  taskFailed: TaskEvent & { readonly error: unknown };
  /** Failed, and will be tried again after `delay` milliseconds. */
  taskRetrying: TaskEvent & { readonly error: unknown; readonly delay: number };
  taskRevoked: TaskEvent & { readonly reason: string };
  /** Given back to its queue, because the worker stops. */
  taskReturned: TaskEvent;
  /** Trouble that the worker lives through, such as a lost connection. */
  workerError: { readonly error: Error };
}

export interface TaskEvent {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  readonly attempt: number;
}
