import type { QueueEvents, QueueEventsListener } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Cancel, Clock } from '../../core/clock.ts';
import { isFinal, type TaskEnd, type TaskState } from '../engine.ts';
import { ResultNotFoundError, TaskEngineError } from '../errors.ts';
import type { OwnKeys } from './keys.ts';

/** What a watch needs of its engine. */
export interface WatchSource {
  readonly queue: string;
  readonly keys: OwnKeys;
  readonly clock: Clock;
  /** The connection for questions. */
  readonly redis: Redis;
  /** Listens to the queue's events, from the given one on. */
  listen(queue: string, lastEventId: string): QueueEvents;
  read(id: string): Promise<TaskState | undefined>;
  trouble(error: Error): void;
}

interface Waiter {
  resolve(end: TaskEnd): void;
  reject(error: unknown): void;
}

/** The events of a queue that end a wait. `revoked` is ours, put among BullMQ's own. */
interface RevokedEvent extends QueueEventsListener {
  revoked: (payload: { jobId: string }, id: string) => void;
}

/**
 * Waits for the results of one queue's tasks. One connection reads the queue's events for all of them. As events can be missed (the
 * stream is bounded, and a server may lose its newest), those still waiting are looked at every now and then as well.
 */
export class ResultWatch {
  readonly #source: WatchSource;
  readonly #waiting: Map<string, Set<Waiter>> = new Map();
  /** Ids that were not there when last looked for. An event may still be under way, so one look is not enough. */
  readonly #missing: Set<string> = new Set();
  #events: Promise<QueueEvents> | undefined;
  /** The same, as soon as there is something to close. */
  #opened: QueueEvents | undefined;
  #cancelSweep: Cancel | undefined;
  #closed = false;

  constructor(source: WatchSource) {
    this.#source = source;
  }

  wait(id: string, signal: AbortSignal | undefined): Promise<TaskEnd> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      const onAbort = (): void => {
        this.#forget(id, waiter);
        reject(signal?.reason);
      };
      const done = (): void => signal?.removeEventListener('abort', onAbort);
      const waiter: Waiter = {
        resolve: (end) => {
          done();
          resolve(end);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#remember(id, waiter);
      this.#listening().then(
        () => this.#firstLook(id),
        (error: unknown) => this.#fail(id, error),
      );
    });
  }

  /** Fails what waits, at once. Resolves when the connections are ended, by this or by their owner. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelSweep?.();
    const error = new TaskEngineError('BullMQ', 'waiting for a result', 'the engine was closed');
    for (const id of [...this.#waiting.keys()]) this.#fail(id, error);
    await this.#opened?.close().catch(this.#source.trouble);
  }

  #remember(id: string, waiter: Waiter): void {
    const waiters = this.#waiting.get(id);
    if (waiters === undefined) this.#waiting.set(id, new Set([waiter]));
    else waiters.add(waiter);
    this.#cancelSweep ??= this.#source.clock.wakeAfter(sweepPause, () => void this.#sweep());
  }

  #forget(id: string, waiter: Waiter): void {
    const waiters = this.#waiting.get(id);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#waiting.delete(id);
  }

  #take(id: string): readonly Waiter[] {
    const waiters = this.#waiting.get(id);
    this.#waiting.delete(id);
    this.#missing.delete(id);
    return waiters === undefined ? [] : [...waiters];
  }

  #end(end: TaskEnd): void {
    for (const waiter of this.#take(end.id)) waiter.resolve(end);
  }

  #fail(id: string, error: unknown): void {
    for (const waiter of this.#take(id)) waiter.reject(error);
  }

  /** Events from now on. Where they stand is asked before, so that none falls between the question and the first answer. */
  #listening(): Promise<QueueEvents> {
    this.#events ??= this.#listen().catch((error: unknown) => {
      this.#events = undefined;
      throw error;
    });
    return this.#events;
  }

  async #listen(): Promise<QueueEvents> {
    const { queue, redis, keys, trouble } = this.#source;
    const [newest] = await redis.xrevrange(`${keys.queue(queue)}:events`, '+', '-', 'COUNT', 1);
    if (this.#closed) throw new TaskEngineError('BullMQ', 'waiting for a result', 'the engine was closed');
    const events = this.#source.listen(queue, newest?.[0] ?? '0-0');
    this.#opened = events;
    events.on('error', trouble);
    events.on('completed', ({ jobId, returnvalue }) => {
      if (this.#waiting.has(jobId)) this.#end({ id: jobId, status: 'SUCCESS', value: returnvalue, error: undefined });
    });
    const look = ({ jobId }: { jobId: string }): void => {
      if (this.#waiting.has(jobId)) void this.#look(jobId, true);
    };
    events.on('failed', look);
    events.on('removed', look);
    events.on<RevokedEvent, 'revoked'>('revoked', look);
    await events.waitUntilReady();
    void this.#read(events);
    return events;
  }

  /** One event that cannot be read must not end the reading of all that follow. */
  async #read(events: QueueEvents): Promise<void> {
    while (!this.#closed) {
      try {
        await events.run();
        return;
      } catch (error) {
        if (this.#closed) return;
        this.#source.trouble(error instanceof Error ? error : new Error(String(error)));
        await new Promise<void>((resolve) => this.#source.clock.wakeAfter(sweepPause, resolve));
      }
    }
  }

  /** Most tasks have not ended when somebody begins to wait, so the cheaper question comes first. */
  async #firstLook(id: string): Promise<void> {
    const changed = await this.#changed([id]).catch(() => [id]);
    if (changed.length > 0) await this.#look(id, true);
  }

  async #look(id: string, sure: boolean): Promise<void> {
    try {
      const state = await this.#source.read(id);
      if (state !== undefined && isFinal(state.status)) this.#end(state);
      else if (state === undefined && (sure || this.#missing.has(id))) this.#fail(id, new ResultNotFoundError(id));
      else if (state === undefined) this.#missing.add(id);
    } catch (error) {
      // A server that is away may come back; the next sweep asks again.
      if (!(error instanceof TaskEngineError)) this.#fail(id, error);
    }
  }

  async #sweep(): Promise<void> {
    const ids = [...this.#waiting.keys()].slice(0, sweepSize);
    try {
      const found = ids.length === 0 ? [] : await this.#changed(ids);
      await Promise.all(found.map((id) => this.#look(id, false)));
    } catch (error) {
      this.#source.trouble(error instanceof Error ? error : new Error(String(error)));
    }
    for (const id of ids) {
      // To the end of the line, so that every one has its turn.
      const waiters = this.#waiting.get(id);
      if (waiters !== undefined && this.#waiting.delete(id)) this.#waiting.set(id, waiters);
    }
    const again = this.#waiting.size > 0 && !this.#closed;
    this.#cancelSweep = again ? this.#source.clock.wakeAfter(sweepPause, () => void this.#sweep()) : undefined;
  }

  /** Those that ended, were revoked, or are gone: asked of the server for all at once. */
  async #changed(ids: readonly string[]): Promise<readonly string[]> {
    const { redis, keys, queue } = this.#source;
    const pipeline = redis.pipeline();
    for (const id of ids) pipeline.hmget(keys.job(queue, id), 'timestamp', 'finishedOn').exists(keys.revoked(id));
    const answers = (await pipeline.exec()) ?? [];
    return ids.filter((_, index) => {
      const job: unknown = answers[index * 2]?.[1];
      const [timestamp, finishedOn]: readonly unknown[] = Array.isArray(job) ? job : [];
      return timestamp == null || finishedOn != null || answers[index * 2 + 1]?.[1] === 1;
    });
  }
}

/** Milliseconds between looks at those that wait, and how many are looked at in one. */
const sweepPause = 1_000;
const sweepSize = 1_000;
