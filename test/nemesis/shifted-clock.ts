import { createSystemClock } from '../../src/clocks/system-clock.ts';
import type { Clock } from '../../src/core/clock.ts';

/** A clock whose wall hand is wrong, by an amount that may change. */
export interface ShiftedClock extends Clock {
  shift(byMs: number): void;
}

/** Both of its hands run `rate` times as fast as they should from when it is made. */
export function shiftedClock(byMs: number, rate = 1): ShiftedClock {
  const clock = createSystemClock();
  const began = { wall: clock.now(), monotonic: clock.monotonic() };
  let offset = byMs;
  return {
    now: () => Math.floor(began.wall + (clock.now() - began.wall) * rate) + offset,
    monotonic: () => began.monotonic + (clock.monotonic() - began.monotonic) * rate,
    // Its time comes when the whole millisecond before it is over.
    wakeAt: (time, callback) => clock.wakeAt(Math.ceil(began.wall + (time - offset - began.wall) / rate), callback),
    wakeAfter: (ms, callback) => clock.wakeAfter(ms / rate, callback),
    keepAlive: (yes) => clock.keepAlive?.(yes),
    shift: (by) => {
      offset += by;
    },
  };
}
