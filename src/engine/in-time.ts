import type { Clock } from '../core/clock.ts';

/**
 * Waits for work until a moment of the monotonic clock and no longer; answers whether it was done by then. What fails by then is thrown;
 * what comes of it later is nobody's news.
 */
export async function inTime(clock: Clock, end: number, work: Promise<unknown>): Promise<boolean> {
  if (end === Infinity) {
    await work;
    return true;
  }
  let cancel = (): void => {};
  const over = new Promise<false>((resolve) => {
    cancel = clock.wakeAfter(Math.max(0, end - clock.monotonic()), () => resolve(false));
  });
  try {
    return await Promise.race([work.then(() => true), over]);
  } finally {
    cancel();
  }
}
