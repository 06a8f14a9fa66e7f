import type { EngineContext } from './engine/context.ts';
import { tell } from './engine/context.ts';
import type { Run } from './core/events.ts';
import { inTime } from './engine/in-time.ts';
import type { Lane } from './engine/lane.ts';
import type { Loop } from './engine/loop.ts';
import { InvalidOptionError, SchedulerStateError } from './errors.ts';
import { runView } from './executors/run-context.ts';
import { checkNames } from './nearest.ts';
import { type DurationInput, parseDuration } from './time/duration.ts';

export type SchedulerState = 'stopped' | 'running' | 'paused';

export interface ShutdownOptions {
  /** Wait for runs under way; default true. */
  wait?: boolean;
  /** How long to wait before they are told to stop; default 30 s. */
  timeout?: DurationInput;
}

const DRAIN_TIMEOUT = 30_000;
/** How much longer the closing of executors and stores may take than runs may, in milliseconds. */
const CLOSING = 400;
/** How often `run` wakes so as not to let the process end; like the loop's, no sleep is longer than 30 seconds. */
const AWAKE = 30_000;

interface Parts {
  readonly loop: Loop;
  readonly lanes: readonly Lane[];
  addPending(): Promise<void>;
}

/** Start, pause, resume, stop, and stopping in order. */
export class Lifecycle {
  readonly #engine: EngineContext;
  readonly #parts: Parts;
  #state: SchedulerState = 'stopped';
  /** A start or stop under way. */
  #changing: Promise<void> | undefined;
  /** The same, while it is a start. */
  #starting: Promise<void> | undefined;
  /** What is left of a stop that did not wait for the run it was called from. */
  #closing: Promise<void> | undefined;
  readonly #whenStopped: Set<() => void> = new Set();
  #keepsAlive = true;
  /** How many calls of `run` hold the process. */
  #holding = 0;

  constructor(engine: EngineContext, parts: Parts) {
    this.#engine = engine;
    this.#parts = parts;
  }

  get state(): SchedulerState {
    return this.#state;
  }

  get nextWake(): number | undefined {
    return this.#parts.loop.nextWake;
  }

  async start(options: { paused?: boolean } = {}): Promise<void> {
    checkNames(options, ['paused'], '');
    const { paused = false } = options;
    if (typeof paused !== 'boolean') throw new InvalidOptionError('paused', paused, 'true or false');
    if (this.#state === 'running')
      throw new SchedulerStateError('start: the scheduler is running already; shutdown() comes before another start');
    if (this.#state === 'paused')
      throw new SchedulerStateError('start: the scheduler is started already, and paused; resume() lets it go on');
    if (this.#changing !== undefined)
      throw new SchedulerStateError('start: the scheduler is being started or stopped; await that before another start');
    this.#starting = this.#exclusively(() => this.#start(paused));
    try {
      await this.#starting;
    } finally {
      this.#starting = undefined;
    }
  }

  async #start(paused: boolean): Promise<void> {
    if (this.#closing !== undefined && this.#ownRun() !== undefined) {
      throw new SchedulerStateError(
        'the scheduler is still being stopped, and waits for the run that asks to start it; start it after that run',
      );
    }
    await this.#closing;
    const opened: Lane[] = [];
    try {
      for (const lane of this.#parts.lanes) {
        await lane.open();
        opened.push(lane);
      }
      await this.#parts.addPending();
    } catch (error) {
      const end = this.#engine.clock.monotonic() + DRAIN_TIMEOUT;
      // Why it could not start is the news.
      await Promise.allSettled(opened.map((lane) => lane.close(end)));
      throw error;
    }
    this.#state = paused ? 'paused' : 'running';
    tell(this.#engine, 'schedulerStarted', () => ({ paused }));
    if (!paused) this.#parts.loop.begin();
  }

  pause(): void {
    if (this.#state === 'stopped') throw new SchedulerStateError('pause: the scheduler is stopped; start() comes first');
    if (this.#state === 'paused') return;
    this.#state = 'paused';
    this.#parts.loop.cease();
    tell(this.#engine, 'schedulerPaused', () => ({}));
  }

  resume(): void {
    if (this.#state === 'stopped') throw new SchedulerStateError('resume: the scheduler is stopped; start() comes first');
    if (this.#state === 'running') return;
    this.#state = 'running';
    this.#parts.loop.begin();
    tell(this.#engine, 'schedulerResumed', () => ({}));
  }

  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    const deadline = checkShutdown(options);
    // Another one that waited too may have begun its stop meanwhile.
    while (this.#changing !== undefined) {
      // A run that asks again while its scheduler is being stopped must not wait for that: the stop may be waiting for the run.
      if (this.#state === 'stopped' && this.#ownRun() !== undefined) return;
      await this.#changing.catch(() => {});
    }
    if (this.#state !== 'stopped') await this.#exclusively(() => this.#shutdown(deadline));
    // A store may be open without a start: to see whether a job that is added has run already. A stop that waits for a run closes in its time.
    else if (this.#closing === undefined && this.#parts.lanes.some((lane) => lane.isHeld))
      await this.#exclusively(() => this.#close(this.#engine.clock.monotonic() + CLOSING));
  }

  async #shutdown(deadline: number): Promise<void> {
    this.#state = 'stopped';
    this.#parts.loop.cease();
    const { clock } = this.#engine;
    const own = this.#ownRun();
    const due = clock.monotonic() + deadline;
    await this.#drained(() => this.#underWay(own), deadline);
    const close = async (): Promise<void> => {
      if (own !== undefined) await this.#drained(() => this.#underWay(), Infinity);
      // Runs that were told to stop may have taken longer than they had: what became of them is still to be written.
      await this.#close(Math.max(own === undefined ? due : 0, clock.monotonic()) + CLOSING);
    };
    try {
      // From inside a run the rest comes after that run, which could not end while it waited for itself.
      if (own === undefined || this.#underWay() === 0) await close();
      else this.#closeLater(close());
    } finally {
      tell(this.#engine, 'schedulerShutdown', () => ({}));
      for (const resolve of this.#whenStopped) resolve();
      this.#whenStopped.clear();
    }
  }

  /** Lets go of everything, whatever of it fails or does not answer by `end`; then tells the first failure. */
  async #close(end: number): Promise<void> {
    const { clock, executors, logger } = this.#engine;
    // Executors first: what ends with them is still to be written.
    const [ended] = await Promise.allSettled([inTime(clock, end, executors.close())]);
    if (ended.status === 'fulfilled' && !ended.value) logger.warn({}, 'an executor did not close in time');
    const closed = [ended, ...(await Promise.allSettled(this.#parts.lanes.map((lane) => lane.close(end))))];
    const failed = closed.find((each) => each.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  #closeLater(closing: Promise<void>): void {
    this.#closing = closing
      .catch((error: unknown) => this.#engine.logger.error({ err: error }, 'the end of the shutdown failed'))
      .finally(() => (this.#closing = undefined));
  }

  /** Waits until no run counts any more and nothing under way could begin one; runs that do at the deadline are told to stop. */
  async #drained(count: () => number, deadline: number): Promise<void> {
    let isLate = deadline <= 0;
    const isDone = (): boolean => count() === 0 && (isLate || !this.#parts.lanes.some((lane) => lane.isClaiming));
    if (isDone()) return;
    const own = this.#ownRun();
    const { promise, resolve } = deferred();
    const check = (): void => {
      if (isDone()) resolve();
    };
    for (const lane of this.#parts.lanes) lane.onEnded = check;
    const abort = (): void => {
      isLate = true;
      for (const lane of this.#parts.lanes)
        lane.runs.abort('shutdown', 'the scheduler shut down', (active) => own === undefined || active.runId !== own);
      check();
    };
    const cancel = deadline > 0 && deadline < Infinity ? this.#engine.clock.wakeAfter(deadline, abort) : undefined;
    if (deadline <= 0) abort();
    await promise;
    cancel?.();
    for (const lane of this.#parts.lanes) lane.onEnded = undefined;
  }

  /** The run of this scheduler that asks, if one does. */
  #ownRun(): string | undefined {
    const view = runView();
    return view !== undefined && this.#parts.lanes.some((lane) => lane.runs.owns(view)) ? view.runId : undefined;
  }

  /** How many runs are under way, but for one. */
  #underWay(but?: string): number {
    let count = 0;
    for (const lane of this.#parts.lanes) {
      count += lane.runs.size;
      if (but !== undefined) for (const active of lane.runs) if (active.runId === but) count -= 1;
    }
    return count;
  }

  async run(options: ShutdownOptions = {}): Promise<void> {
    checkShutdown(options);
    const { promise: stopped, resolve } = deferred();
    this.#whenStopped.add(resolve);
    const sleep = this.#stayAwake();
    let first: NodeJS.Signals | undefined;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (first === undefined) {
        first = signal;
        this.#engine.logger.info({ signal }, 'stopping; a second signal ends the process at once');
        this.shutdown(options).catch((error: unknown) => this.#engine.logger.error({ err: error }, 'the shutdown failed'));
        return;
      }
      unlisten();
      process.kill(process.pid, signal);
    };
    const unlisten = (): void => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
    try {
      // One that was begun and not awaited is as good as its own.
      if (this.#starting !== undefined) await this.#starting;
      else if (this.#state === 'stopped') await this.start();
      await stopped;
      await this.#closing;
    } finally {
      unlisten();
      this.#whenStopped.delete(resolve);
      sleep();
    }
  }

  /** Whether wake-ups keep the process alive; while `run` is under way they do in any case. */
  keepAlive(yes: boolean): void {
    this.#keepsAlive = yes;
    if (this.#holding === 0) this.#engine.clock.keepAlive?.(yes);
  }

  /** Keeps the process alive, also while there is no job to wait for, and after `unref`; answers with the undo. */
  #stayAwake(): () => void {
    const { clock } = this.#engine;
    this.#holding += 1;
    if (!this.#keepsAlive) clock.keepAlive?.(true);
    let cancel = (): void => {};
    const again = (): void => {
      cancel = clock.wakeAfter(AWAKE, again);
    };
    again();
    return () => {
      cancel();
      this.#holding -= 1;
      if (this.#holding === 0 && !this.#keepsAlive) clock.keepAlive?.(false);
    };
  }

  /** Resolves once it is stopped, whoever asked for that. */
  async dispose(): Promise<void> {
    await this.#changing?.catch(() => {});
    await this.shutdown();
    // A run that waited here for what waits for it would never end.
    if (this.#ownRun() === undefined) await this.#closing;
  }

  /** Passes until nothing is due and nothing runs, then lets go; rejects if a store failed, as nobody is there to look again. */
  async runDue(options: ShutdownOptions = {}): Promise<Run[]> {
    const deadline = checkShutdown(options);
    if (this.#state !== 'stopped' || this.#changing !== undefined)
      throw new SchedulerStateError('runDue is for a scheduler that is not started');
    const runs: Run[] = [];
    await this.#exclusively(async () => {
      await this.#start(true);
      const undo = this.#collect(runs);
      try {
        for (const lane of this.#parts.lanes) lane.begin();
        do {
          for (const lane of this.#parts.lanes) await lane.pass();
          await this.#drained(() => this.#underWay(), deadline);
          for (const lane of this.#parts.lanes) await lane.flush();
        } while (this.#parts.lanes.some((lane) => lane.nextLook !== undefined && lane.nextLook <= this.#engine.clock.now()));
        const failed = this.#parts.lanes.map((lane) => lane.health()).find(({ ok }) => !ok);
        if (failed?.lastError !== undefined) throw failed.lastError;
      } finally {
        undo();
        await this.#shutdown(deadline);
      }
    });
    return runs;
  }

  #collect(runs: Run[]): () => void {
    const { emitter } = this.#engine;
    const note = (run: Run): void => void runs.push(run);
    const names = ['jobExecuted', 'jobError', 'jobMissed', 'jobSkipped', 'jobCancelled', 'jobLost'] as const;
    for (const name of names) emitter.on(name, note);
    return () => {
      for (const name of names) emitter.off(name, note);
    };
  }

  async #exclusively(change: () => Promise<void>): Promise<void> {
    const changing = change();
    this.#changing = changing;
    try {
      await changing;
    } finally {
      this.#changing = undefined;
    }
  }
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** How long runs may still take, in milliseconds. @throws InvalidOptionError */
function checkShutdown(options: ShutdownOptions): number {
  checkNames(options, ['wait', 'timeout'], '');
  const { wait = true, timeout } = options;
  if (typeof wait !== 'boolean') throw new InvalidOptionError('wait', wait, 'true or false');
  const deadline =
    timeout === undefined ? DRAIN_TIMEOUT : timeout === Infinity ? Infinity : parseDuration(timeout, 'timeout', { allowZero: true });
  return wait ? deadline : 0;
}
