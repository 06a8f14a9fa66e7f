import { inspect } from 'node:util';
import type { Clock } from '../core/clock.ts';
import { InvalidOptionError } from '../errors.ts';
import { type DurationInput, parseDuration } from '../time/duration.ts';
import { isFinal, type TaskEnd, type TaskEngine, type TaskState, type TaskStatus } from './engine.ts';
import { ResultTimeoutError } from './errors.ts';
import { checkNames } from './task-options.ts';

/** How long to wait for a result; without a timeout, until there is one. */
export interface GetOptions {
  readonly timeout?: DurationInput | undefined;
}

/** What a result needs of its app. */
export interface ResultSource {
  readonly engine: TaskEngine;
  readonly clock: Clock;
}

/** A task that was sent: a handle on where it stands and what it returns. It holds nothing but the id, and can be made anew from it anywhere. */
export class AsyncResult<Result = unknown> {
  static {
    // What console.log shows; a computed member would have no declared type.
    Object.defineProperty(AsyncResult.prototype, inspect.custom, { value: AsyncResult.prototype.toString });
  }

  readonly id: string;
  readonly #source: ResultSource;

  constructor(id: string, source: ResultSource) {
    this.id = id;
    this.#source = source;
  }

  /** Where it stands; `PENDING` also for an id that the engine does not know. */
  async status(): Promise<TaskStatus> {
    const state = await this.#source.engine.read(this.id);
    return state?.status ?? 'PENDING';
  }

  /** Status, value or error, attempts and progress in one answer; `undefined` if the engine does not know the id (any more). */
  info(): Promise<TaskState | undefined> {
    return this.#source.engine.read(this.id);
  }

  /** Whether the engine knows the id: sent, and its result not expired. */
  async exists(): Promise<boolean> {
    return (await this.#source.engine.read(this.id)) !== undefined;
  }

  /** Whether it has ended, in whatever way. */
  async ready(): Promise<boolean> {
    return isFinal(await this.status());
  }

  /**
   * What the task returned, once it has; `null` if it returned nothing.
   * @throws the task's own error, with its name, message, code and stack, if it failed for good
   * @throws TaskRevokedError, TaskChildError (something before it in a chain or chord failed), ResultTimeoutError, ResultNotFoundError
   */
  async get(options: GetOptions = {}): Promise<Result> {
    checkNames(options, ['timeout'] satisfies (keyof GetOptions)[]);
    const { timeout } = options;
    if (timeout === undefined) return this.#value(await this.#source.engine.settled(this.id));
    const ms = parseDuration(timeout, 'timeout', { allowZero: true });
    const patience = new AbortController();
    const cancel = this.#source.clock.wakeAfter(ms, () => patience.abort(new ResultTimeoutError(this.id, ms)));
    try {
      return this.#value(await this.#source.engine.settled(this.id, patience.signal));
    } finally {
      cancel();
    }
  }

  /**
   * Stops it: a queued task will not run; a running one has its signal aborted, and its thread ended if it is a module task.
   * Answers whether there was something to stop: not if it had ended or is unknown.
   */
  async revoke(options: { readonly reason?: string | undefined } = {}): Promise<boolean> {
    checkNames(options, ['reason']);
    const { reason = 'revoked' } = options;
    if (typeof reason !== 'string' || reason === '') throw new InvalidOptionError('reason', reason, 'a text that is not empty');
    return this.#source.engine.revoke(this.id, reason);
  }

  #value(state: TaskEnd): Result {
    if (state.status !== 'SUCCESS') throw state.error;
    // The worker's JSON, of the type that the task is declared to return.
    return state.value as Result;
  }

  toString(): string {
    return `<AsyncResult: ${this.id}>`;
  }
}
