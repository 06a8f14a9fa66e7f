import type { SchedulerEventName } from '../core/events.ts';
import type { Executor, RunResult } from '../core/executor.ts';
import type { JobRecord } from '../core/job.ts';
import type { ClaimedRun, Finish, RunRecord } from '../core/run.ts';
import type { Taken } from '../core/run-store.ts';
import type { Task } from '../core/task.ts';
import { JobTimeoutError, RunCancelledError, SchedulerError, show, TaskNotFoundError } from '../errors.ts';
import { type AbortCause, ActiveRun, type RunSurroundings } from './active-run.ts';
import { type EngineContext, tell } from './context.ts';
import type { Seats } from './executor-room.ts';
import { Lateness } from './lateness.ts';
import type { Outbox } from './outbox.ts';
import { type RunFacts, RunReport } from './run-report.ts';
import { type EndedRun, judge, refuse } from './verdict.ts';

/** How long an executor may take to end a run that was aborted, in milliseconds; longer than any of punctual's own takes. */
const ABORT_GRACE = 5_000;

/** What the runs of one store need of their lane. */
export interface RunsContext {
  readonly engine: EngineContext;
  readonly jobStore: string;
  readonly durable: boolean;
  readonly outbox: Outbox<EndedRun>;
  /** The store's time, as last seen. */
  storeNow(): number;
  /** The task of this run is not known here: its job cannot go on. */
  park(claimed: ClaimedRun, reason: string): void;
  /** Something ended outside a pass: write it soon. */
  flushSoon(): void;
  /** Something ended, as the store took it, that others may have waited for. */
  settled(finish: Finish, taken: Taken): void;
}

/**
 * The runs of one store that this process executes. A run goes: claimed -> (refused | started) -> executor -> judged -> written -> told.
 */
export class RunsUnderWay {
  readonly lateness: Lateness = new Lateness();
  readonly #context: RunsContext;
  readonly #active: Set<ActiveRun> = new Set();
  readonly #progress: Map<string, unknown> = new Map();
  /** Who waits for the end of a run, by its id. */
  readonly #waiters: Map<string, ((report: RunReport) => void)[]> = new Map();
  readonly #surroundings: Map<string, RunSurroundings> = new Map();

  constructor(context: RunsContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#active.size;
  }

  /** Whether a run is one of these, be it over or only just begun. */
  owns(view: object): boolean {
    if (!(view instanceof ActiveRun)) return false;
    for (const surroundings of this.#surroundings.values()) if (view.surroundings === surroundings) return true;
    return false;
  }

  [Symbol.iterator](): IterableIterator<ActiveRun> {
    return this.#active.values();
  }

  /** Begins a run that was claimed, or records why not. */
  start(claimed: ClaimedRun): void {
    const { engine } = this.#context;
    const now = this.#context.storeNow();
    const refused = refuse(claimed, now);
    const { run, job } = claimed;
    if (refused !== undefined) return this.#context.outbox.push(refused);
    if (job === undefined) return;
    const task = engine.resolveTask(job.task);
    const seats = engine.executors.seats(job.executor);
    if (task === undefined || seats === undefined) return this.#unknown(claimed, task);
    // Others may have come first since the room was counted.
    if (seats.running >= seats.capacity) return this.giveBack(claimed);

    const active = new ActiveRun(run, job, { task, startedAt: now, surroundings: this.#surroundingsOf(job.trigger.timezone) });
    engine.executors.take(seats);
    this.lateness.note(now - run.dueAt);
    if (engine.emitter.listens('jobSubmitted')) engine.emitter.emit('jobSubmitted', this.#report(run, job, underWay(active)));
    if (engine.emitter.listens('jobStarted')) engine.emitter.emit('jobStarted', this.#report(run, job, underWay(active)));

    const result = execute(seats.executor, active);
    if (!(result instanceof Promise)) return this.#ended(active, result, seats);
    this.#active.add(active);
    const { timeout } = job.policy;
    if (timeout !== undefined)
      active.cancelTimeout = engine.clock.wakeAfter(timeout, () => active.abort('timeout', new JobTimeoutError(timeout)));
    result.then(
      (answer) => this.#endedLater(active, checked(answer), seats),
      (error: unknown) => this.#endedLater(active, { ok: false, error }, seats),
    );
  }

  /** Lets go of a run that was claimed and never began: it waits again, for whoever claims it next. */
  giveBack({ run, job }: ClaimedRun): void {
    this.#context.outbox.push({
      run,
      outcome: 'waiting',
      reason: run.reason,
      value: undefined,
      error: undefined,
      startedAt: run.startedAt,
      finishedAt: undefined,
      attempt: run.attempt,
      dueAt: run.dueAt,
      job,
      active: undefined,
    });
  }

  /** Tells the runs that fit to stop; answers how many there were. */
  abort(cause: AbortCause, reason: string, fits: (active: ActiveRun) => boolean = () => true): number {
    let count = 0;
    for (const active of this.#active) {
      if (!fits(active)) continue;
      active.abort(cause, new RunCancelledError(reason));
      count += 1;
    }
    return count;
  }

  /** What this process knows of a run that it is executing, and its store does not yet. */
  factsOf(run: RunRecord): RunFacts {
    if (run.outcome !== 'running') return {};
    for (const active of this.#active) {
      if (active.run.scheduledAt !== run.scheduledAt || active.runId !== run.id) continue;
      return { attempt: active.attempt, startedAt: active.startedAt, progress: active.progressValue ?? run.progress };
    }
    return {};
  }

  takeProgress(): ReadonlyMap<string, unknown> {
    const progress = new Map(this.#progress);
    this.#progress.clear();
    return progress;
  }

  /** The report of a run's end, once it is written by this process. */
  ended(id: string): { readonly report: Promise<RunReport>; forget(): void } {
    const waiters = this.#waiters.get(id) ?? [];
    this.#waiters.set(id, waiters);
    const report = new Promise<RunReport>((resolve) => waiters.push(resolve));
    return { report, forget: () => this.#waiters.delete(id) };
  }

  /** Tells of rows that were recorded with an outcome at once. */
  tellRecorded(run: RunRecord, job: JobRecord): void {
    this.#emit(run.outcome === 'missed' ? 'jobMissed' : 'jobSkipped', run, job, {});
  }

  /** Tells of a run that ended in the store, without being executed here. */
  tellEnded(run: RunRecord, facts: RunFacts): void {
    const name = eventOf(facts);
    if (name !== undefined) this.#emit(name, run, undefined, facts);
    this.#tellWaiters(run, undefined, facts);
  }

  #ended(active: ActiveRun, result: RunResult, seats: Seats): void {
    if (active.progressValue !== undefined) this.#progress.delete(active.runId);
    this.#context.engine.executors.leave(seats);
    this.#context.outbox.push(judge(active, result, this.#context.storeNow(), this.#context.durable));
  }

  #endedLater(active: ActiveRun, result: RunResult, seats: Seats): void {
    // An executor that was deaf to an abort may still answer when the run is long given up.
    if (!this.#active.delete(active)) return;
    active.cancelTimeout?.();
    this.#ended(active, result, seats);
    this.#context.flushSoon();
  }

  /** Executors end a run soon after its abort; one that does not is not waited for. */
  #giveUpLater(active: ActiveRun): void {
    const { engine } = this.#context;
    const seats = engine.executors.seats(active.job.executor);
    if (seats === undefined || !this.#active.has(active)) return;
    active.cancelTimeout?.();
    active.cancelTimeout = engine.clock.wakeAfter(ABORT_GRACE, () =>
      this.#endedLater(active, { ok: false, error: active.abortReason }, seats),
    );
  }

  /** Answers those who wait for a run that this process will not see the end of, with the row as it is. */
  async release(rowOf: (id: string) => Promise<RunRecord | undefined>): Promise<void> {
    for (const [id, waiters] of this.#waiters) {
      const run = await rowOf(id);
      if (run === undefined) continue;
      this.#waiters.delete(id);
      for (const resolve of waiters) resolve(this.#report(run, undefined, {}));
    }
  }

  /** The store has answered for the end of a run: tells of it. */
  written(ended: EndedRun, taken: Taken): void {
    const quiet =
      ended.outcome === 'succeeded' && taken === true && this.#waiters.size === 0 && !this.#context.engine.emitter.listens('jobExecuted');
    if (!quiet) this.#tell(ended, taken);
    this.#context.settled(ended, taken);
  }

  #tell(ended: EndedRun, taken: Taken): void {
    const { run, job, active } = ended;
    const facts: RunFacts = {
      ...fateOf(ended, taken),
      value: ended.value,
      error: ended.error,
      startedAt: ended.startedAt,
      finishedAt: ended.finishedAt,
      attempt: ended.attempt,
      dueAt: ended.dueAt,
      progress: active?.progressValue,
    };
    const name = facts.outcome === 'waiting' && !isRetry(active) ? undefined : eventOf(facts);
    if (name !== undefined) this.#emit(name, run, job, facts);
    if (this.#waiters.size > 0 && facts.outcome !== 'waiting') this.#tellWaiters(run, job, facts);
  }

  #tellWaiters(run: RunRecord, job: JobRecord | undefined, facts: RunFacts): void {
    const waiters = this.#waiters.get(run.id);
    if (waiters === undefined) return;
    this.#waiters.delete(run.id);
    const report = this.#report(run, job, facts);
    for (const resolve of waiters) resolve(report);
  }

  #emit(name: RunEventName, run: RunRecord, job: JobRecord | undefined, facts: RunFacts): void {
    const { engine } = this.#context;
    tell(engine, name, () => this.#report(run, job, facts));
    if (name === 'jobError' && !engine.emitter.listens('jobError')) {
      engine.logger.warn({ jobId: run.jobId, runId: run.id, attempt: facts.attempt, err: facts.error }, 'a job failed');
    }
    if (name === 'jobLost' && !engine.emitter.listens('jobLost')) {
      engine.logger.warn({ jobId: run.jobId, runId: run.id, reason: facts.reason }, 'a run was lost');
    }
  }

  #report(run: RunRecord, job: JobRecord | undefined, facts: RunFacts): RunReport {
    return new RunReport(run, facts, this.#surroundingsOf(job?.trigger.timezone));
  }

  #unknown(claimed: ClaimedRun, task: Task | undefined): void {
    const { engine } = this.#context;
    const { run, job } = claimed;
    if (job === undefined) return;
    const error =
      task === undefined
        ? new TaskNotFoundError(job.task.name, engine.knownTasks())
        : new Error(`no executor is called ${JSON.stringify(job.executor)}`);
    const now = this.#context.storeNow();
    this.#context.outbox.push({
      run,
      outcome: 'failed',
      reason: error.message,
      value: undefined,
      error,
      startedAt: undefined,
      finishedAt: now,
      attempt: run.attempt,
      dueAt: run.dueAt,
      job,
      active: undefined,
    });
    this.#context.park(claimed, error.message);
  }

  #surroundingsOf(timezone: unknown): RunSurroundings {
    const { engine, jobStore } = this.#context;
    const zone = typeof timezone === 'string' ? timezone : engine.timezone;
    let found = this.#surroundings.get(zone);
    if (found === undefined) {
      found = {
        logger: engine.logger,
        timezone: zone,
        jobStore,
        aborted: (active) => this.#giveUpLater(active),
        noteProgress: (active, value) => void this.#progress.set(active.runId, value),
      };
      this.#surroundings.set(zone, found);
    }
    return found;
  }
}

type RunEventName = Extract<
  SchedulerEventName,
  'jobExecuted' | 'jobError' | 'jobMissed' | 'jobSkipped' | 'jobRetrying' | 'jobCancelled' | 'jobLost'
>;

function underWay(active: ActiveRun): RunFacts {
  return { outcome: 'running', attempt: active.attempt, startedAt: active.startedAt };
}

/** What became of a run whose end was written. */
function fateOf(ended: EndedRun, taken: Taken): Pick<RunFacts, 'outcome' | 'reason'> {
  if (taken === true) return { outcome: ended.outcome, reason: ended.reason };
  if (taken === false) return { outcome: 'lost', reason: 'another process took it over' };
  return { outcome: 'cancelled', reason: taken.cancelled };
}

/** An executor of the user's own may throw, or answer nonsense, where it must not: that fails one run, and never the pass. */
function execute(executor: Executor, active: ActiveRun): RunResult | Promise<RunResult> {
  try {
    const answer = executor.run(active);
    if (answer instanceof Promise) return answer;
    return isThenable(answer) ? Promise.resolve(answer) : checked(answer);
  } catch (error) {
    return { ok: false, error };
  }
}

function isThenable(answer: object): answer is PromiseLike<RunResult> {
  return typeof answer === 'object' && answer !== null && 'then' in answer && typeof answer.then === 'function';
}

function checked(answer: RunResult): RunResult {
  if (typeof answer === 'object' && answer !== null && typeof answer.ok === 'boolean') return answer;
  return {
    ok: false,
    error: new SchedulerError('EXECUTOR', `the executor answered ${show(answer)}, expected { ok: true, value } or { ok: false, error }`),
  };
}

/** Whether a run that waits again does so because an attempt failed, and not because it was given back. */
function isRetry(active: ActiveRun | undefined): boolean {
  return active !== undefined && active.abortCause !== 'shutdown' && active.abortCause !== 'lost-lease';
}

function eventOf(facts: RunFacts): RunEventName | undefined {
  switch (facts.outcome) {
    case 'succeeded':
      return 'jobExecuted';
    case 'failed':
      return 'jobError';
    case 'missed':
      return 'jobMissed';
    case 'skipped':
      return 'jobSkipped';
    case 'cancelled':
      return 'jobCancelled';
    case 'lost':
      return 'jobLost';
    case 'waiting':
      return 'jobRetrying';
    default:
      return undefined;
  }
}
