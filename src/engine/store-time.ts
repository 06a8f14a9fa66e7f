import type { Clock } from '../core/clock.ts';

/** What time it is for a store, as far as this process knows: its clock can be set otherwise than ours. */
export class StoreTime {
  readonly #clock: Clock;
  readonly #durable: boolean;
  /** The store's clock less ours. */
  #offset = 0;
  /** The store's clock less our monotonic hand: it stays right when our clock is set. */
  #steadyOffset: number | undefined;

  constructor(clock: Clock, durable: boolean) {
    this.#clock = clock;
    this.#durable = durable;
  }

  /** What the store has just said. One in memory has our clock: what it read a moment ago is no other time, even if that was a millisecond ago. */
  note(now: number): void {
    if (!this.#durable) return;
    this.#offset = now - this.#clock.now();
    this.#steadyOffset = now - this.#clock.monotonic();
  }

  now(): number {
    return this.#steadyOffset === undefined ? this.#clock.now() : Math.round(this.#clock.monotonic() + this.#steadyOffset);
  }

  /** A time of the store, by this process's clock. */
  here(time: number): number {
    return time - this.#offset;
  }
}
