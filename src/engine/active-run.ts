import { AsyncResource } from 'node:async_hooks';
import type { Cancel } from '../core/clock.ts';
import type { RunRequest } from '../core/executor.ts';
import type { JobRecord } from '../core/job.ts';
import type { Logger } from '../core/logger.ts';
import type { RunRecord } from '../core/run.ts';
import type { Task } from '../core/task.ts';

/** Why a run was told to stop. */
export type AbortCause = 'timeout' | 'cancel' | 'shutdown' | 'lost-lease';

/** What a run needs from its surroundings. */
export interface RunSurroundings {
  readonly logger: Logger;
  readonly timezone: string;
  readonly jobStore: string;
  noteProgress(run: ActiveRun, value: unknown): void;
  /** The run was told to stop. */
  aborted(run: ActiveRun): void;
}

interface Rare {
  abortCause: AbortCause | undefined;
  abortReason: Error | undefined;
  signal: AbortSignal | undefined;
  /** Aborts the signal. */
  abortSignal: ((reason: unknown) => void) | undefined;
  listeners: Set<(reason: unknown) => void> | undefined;
  log: Logger | undefined;
}

/** A run that this process is executing, and the request its executor sees. What costs something is made when first read. */
export class ActiveRun implements RunRequest {
  readonly run: RunRecord;
  readonly job: JobRecord;
  readonly task: Task;
  readonly attempt: number;
  readonly startedAt: number;
  readonly surroundings: RunSurroundings;
  progressValue: unknown;
  cancelTimeout: Cancel | undefined;
  /** Everything that most runs never need. */
  #rare: Rare | undefined;

  constructor(
    run: RunRecord,
    job: JobRecord,
    how: { readonly task: Task; readonly startedAt: number; readonly surroundings: RunSurroundings },
  ) {
    this.run = run;
    this.job = job;
    this.task = how.task;
    this.attempt = run.attempt + 1;
    this.startedAt = how.startedAt;
    this.surroundings = how.surroundings;
  }

  get jobId(): string {
    return this.job.id;
  }

  get runId(): string {
    return this.run.id;
  }

  get scheduledAt(): number {
    return this.run.scheduledAt;
  }

  get timezone(): string {
    return this.surroundings.timezone;
  }

  get args(): readonly unknown[] {
    return this.job.args;
  }

  get options(): Readonly<Record<string, unknown>> | undefined {
    return this.job.executorOptions;
  }

  get signal(): AbortSignal {
    const rare = this.#more();
    if (rare.signal === undefined) {
      const controller = new AbortController();
      rare.signal = controller.signal;
      // Within the run that asked for it: its listeners, too, find that run as the current one.
      rare.abortSignal = AsyncResource.bind((reason: unknown) => controller.abort(reason));
      if (rare.abortReason !== undefined) rare.abortSignal(rare.abortReason);
    }
    return rare.signal;
  }

  onAbort(callback: (reason: unknown) => void): Cancel {
    const rare = this.#more();
    if (rare.abortReason !== undefined) {
      callback(rare.abortReason);
      return () => {};
    }
    rare.listeners ??= new Set();
    rare.listeners.add(callback);
    return () => rare.listeners?.delete(callback);
  }

  /** The first cause stands; a later one changes nothing. */
  abort(cause: AbortCause, reason: Error): void {
    const rare = this.#more();
    if (rare.abortReason !== undefined) return;
    rare.abortCause = cause;
    rare.abortReason = reason;
    rare.abortSignal?.(reason);
    const { listeners } = rare;
    rare.listeners = undefined;
    if (listeners !== undefined) for (const listener of listeners) listener(reason);
    this.surroundings.aborted(this);
  }

  get abortCause(): AbortCause | undefined {
    return this.#rare?.abortCause;
  }

  get abortReason(): Error | undefined {
    return this.#rare?.abortReason;
  }

  get log(): Logger {
    const rare = this.#more();
    if (rare.log === undefined) {
      const { logger } = this.surroundings;
      const facts = { jobId: this.jobId, runId: this.runId };
      rare.log = {
        debug: (more, message) => logger.debug({ ...facts, ...more }, message),
        info: (more, message) => logger.info({ ...facts, ...more }, message),
        warn: (more, message) => logger.warn({ ...facts, ...more }, message),
        error: (more, message) => logger.error({ ...facts, ...more }, message),
      };
    }
    return rare.log;
  }

  #more(): Rare {
    this.#rare ??= {
      abortCause: undefined,
      abortReason: undefined,
      signal: undefined,
      abortSignal: undefined,
      listeners: undefined,
      log: undefined,
    };
    return this.#rare;
  }

  progress(value: unknown): void {
    this.progressValue = value;
    this.surroundings.noteProgress(this, value);
  }
}
