import { createSystemClock } from '../../src/clocks/system-clock.ts';
import type { Clock } from '../../src/core/clock.ts';

/** A clock whose wall hand is wrong, by an amount that may change; its monotonic hand is true. */
export interface ShiftedClock extends Clock {
  shift(byMs: number): void;
}

export function shiftedClock(byMs: number): ShiftedClock {
  const clock = createSystemClock();
  let offset = byMs;
  return {
    now: () => clock.now() + offset,
    monotonic: () => clock.monotonic(),
    wakeAt: (time, callback) => clock.wakeAt(time - offset, callback),
    wakeAfter: (ms, callback) => clock.wakeAfter(ms, callback),
    keepAlive: (yes) => clock.keepAlive?.(yes),
    shift: (by) => {
      offset += by;
    },
  };
}
