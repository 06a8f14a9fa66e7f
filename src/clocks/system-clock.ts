import type { Cancel, Clock } from '../core/clock.ts';

/** Node's timers count in a signed 32-bit number; what is longer would fire at once. */
const longestSleep = 2 ** 31 - 1;

/** A wake-up that has not happened yet. */
interface Pending {
  handle: { ref(): unknown; unref(): unknown };
}

/** The computer's own clock and timers. Each has its own `keepAlive`, so a scheduler makes one for itself. */
export function createSystemClock(): Clock {
  const pending = new Set<Pending>();
  let keepsAlive = true;

  const arm = <Handle extends Pending['handle']>(handle: Handle): Handle => {
    if (!keepsAlive) handle.unref();
    return handle;
  };

  /** Sleeps until nothing remains: a timer may end a fraction early, and is cut short where the wait is too long for one. */
  const sleep = (remaining: () => number, callback: () => void): Cancel => {
    const ended = (): void => {
      if (remaining() > 0) {
        timer = arm(setTimeout(ended, sleepFor(remaining())));
        wakeUp.handle = timer;
        return;
      }
      pending.delete(wakeUp);
      callback();
    };
    let timer = arm(setTimeout(ended, sleepFor(remaining())));
    const wakeUp: Pending = { handle: timer };
    pending.add(wakeUp);
    return () => {
      if (pending.delete(wakeUp)) clearTimeout(timer);
    };
  };

  const giveWay = (callback: () => void): Cancel => {
    const handle = arm(
      setImmediate(() => {
        pending.delete(wakeUp);
        callback();
      }),
    );
    const wakeUp: Pending = { handle };
    pending.add(wakeUp);
    return () => {
      if (pending.delete(wakeUp)) clearImmediate(handle);
    };
  };

  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    wakeAt(time, callback) {
      // On both hands: were it only wall time, a clock that is set back would prolong the sleep by as much.
      const end = performance.now() + (time - Date.now());
      return sleep(() => Math.min(time - Date.now(), end - performance.now()), callback);
    },
    wakeAfter(ms, callback) {
      if (ms <= 0) return giveWay(callback);
      const end = performance.now() + ms;
      return sleep(() => end - performance.now(), callback);
    },
    keepAlive(yes) {
      keepsAlive = yes;
      for (const { handle } of pending) {
        if (yes) handle.ref();
        else handle.unref();
      }
    },
  };
}

function sleepFor(ms: number): number {
  return Math.min(Math.max(Math.ceil(ms), 1), longestSleep);
}

/** A shared clock for whoever only asks what time it is. */
export const systemClock: Clock = createSystemClock();
