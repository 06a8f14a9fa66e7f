import { availableParallelism } from 'node:os';
import { createSystemClock } from '../clocks/system-clock.ts';
import type { Cancel, Clock } from '../core/clock.ts';
import type { Executor, RunRequest, RunResult } from '../core/executor.ts';
import type { Task } from '../core/task.ts';
import { InvalidOptionError, RunCancelledError } from '../errors.ts';
import { checkCloneable } from './cloneable.ts';
import { onAbort } from './on-abort.ts';
import { type PoolPort, PoolWorker, type TaskRef, type Ticket } from './pool-worker.ts';
import { startWorker, type WorkerSettings } from './start-worker.ts';

export interface ThreadsOptions extends WorkerSettings {
  /** Workers that stay once they were started; default 0. */
  readonly min?: number | undefined;
  /** Workers at most, and so runs at once; default: as many as the machine runs in parallel. */
  readonly max?: number | undefined;
  /** Milliseconds after which an idle worker above `min` is ended; default 30,000. */
  readonly idleTimeout?: number | undefined;
  /** Milliseconds a task has to stop by itself after its signal aborted, before its thread is ended; default 500. */
  readonly abortGrace?: number | undefined;
  /** Default: a clock of its own whose timers keep no process alive. */
  readonly clock?: Clock | undefined;
}

/** A run that came when every worker was busy. */
interface Waiting {
  readonly ticket: Ticket;
  cancelListening: Cancel;
  over: boolean;
}

/**
 * Runs module tasks in worker threads, one run a thread at a time. Threads are started when runs need them, up to
 * `max`, and kept for the next run; one that dies is replaced when it is missed. Arguments and results are cloned.
 *
 *   run() -> an idle worker, the latest used first | a new worker | the queue
 *   a worker becomes free -> the queue's first | idle
 */
export class ThreadsExecutor implements Executor {
  readonly capacity: number;
  readonly #min: number;
  readonly #idleTimeoutMs: number;
  readonly #abortGraceMs: number;
  readonly #clock: Clock;
  readonly #settings: WorkerSettings;
  readonly #workers: Set<PoolWorker> = new Set();
  /** The longest idle first. */
  readonly #idle: PoolWorker[] = [];
  #queue: Waiting[] = [];
  #queueHead = 0;
  readonly #refs: Map<string, Map<string, TaskRef>> = new Map();
  #refCount = 0;
  #cancelShrink: Cancel | undefined;

  constructor(options: ThreadsOptions = {}) {
    const {
      min = 0,
      max = Math.max(availableParallelism(), min),
      idleTimeout = 30_000,
      abortGrace = 500,
      clock = ownClock(),
      ...settings
    } = options;
    wholeNumber('threads.max', max, 1);
    wholeNumber('threads.min', min, 0);
    if (min > max) throw new InvalidOptionError('threads.min', min, `at most threads.max, which is ${max}`);
    duration('threads.idleTimeout', idleTimeout);
    duration('threads.abortGrace', abortGrace);
    this.capacity = max;
    this.#min = min;
    this.#idleTimeoutMs = idleTimeout;
    this.#abortGraceMs = abortGrace;
    this.#clock = clock;
    this.#settings = settings;
  }

  /** How many threads there are now, without those on their way out. */
  get size(): number {
    return [...this.#workers].filter((worker) => worker.usable).length;
  }

  refuses(task: Task): string | undefined {
    const { target, name } = task;
    if (target?.kind === 'module') return undefined;
    if (target?.kind !== 'function')
      return `task ${JSON.stringify(name)} has no module in this process: it was declared for other processes to run`;
    return (
      `a module reference: a function cannot be sent to a worker thread, so export it from a module and give its URL with the export's name, ` +
      `as in new URL('./file.js#${target.fn.name || 'exportName'}', import.meta.url)`
    );
  }

  check(_task: Task, args: readonly unknown[]): void {
    checkCloneable(args);
  }

  run(request: RunRequest): RunResult | Promise<RunResult> {
    const { task } = request;
    if (task.target?.kind !== 'module') {
      return { ok: false, error: new InvalidOptionError('task', task.name, this.refuses(task) ?? 'a module') };
    }
    const ref = this.#ref(task.target.url, task.target.exportName);
    return new Promise((resolve) => this.#dispatch({ request, task: ref, resolve }));
  }

  /** Aborts what is running, gives each its grace, and ends every thread. The next run starts anew. */
  async close(): Promise<void> {
    const error = new RunCancelledError('its executor was closed');
    const waiting = this.#queue.slice(this.#queueHead);
    this.#queue = [];
    this.#queueHead = 0;
    for (const one of waiting) endWaiting(one, error);
    this.#cancelShrink?.();
    this.#cancelShrink = undefined;
    this.#idle.length = 0;
    this.#refs.clear();
    const workers = [...this.#workers];
    for (const worker of workers) worker.abort(error);
    await Promise.all(workers.map((worker) => worker.retire()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #dispatch(ticket: Ticket): void {
    const worker = this.#takeIdle() ?? this.#grow(ticket);
    if (worker !== undefined) this.#give(worker, ticket);
  }

  /** The one used last, so that the others grow old enough to be ended. One may be on its way out without having left yet. */
  #takeIdle(): PoolWorker | undefined {
    let worker = this.#idle.pop();
    while (worker !== undefined && !worker.usable) worker = this.#idle.pop();
    return worker;
  }

  /** Gives a free worker its next run, or the first of those after it that can be sent. */
  #give(worker: PoolWorker, ticket: Ticket | undefined): void {
    for (let next = ticket; next !== undefined; next = this.#next()) {
      const failed = worker.start(next);
      if (failed === undefined) return;
      next.resolve(failed);
    }
    this.#rest(worker);
  }

  /** A new worker; or none, with the run put into the queue, or ended because no thread can be started. */
  #grow(ticket: Ticket): PoolWorker | undefined {
    if (this.#workers.size >= this.capacity) {
      this.#wait(ticket);
      return undefined;
    }
    try {
      while (this.#workers.size + 1 < this.#min) this.#rest(this.#startWorker());
      return this.#startWorker();
    } catch (error) {
      ticket.resolve({ ok: false, error });
      return undefined;
    }
  }

  #startWorker(): PoolWorker {
    const thread = startWorker(this.#settings);
    const worker = new PoolWorker({ thread, clock: this.#clock, abortGraceMs: this.#abortGraceMs, pool: this.#port });
    this.#workers.add(worker);
    return worker;
  }

  readonly #port: PoolPort = {
    freed: (worker) => this.#give(worker, this.#next()),
    gone: (worker, unbegun) => {
      this.#workers.delete(worker);
      const at = this.#idle.indexOf(worker);
      if (at >= 0) this.#idle.splice(at, 1);
      this.#letGo();
      const next = unbegun ?? this.#next();
      if (next !== undefined) this.#dispatch(next);
    },
  };

  #rest(worker: PoolWorker): void {
    worker.idleSince = this.#clock.monotonic();
    this.#idle.push(worker);
    this.#letGo();
    if (this.#cancelShrink === undefined && this.#workers.size > this.#min) this.#shrinkAfter(this.#idleTimeoutMs);
  }

  /** One busy worker keeps the process alive for all, so that those of a busy pool are not let go and held again each run. */
  #letGo(): void {
    if (this.#idle.length < this.#workers.size) return;
    for (const worker of this.#idle) worker.letGo();
  }

  #shrinkAfter(ms: number): void {
    this.#cancelShrink = this.#clock.wakeAfter(ms, () => {
      this.#cancelShrink = undefined;
      this.#shrink();
    });
  }

  /** Ends what was idle for long enough; one timer serves all, so that a busy pool touches none for a run. */
  #shrink(): void {
    for (let spare = this.#workers.size - this.#min; spare > 0; spare--) {
      const oldest = this.#idle[0];
      if (oldest === undefined) return;
      const left = oldest.idleSince + this.#idleTimeoutMs - this.#clock.monotonic();
      if (left > 0) {
        this.#shrinkAfter(left);
        return;
      }
      this.#idle.shift();
      void oldest.retire();
    }
  }

  #wait(ticket: Ticket): void {
    const waiting: Waiting = { ticket, cancelListening: () => {}, over: false };
    this.#queue.push(waiting);
    waiting.cancelListening = onAbort(ticket.request, (reason) => endWaiting(waiting, reason));
  }

  #next(): Ticket | undefined {
    for (;;) {
      const first = this.#queue[this.#queueHead];
      if (first === undefined) {
        this.#queue = [];
        this.#queueHead = 0;
        return undefined;
      }
      this.#queueHead++;
      // Drops the front by halves, which costs each run a constant share.
      if (this.#queueHead > 64 && this.#queueHead * 2 > this.#queue.length) {
        this.#queue = this.#queue.slice(this.#queueHead);
        this.#queueHead = 0;
      }
      if (first.over) continue;
      first.over = true;
      first.cancelListening();
      return first.ticket;
    }
  }

  #ref(url: string, exportName: string): TaskRef {
    let exports = this.#refs.get(url);
    if (exports === undefined) {
      exports = new Map();
      this.#refs.set(url, exports);
    }
    let ref = exports.get(exportName);
    if (ref === undefined) {
      ref = { number: this.#refCount++, url, exportName };
      exports.set(exportName, ref);
    }
    return ref;
  }
}

function endWaiting(waiting: Waiting, error: unknown): void {
  if (waiting.over) return;
  waiting.over = true;
  waiting.cancelListening();
  waiting.ticket.resolve({ ok: false, error });
}

function ownClock(): Clock {
  const clock = createSystemClock();
  clock.keepAlive?.(false);
  return clock;
}

function wholeNumber(option: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) throw new InvalidOptionError(option, value, `a whole number from ${least}`);
}

function duration(option: string, value: number): void {
  if (!(value >= 0)) throw new InvalidOptionError(option, value, 'a duration of 0 or more');
}
