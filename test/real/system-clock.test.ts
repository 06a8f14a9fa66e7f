import { afterEach, describe, expect, test, vi } from 'vitest';
import { createSystemClock } from '../../src/clocks/system-clock.ts';
import { Scheduler } from '../../src/scheduler.ts';
import { silent } from '../fixtures/requests.ts';

// These wait for the real clock, a fraction of a second each.
describe('the system clock', () => {
  afterEach(() => vi.restoreAllMocks());

  test('wakes when a wall time has come, never before', async () => {
    const clock = createSystemClock();
    const due = clock.now() + 60;
    const woken = await new Promise<number>((resolve) => clock.wakeAt(due, () => resolve(clock.now())));
    expect(woken).toBeGreaterThanOrEqual(due);
    expect(woken).toBeLessThan(due + 2000);
  });

  test('wakes after a length of time, and gives way at none', async () => {
    const clock = createSystemClock();
    const begun = clock.monotonic();
    await new Promise<void>((resolve) => clock.wakeAfter(0, resolve));
    await new Promise<void>((resolve) => clock.wakeAfter(40, resolve));
    expect(clock.monotonic() - begun).toBeGreaterThanOrEqual(40);
  });

  test('a wall clock that is set back does not prolong a sleep', async () => {
    const clock = createSystemClock();
    const begun = clock.monotonic();
    const slept = new Promise<void>((resolve) => clock.wakeAt(clock.now() + 50, resolve));
    const now = Date.now.bind(Date);
    vi.spyOn(Date, 'now').mockImplementation(() => now() - 3_600_000);
    await slept;
    expect(clock.monotonic() - begun).toBeLessThan(5000);
  });

  test('a cancelled wake-up never comes', async () => {
    const clock = createSystemClock();
    let woken = 0;
    for (const cancel of [
      clock.wakeAt(clock.now() + 10, () => (woken += 1)),
      clock.wakeAfter(10, () => (woken += 1)),
      clock.wakeAfter(0, () => (woken += 1)),
    ])
      cancel();
    await new Promise<void>((resolve) => clock.wakeAfter(60, resolve));
    expect(woken).toBe(0);
  });
});

describe('a scheduler on the real clock', () => {
  test('is never early, and runs each time once', async () => {
    await using scheduler = new Scheduler({ logger: silent });
    const early: number[] = [];
    const times: number[] = [];
    const { promise, resolve } = deferred();
    scheduler.on('jobExecuted', (run) => {
      times.push(run.scheduledAt.toMillis());
      early.push((run.startedAt?.toMillis() ?? 0) - run.scheduledAt.toMillis());
      if (times.length === 8) resolve();
    });
    await scheduler.start();
    await scheduler.addJob(() => {}, { trigger: 'interval', milliseconds: 40, coalesce: 'all' });
    await promise;
    expect(Math.min(...early)).toBeGreaterThanOrEqual(0);
    expect(times.map((time) => time - (times[0] ?? 0))).toEqual([0, 40, 80, 120, 160, 200, 240, 280]);
  });
});

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
