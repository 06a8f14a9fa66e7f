import { DateTime } from 'luxon';
import type { Logger } from './core/logger.ts';
import { type RunView, runView } from './executors/run-context.ts';

/** What a task can learn of the run it is in, and say about it. */
export interface CurrentRun {
  readonly jobId: string;
  readonly runId: string;
  /** Nominal time of this run, in the job's zone: the time the trigger gave, however late the run began. */
  readonly scheduledAt: DateTime;
  /** 1 for the first attempt, 2 for the first retry. */
  readonly attempt: number;
  /** Aborts on timeout, cancellation, shutdown's deadline and a lost lease; its reason is an error that says which. */
  readonly signal: AbortSignal;
  /** The scheduler's logger; each line carries the job's and the run's id. */
  readonly log: Logger;
  /** Notes how far the run is, as any value that can be cloned; kept with the run. */
  progress(value: unknown): void;
}

/** Members that cost something to make are made when first read. */
class View implements CurrentRun {
  readonly #of: RunView;
  #scheduledAt: DateTime | undefined;

  constructor(of: RunView) {
    this.#of = of;
  }

  get jobId(): string {
    return this.#of.jobId;
  }

  get runId(): string {
    return this.#of.runId;
  }

  get scheduledAt(): DateTime {
    this.#scheduledAt ??= DateTime.fromMillis(this.#of.scheduledAt, { zone: this.#of.timezone ?? 'system' });
    return this.#scheduledAt;
  }

  get attempt(): number {
    return this.#of.attempt;
  }

  get signal(): AbortSignal {
    return this.#of.signal;
  }

  get log(): Logger {
    return this.#of.log;
  }

  progress(value: unknown): void {
    this.#of.progress(value);
  }
}

/** A memo, so that a run has one view of itself. */
const views: WeakMap<RunView, CurrentRun> = new WeakMap();

/**
 * The run that the calling task is in, on the event loop or in a worker thread, also after an `await`;
 * `undefined` outside of a run, so that a task can be called directly, as in its own tests.
 */
export function currentRun(): CurrentRun | undefined {
  const of = runView();
  if (of === undefined) return undefined;
  let view = views.get(of);
  if (view === undefined) {
    view = new View(of);
    views.set(of, view);
  }
  return view;
}
