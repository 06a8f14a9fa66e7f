import { describe, expect, test } from 'vitest';
import { StoreTime } from '../../src/engine/store-time.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';

/** Each look at it takes a millisecond. */
class SlowClock extends VirtualClock {
  #looks = 0;

  override now(): number {
    this.#looks += 1;
    return super.now() + this.#looks;
  }
}

describe('StoreTime', () => {
  test("of a store in memory is this process's, also where a look took a millisecond", () => {
    const clock = new SlowClock({ now: 0 });
    const time = new StoreTime(clock, false);
    time.note(clock.now());
    expect(time.here(1_000)).toBe(1_000);
  });

  test('of a shared store is what that has said, and goes on with the monotonic hand when our clock is set', async () => {
    const clock = new VirtualClock({ now: 1_000 });
    const time = new StoreTime(clock, true);
    time.note(5_000);
    expect([time.now(), time.here(5_500)]).toEqual([5_000, 1_500]);
    await clock.jumpWall('1h');
    expect(time.now()).toBe(5_000);
    await clock.advance('1s');
    expect(time.now()).toBe(6_000);
  });
});
