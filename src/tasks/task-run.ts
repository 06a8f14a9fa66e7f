import type { Cancel } from '../core/clock.ts';
import type { RunRequest } from '../core/executor.ts';
import type { Logger } from '../core/logger.ts';
import type { Task } from '../core/task.ts';
import type { Delivery } from './engine.ts';

/** Why a run of a task was told to stop. `stopping`: its worker is told to end at once. */
export type AbortCause = 'timeout' | 'revoked' | 'lost' | 'stopping';

/** One attempt of a task on this worker, as its executor sees it. What costs something is made when first read. */
export class TaskRun implements RunRequest {
  readonly delivery: Delivery;
  readonly task: Task;
  stopCause: AbortCause | undefined;
  readonly #logger: Logger;
  #reason: Error | undefined;
  #controller: AbortController | undefined;
  #listener: ((reason: unknown) => void) | undefined;
  #log: Logger | undefined;

  constructor(delivery: Delivery, task: Task, logger: Logger) {
    this.delivery = delivery;
    this.task = task;
    this.#logger = logger;
  }

  /** The scheduler's job, if one sent it; else the task's name. */
  get jobId(): string {
    return this.delivery.origin?.jobId ?? this.task.name;
  }

  /** The scheduler's run, if one sent it; else the task's id. */
  get runId(): string {
    return this.delivery.origin?.runId ?? this.delivery.id;
  }

  get scheduledAt(): number {
    return this.delivery.origin?.scheduledAt ?? this.delivery.scheduledAt;
  }

  get attempt(): number {
    return this.delivery.attempt;
  }

  get args(): readonly unknown[] {
    return this.delivery.args;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  onAbort(callback: (reason: unknown) => void): Cancel {
    if (this.#reason !== undefined) {
      callback(this.#reason);
      return () => {};
    }
    this.#listener = callback;
    return () => {
      this.#listener = undefined;
    };
  }

  /** The first cause stands; a later one changes nothing. */
  abort(cause: AbortCause, reason: Error): void {
    if (this.#reason !== undefined) return;
    this.stopCause = cause;
    this.#reason = reason;
    this.#controller?.abort(reason);
    this.#listener?.(reason);
  }

  get abortReason(): Error | undefined {
    return this.#reason;
  }

  get log(): Logger {
    if (this.#log === undefined) {
      const logger = this.#logger;
      const facts = { task: this.task.name, taskId: this.delivery.id };
      this.#log = {
        debug: (more, message) => logger.debug({ ...facts, ...more }, message),
        info: (more, message) => logger.info({ ...facts, ...more }, message),
        warn: (more, message) => logger.warn({ ...facts, ...more }, message),
        error: (more, message) => logger.error({ ...facts, ...more }, message),
      };
    }
    return this.#log;
  }

  progress(value: unknown): void {
    this.delivery.progress(value);
  }
}
