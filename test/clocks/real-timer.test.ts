// The real timer: these tests wait for it, a few milliseconds each.
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { createSystemClock } from '../../src/clocks/system-clock.ts';

test('wakeAt never wakes before its time', async () => {
  const clock = createSystemClock();
  for (let round = 0; round < 10; round++) {
    const time = clock.now() + round;
    await new Promise<void>((resolve) => clock.wakeAt(time, resolve));
    expect(clock.now()).toBeGreaterThanOrEqual(time);
  }
});

test('wakeAfter never wakes before its time, and in order', async () => {
  const clock = createSystemClock();
  const start = clock.monotonic();
  const woken: number[] = [];
  await Promise.all([8, 2, 0].map((ms) => new Promise<void>((resolve) => clock.wakeAfter(ms, () => resolve(void woken.push(ms))))));
  expect(woken).toEqual([0, 2, 8]);
  expect(clock.monotonic() - start).toBeGreaterThanOrEqual(8);
});

test('a wake-up that was taken back does not come', async () => {
  const clock = createSystemClock();
  const woken: string[] = [];
  const cancels = [
    clock.wakeAfter(0, () => woken.push('now')),
    clock.wakeAfter(1, () => woken.push('soon')),
    clock.wakeAt(0, () => woken.push('past')),
  ];
  for (const cancel of cancels) cancel();
  for (const cancel of cancels) cancel();
  await new Promise<void>((resolve) => clock.wakeAfter(5, resolve));
  expect(woken).toEqual([]);
});

test('a time beyond what a timer can count does not wake at once', async () => {
  const clock = createSystemClock();
  const woken: string[] = [];
  const cancel = clock.wakeAfter(2 ** 40, () => woken.push('far'));
  await new Promise<void>((resolve) => clock.wakeAfter(5, resolve));
  expect(woken).toEqual([]);
  cancel();
});

test('a clock told not to keep the process alive lets it end', () => {
  const source = new URL('../../src/clocks/system-clock.ts', import.meta.url).href;
  const code = `import(${JSON.stringify(source)}).then(({ createSystemClock }) => {
    const clock = createSystemClock();
    clock.wakeAfter(1e9, () => {});
    clock.keepAlive(false);
    clock.wakeAt(Date.now() + 1e9, () => {});
  });`;
  const child = spawnSync(process.execPath, ['--import', 'tsx', '-e', code], { timeout: 30_000, encoding: 'utf8' });
  expect({ status: child.status, stderr: child.stderr }).toEqual({ status: 0, stderr: '' });
});
