import type { Cancel } from '../core/clock.ts';
import { type EngineContext, tell } from './context.ts';
import type { Lane } from './lane.ts';

/** The longest single sleep, in milliseconds: a clock that was set, or a machine that slept, is noticed by then. */
const LONGEST_SLEEP = 30_000;
/** Wall and monotonic time further apart than this between two looks are a jump, in milliseconds. */
const JUMP = 1000;
/** How long after a wake-up further looks may follow in the same turn, in milliseconds. */
const SLICE = 6;

/**
 * Owns the one timer: it is set for the earliest look that any store wants, never for longer than 30 seconds while there is one.
 * A lane that wants a look during its own pass says so itself, so no wake-up is lost.
 */
export class Loop {
  readonly #engine: EngineContext;
  readonly #lanes: readonly Lane[];
  #cancel: Cancel | undefined;
  #armedFor: number | undefined;
  #running = false;
  #looksSoon = false;
  /** Both hands of the clock at the last wake-up. */
  #wall = 0;
  #monotonic = 0;

  constructor(engine: EngineContext, lanes: readonly Lane[]) {
    this.#engine = engine;
    this.#lanes = lanes;
  }

  get nextWake(): number | undefined {
    return this.#armedFor;
  }

  begin(): void {
    this.#running = true;
    this.#noteTime();
    for (const lane of this.#lanes) lane.begin();
    this.arm();
  }

  /** No further wake-up; passes under way come to their end. */
  cease(): void {
    this.#running = false;
    for (const lane of this.#lanes) lane.cease();
    this.#disarm();
  }

  /** Sets the timer for the earliest look wanted. */
  arm(): void {
    // A look that is about to happen arms when it is over.
    if (!this.#running || this.#looksSoon) return;
    let earliest: number | undefined;
    for (const lane of this.#lanes)
      if (lane.nextLook !== undefined && (earliest === undefined || lane.nextLook < earliest)) earliest = lane.nextLook;
    if (earliest === undefined) return this.#disarm();
    const latest = this.#engine.clock.now() + LONGEST_SLEEP;
    const time = Math.min(earliest, latest);
    // An earlier wake-up than needed does no harm; moving the timer for every job added or removed would.
    if (this.#armedFor !== undefined && this.#armedFor <= time) return;
    this.#disarm();
    this.#armedFor = time;
    const { clock } = this.#engine;
    this.#cancel = time <= clock.now() ? clock.wakeAfter(0, () => this.#woken()) : clock.wakeAt(time, () => this.#woken());
  }

  /**
   * An executor has room again: looks in this very turn of the event loop, so that a worker thread does not stand idle for one, as long as
   * the last wake-up is only milliseconds ago; else in the next turn, so that short runs cannot keep everything else from its turn.
   */
  lookForMore(): void {
    const looksSoon = this.#looksSoon;
    this.#looksSoon ||= this.#engine.clock.monotonic() - this.#monotonic <= SLICE;
    for (const lane of this.#lanes) lane.wake();
    if (looksSoon || !this.#looksSoon) return;
    queueMicrotask(() => {
      this.#looksSoon = false;
      if (!this.#running) return;
      this.#disarm();
      this.#look();
    });
  }

  #disarm(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#armedFor = undefined;
  }

  #woken(): void {
    this.#cancel = undefined;
    this.#armedFor = undefined;
    if (!this.#running) return;
    this.#lookForJump();
    this.#look();
  }

  #look(): void {
    const now = this.#engine.clock.now();
    for (const lane of this.#lanes) if (lane.nextLook !== undefined && lane.nextLook <= now) void lane.pass();
    this.arm();
  }

  #noteTime(): void {
    this.#wall = this.#engine.clock.now();
    this.#monotonic = this.#engine.clock.monotonic();
  }

  #lookForJump(): void {
    const by = this.#engine.clock.now() - this.#wall - (this.#engine.clock.monotonic() - this.#monotonic);
    this.#noteTime();
    if (Math.abs(by) <= JUMP) return;
    const byMs = Math.round(by);
    this.#engine.logger.warn({ byMs }, 'the wall clock jumped');
    tell(this.#engine, 'clockJump', () => ({ byMs }));
    for (const lane of this.#lanes) lane.wake();
  }
}
