import type { RunRecord } from '../core/run.ts';
import type { Store } from '../core/store.ts';
import { SchedulerStateError } from '../errors.ts';
import type { EngineContext } from './context.ts';
import { inTime } from './in-time.ts';
import { failed, type StoreCalls } from './store-calls.ts';

/** Clocks further apart than this are told of, in milliseconds. */
const SKEW = 60_000;
/** How long an opening may take to write what an earlier stop could not, in milliseconds. */
const LEFT_OVER = 5_000;

/** Store objects that a scheduler has open: whichever let go of one first would close it under the other. */
const inUse: WeakSet<Store> = new WeakSet();

/** Who goes in and out. */
export interface DoorHooks {
  /** A run ended in the store, without `finish` and without `cancel`. */
  ended(run: RunRecord): void;
  /** What the store's clock says. */
  learnTime(now: number): void;
  /** Before runs begin. */
  opened(): Promise<void>;
  /** Writes what is left, until it is too late for that. */
  finishUp(isLate: () => boolean): Promise<void>;
  /** Nothing more is asked of the store. */
  leave(): void;
  /** It is closed, or was left to itself; answers how many ends it has not taken. */
  closed(): number;
}

/** Opens a store and lets go of it: one after the other, and each once, however many ask for it at the same time. */
export class StoreDoor {
  readonly #alias: string;
  readonly #store: Store;
  readonly #calls: StoreCalls;
  readonly #engine: EngineContext;
  readonly #hooks: DoorHooks;
  #isOpen = false;
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    engine: EngineContext,
    { alias, store, calls }: { readonly alias: string; readonly store: Store; readonly calls: StoreCalls },
    hooks: DoorHooks,
  ) {
    this.#engine = engine;
    this.#alias = alias;
    this.#store = store;
    this.#calls = calls;
    this.#hooks = hooks;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether it is open, or about to be. */
  get isHeld(): boolean {
    return this.#isOpen || this.#opening !== undefined;
  }

  open(): Promise<void> {
    this.#opening ??= this.#open().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async #open(): Promise<void> {
    // Whoever closes it is told of a failure.
    await this.#closing?.catch(() => undefined);
    if (this.#isOpen) return;
    if (inUse.has(this.#store))
      throw new SchedulerStateError(
        `job store ${JSON.stringify(this.#alias)} is in use by another scheduler: give each a store object of its own; they share what a database holds`,
      );
    inUse.add(this.#store);
    const { clock, logger } = this.#engine;
    try {
      await this.#store.open({ alias: this.#alias, clock, logger, ended: (run) => this.#hooks.ended(run) });
      await this.#learnTime();
    } catch (error) {
      inUse.delete(this.#store);
      failed(this.#alias, 'open', error);
    }
    this.#isOpen = true;
    // One that does not answer is not waited for: a stop may be waiting for this.
    await inTime(clock, clock.monotonic() + LEFT_OVER, this.#hooks.opened());
  }

  /** Jobs are placed in time by the store's clock, also before the first look. */
  async #learnTime(): Promise<void> {
    if (!this.#store.durable) return;
    try {
      const { now } = await this.#store.jobs.nextDue({ executors: new Map(), tasks: [], limit: 1 });
      this.#hooks.learnTime(now);
      const byMs = now - this.#engine.clock.now();
      if (Math.abs(byMs) > SKEW)
        this.#engine.logger.warn({ jobStore: this.#alias, byMs }, "the job store's clock, which rules, is far from this process's");
    } catch (error) {
      // It is opened again at the next start.
      await Promise.resolve(this.#calls.close()).catch(() => undefined);
      throw error;
    }
  }

  /**
   * Once nothing runs: has what is left written and lets go of the store. One that has not answered by `end`, on the monotonic clock,
   * is left to itself: it may be behind a network that swallows all.
   */
  close(end: number): Promise<void> {
    const closing = this.#close(end).finally(() => {
      if (this.#closing === closing) this.#closing = undefined;
    });
    this.#closing = closing;
    return closing;
  }

  async #close(end: number): Promise<void> {
    const { clock, logger } = this.#engine;
    // Whoever opens it is told of a failure.
    const opened = this.#opening?.catch(() => undefined);
    if (opened !== undefined && !(await inTime(clock, end, opened)) && !this.#isOpen)
      logger.warn({ jobStore: this.#alias }, 'a job store was still being opened at the shutdown: it stays open until another one');
    if (!this.#isOpen) return;
    let answered = false;
    let isLate = false;
    try {
      answered = await inTime(
        clock,
        end,
        this.#hooks.finishUp(() => isLate),
      );
    } finally {
      isLate = true;
      this.#hooks.leave();
      this.#isOpen = false;
      let closed = false;
      try {
        closed = await inTime(clock, end, Promise.resolve(this.#calls.close()));
      } finally {
        inUse.delete(this.#store);
        const unwritten = this.#hooks.closed();
        if (!answered || !closed || unwritten > 0)
          logger.warn(
            { jobStore: this.#alias, unwritten },
            'a job store did not take all at the shutdown: runs that are over and not written are taken over when their lease runs out',
          );
      }
    }
  }
}
