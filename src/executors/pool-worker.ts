import type { Worker } from 'node:worker_threads';
import type { Cancel, Clock } from '../core/clock.ts';
import type { RunRequest, RunResult } from '../core/executor.ts';
import { InvalidOptionError, NotSerializableError } from '../errors.ts';
import { onAbort } from './on-abort.ts';
import { fromWire, toWire } from './wire-error.ts';
import { crashError, type LastWords } from './worker-crash.ts';
import { type Culprit, type FromWorker, fromWorker, type RunMessage, toWorker, type WireFacts } from './worker-protocol.ts';

/** A module's export, and the small number that stands for it in messages. */
export interface TaskRef {
  readonly number: number;
  readonly url: string;
  readonly exportName: string;
}

/** A run on its way: what was asked, and where its one result goes. */
export interface Ticket {
  readonly request: RunRequest;
  readonly task: TaskRef;
  readonly resolve: (result: RunResult) => void;
}

/** What a worker tells its pool. */
export interface PoolPort {
  /** Its run is over and it can take another. */
  freed(worker: PoolWorker): void;
  /** The thread is gone, or given up for lost. `unbegun` is a run that it was handed and never began. */
  gone(worker: PoolWorker, unbegun: Ticket | undefined): void;
}

export interface PoolWorkerOptions {
  readonly thread: Worker;
  readonly clock: Clock;
  readonly abortGraceMs: number;
  readonly pool: PoolPort;
}

/** Not even `terminate` ends a synchronous system call, such as execSync; after this long the thread is left to itself. */
const terminateMs = 1_000;

/**
 * One worker thread, seen from the pool: takes one run at a time and ends each exactly once, whatever becomes of
 * the thread. It keeps the process alive from a run's start until the pool lets it go.
 */
export class PoolWorker {
  /** Monotonic time at which it last became idle; the pool's to set. */
  idleSince = 0;
  readonly #thread: Worker;
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #pool: PoolPort;
  /** By task number: whether this thread was told what it stands for. */
  readonly #told: boolean[] = [];
  readonly #left: Promise<void>;
  #resolveLeft: () => void = nothing;
  #over = false;
  /** Not to be used again once its run is over. */
  #spent = false;
  #killed = false;
  #run = 0;
  #ticket: Ticket | undefined;
  /** The latest run's request: where the troubles of an idle thread are logged. */
  #latest: RunRequest | undefined;
  #aborted: { readonly error: unknown } | undefined;
  #sent = false;
  /** Whether it keeps the process alive. */
  #held = false;
  #cancelListening: Cancel = nothing;
  #cancelGrace: Cancel = nothing;
  #lastWords: LastWords = {};

  constructor(options: PoolWorkerOptions) {
    this.#thread = options.thread;
    this.#clock = options.clock;
    this.#graceMs = options.abortGraceMs;
    this.#pool = options.pool;
    this.#left = new Promise((resolve) => {
      this.#resolveLeft = resolve;
    });
    this.#thread.unref();
    this.#thread.on('message', (message: FromWorker) => this.#hear(message));
    this.#thread.on('messageerror', (cause) =>
      this.#end({ ok: false, error: new NotSerializableError('value', cause.message, { cause }) }),
    );
    this.#thread.on('error', (error: unknown) => {
      this.#lastWords = { ...this.#lastWords, fatal: { error } };
    });
    this.#thread.on('exit', (code) => this.#exited(code));
  }

  /** Whether it may be given another run. */
  get usable(): boolean {
    return !this.#spent && !this.#killed;
  }

  /** Sends the run. A result at once means that it was not sent, and the worker is as free as before. */
  start(ticket: Ticket): RunResult | undefined {
    this.#ticket = ticket;
    this.#sent = false;
    this.#cancelListening = onAbort(ticket.request, this.abort);
    const failed = this.#aborted === undefined ? this.#send(ticket) : { ok: false as const, error: this.#aborted.error };
    if (failed === undefined) {
      this.#sent = true;
      this.#run++;
      this.#latest = ticket.request;
      if (!this.#held) this.#thread.ref();
      this.#held = true;
    } else {
      this.#cancelListening();
      this.#ticket = undefined;
      this.#aborted = undefined;
    }
    return failed;
  }

  /** Tells the task to stop, and ends its thread if it has not within the grace. The run ends with this reason either way. */
  readonly abort = (error: unknown): void => {
    if (this.#ticket === undefined || this.#aborted !== undefined) return;
    this.#aborted = { error };
    if (!this.#sent) return;
    this.#thread.postMessage([toWorker.abort, this.#run, toWire(error)]);
    this.#cancelGrace = this.#clock.wakeAfter(this.#graceMs, () => this.#kill());
  };

  #send({ request, task }: Ticket): RunResult | undefined {
    const { jobId, runId, scheduledAt, attempt, timezone, args } = request;
    const run = this.#run + 1;
    const message: RunMessage = this.#told[task.number]
      ? [toWorker.run, run, task.number, args, jobId, runId, scheduledAt, attempt, timezone]
      : [toWorker.run, run, task.number, args, jobId, runId, scheduledAt, attempt, timezone, task.url, task.exportName];
    try {
      this.#thread.postMessage(message);
    } catch (cause) {
      return { ok: false, error: new NotSerializableError('args', cause instanceof Error ? cause.message : String(cause), { cause }) };
    }
    this.#told[task.number] = true;
    return undefined;
  }

  /** Lets the process end while this worker is idle; its next run keeps it alive again. */
  letGo(): void {
    if (this.#held) this.#thread.unref();
    this.#held = false;
  }

  /** Ends the thread, now if it is idle, else when its run is over. Resolves when it is gone, or given up for lost. */
  retire(): Promise<void> {
    this.#spent = true;
    if (this.#ticket === undefined) this.#kill();
    return this.#left;
  }

  #hear(message: FromWorker): void {
    // A task may post messages of its own, which are for nobody here.
    if (!Array.isArray(message)) return;
    switch (message[0]) {
      case fromWorker.value:
        if (message[1] === this.#run) this.#end({ ok: true, value: message[2] });
        break;
      case fromWorker.error:
        if (message[1] === this.#run) this.#end({ ok: false, error: fromWire(message[2]) });
        break;
      case fromWorker.uncloneable:
        if (message[1] === this.#run) this.#end({ ok: false, error: new NotSerializableError(message[2], message[3]) });
        break;
      case fromWorker.unreadable:
        this.#end({ ok: false, error: new NotSerializableError('args', message[1]) });
        break;
      case fromWorker.unloadable:
        this.#unloadable(message[2], fromWire(message[3]));
        break;
      case fromWorker.log:
        this.#latest?.log[message[2]]({ ...this.#whose(message[1]), ...revive(message[3]) }, message[4]);
        break;
      case fromWorker.progress:
        if (message[1] === this.#run) this.#ticket?.request.progress(message[2]);
        break;
      case fromWorker.output:
        process[message[1]].write(message[2]);
        break;
      case fromWorker.late:
        this.#late(message[1], fromWire(message[2]));
        break;
      case fromWorker.crash:
        this.#lastWords = { culprit: message[1], fatal: { error: fromWire(message[2]) } };
        break;
      case fromWorker.exit:
        this.#lastWords = { culprit: message[1], ...this.#lastWords, lastRun: message[3] };
        break;
    }
  }

  /** A failed import stays failed for as long as its thread lives, so that the next run gets a fresh one. */
  #unloadable(expected: string, cause: unknown): void {
    const task = this.#ticket?.task;
    this.#spent = true;
    const options = cause === undefined ? {} : { cause };
    this.#end({ ok: false, error: new InvalidOptionError('task', task && `${task.url}#${task.exportName}`, expected, options) });
  }

  #late(culprit: Culprit, err: unknown): void {
    const facts = { ...this.#whose(culprit), err };
    this.#latest?.log.error(facts, 'a task threw after its run had ended; the run stands as recorded, and its worker thread is replaced');
    void this.retire();
  }

  /** The request that is logged through knows its own job; one from before it has to be named. */
  #whose(culprit: Culprit): object {
    return culprit === undefined || culprit[0] === this.#run ? {} : { jobId: culprit[1], runId: culprit[2] };
  }

  #end(result: RunResult): void {
    if (this.#ticket === undefined) return;
    this.#settle(this.#ticket, result);
    if (this.#spent) this.#kill();
    else if (!this.#killed) this.#pool.freed(this);
  }

  #settle(ticket: Ticket, result: RunResult): void {
    const aborted = this.#aborted;
    this.#cancelListening();
    this.#cancelGrace();
    this.#ticket = undefined;
    this.#aborted = undefined;
    ticket.resolve(aborted === undefined ? result : { ok: false, error: aborted.error });
  }

  #kill(): void {
    if (this.#killed) return;
    this.#killed = true;
    // Node holds the process until a thread that it was told to end is gone.
    void this.#thread.terminate();
    this.#held = true;
    this.#cancelGrace = this.#clock.wakeAfter(terminateMs, () => this.#leave(undefined));
  }

  #exited(code: number): void {
    const ticket = this.#ticket;
    const { lastRun } = this.#lastWords;
    // A run that was handed to a thread on its way out was never called, and can be elsewhere. The first run of a
    // thread has nothing before it to blame: were its own module what ends threads, it would do so for ever.
    const uncalled = lastRun !== undefined && lastRun < this.#run && this.#run > 1;
    const unbegun = ticket !== undefined && this.#aborted === undefined && uncalled;
    if (ticket === undefined && !this.#spent && !this.#killed) {
      const err = crashError(code, this.#lastWords, this.#run);
      this.#latest?.log.warn({ ...this.#whose(this.#lastWords.culprit), err }, 'an idle worker thread ended; the next run gets a new one');
    }
    if (unbegun) {
      this.#cancelListening();
      this.#ticket = undefined;
    } else if (ticket !== undefined) this.#settle(ticket, { ok: false, error: crashError(code, this.#lastWords, this.#run) });
    this.#leave(unbegun ? ticket : undefined);
  }

  #leave(unbegun: Ticket | undefined): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#ticket !== undefined) this.#settle(this.#ticket, { ok: false, error: crashError(undefined, this.#lastWords, this.#run) });
    this.#cancelGrace();
    this.letGo();
    this.#pool.gone(this, unbegun);
    this.#resolveLeft();
  }
}

function revive(facts: WireFacts): object {
  return Object.fromEntries(facts.map(([key, value]) => [key, fromWire(value)]));
}

function nothing(): void {}
