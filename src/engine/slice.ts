import type { Clock } from '../core/clock.ts';

/** The longest the loop works without giving way, in milliseconds. */
const LENGTH = 6;

/** A stretch of work between two turns of the event loop. */
export class Slice {
  readonly #clock: Clock;
  #began = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(): void {
    this.#began = this.#clock.monotonic();
  }

  get isOver(): boolean {
    return this.#clock.monotonic() - this.#began > LENGTH;
  }

  /** Lets the event loop turn, and begins the next one. */
  async giveWay(): Promise<void> {
    await new Promise<void>((resolve) => void this.#clock.wakeAfter(0, resolve));
    this.begin();
  }
}
