import type { MessagePort } from 'node:worker_threads';
import type { Logger } from '../core/logger.ts';
import { NotSerializableError } from '../errors.ts';
import { runInContext, type RunView } from './run-context.ts';
import { toWire } from './wire-error.ts';
import { type Culprit, type FromWorker, fromWorker, type LogLevel, type RunMessage } from './worker-protocol.ts';

/** The run that a worker thread is on, as its task sees it. */
export class ThreadRun implements RunView {
  readonly number: number;
  readonly jobId: string;
  readonly runId: string;
  readonly scheduledAt: number;
  readonly attempt: number;
  readonly timezone: string | undefined;
  readonly #port: MessagePort;
  #controller: AbortController | undefined;
  #aborted: { readonly reason: unknown } | undefined;
  #log: Logger | undefined;

  constructor(message: RunMessage, port: MessagePort) {
    this.number = message[1];
    this.jobId = message[4];
    this.runId = message[5];
    this.scheduledAt = message[6];
    this.attempt = message[7];
    this.timezone = message[8];
    this.#port = port;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  get aborted(): boolean {
    return this.#aborted !== undefined;
  }

  get log(): Logger {
    this.#log ??= {
      debug: (facts, message) => this.#write('debug', facts, message),
      info: (facts, message) => this.#write('info', facts, message),
      warn: (facts, message) => this.#write('warn', facts, message),
      error: (facts, message) => this.#write('error', facts, message),
    };
    return this.#log;
  }

  get culprit(): Culprit {
    return [this.number, this.jobId, this.runId];
  }

  abort(reason: unknown): void {
    this.#aborted ??= { reason };
    const controller = this.#controller;
    // Within the run: the signal's listeners, too, find it as the current one.
    if (controller !== undefined) runInContext(this, () => controller.abort(reason), []);
  }

  progress(value: unknown): void {
    const message: FromWorker = [fromWorker.progress, this.number, value];
    try {
      this.#port.postMessage(message);
    } catch (cause) {
      throw new NotSerializableError('progress', cause instanceof Error ? cause.message : String(cause), { cause });
    }
  }

  #write(level: LogLevel, facts: object, text: string): void {
    const pairs = Object.entries(facts).map(([key, value]) => [key, toWire(value)] as const);
    const message: FromWorker = [fromWorker.log, this.culprit, level, pairs, text];
    this.#port.postMessage(message);
  }
}
