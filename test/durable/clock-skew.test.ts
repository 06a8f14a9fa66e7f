import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Scheduler } from '../../src/scheduler.ts';
import { SqlJobStore } from '../../src/stores/sql/index.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { recordingLog } from '../fixtures/requests.ts';
import { temporaryDirectory } from '../stores/sql-under-test.ts';

const hour = 3_600_000;
const storeStart = Date.parse('2030-01-01T00:00:00Z');

const open: Scheduler[] = [];
afterEach(async () => {
  for (const scheduler of open.splice(0)) if (scheduler.state !== 'stopped') await scheduler.shutdown();
});

/** A process whose clock is wrong by so much, on a store whose clock is right. */
async function processWith(
  skew: number,
): Promise<{ readonly scheduler: Scheduler; readonly clock: VirtualClock; readonly calls: number[] }> {
  const clock = new VirtualClock({ now: storeStart + skew });
  const began = clock.monotonic();
  const now = (): number => storeStart + clock.monotonic() - began;
  const url = `sqlite:${join(await temporaryDirectory(), 'skew.db')}`;
  const scheduler = new Scheduler({ clock, timezone: 'UTC', jobStore: new SqlJobStore({ url, now }), logger: recordingLog().log });
  const calls: number[] = [];
  scheduler.task('note', () => void calls.push(now() - storeStart));
  open.push(scheduler);
  await scheduler.start();
  return { scheduler, clock, calls };
}

describe.each([
  ['an hour ahead', hour],
  ['an hour behind', -hour],
])('a process whose clock is %s', (_, skew) => {
  test('adds jobs that begin by the clock of the store', async () => {
    const { scheduler, clock, calls } = await processWith(skew);
    await scheduler.addJob('note', { id: 'a', trigger: 'interval', seconds: 10 });
    await scheduler.addJob('note', { id: 'b', trigger: 'cron', expression: '* * * * *' });
    await clock.advance('65s');
    expect(calls).toEqual([10_000, 20_000, 30_000, 40_000, 50_000, 60_000, 60_000]);
  });

  test('runs at once what has no date, before and after the start, and again at each boot', async () => {
    const { scheduler, clock, calls } = await processWith(skew);
    await scheduler.addJob('note', { id: 'a', trigger: 'date' });
    await clock.advance('1s');
    expect(calls).toEqual([0]);
    await scheduler.shutdown();
    await scheduler.addJob('note', { id: 'a', trigger: 'date' });
    await clock.advance('3s');
    await scheduler.start();
    await clock.advance('1s');
    expect(calls).toEqual([0, 4_000]);
    expect((await scheduler.getRuns()).map(({ scheduledAt }) => scheduledAt.toMillis() - storeStart)).toEqual([1_000, 0]);
  });

  test('reschedules a job by the clock of the store', async () => {
    const { scheduler, clock, calls } = await processWith(skew);
    await scheduler.addJob('note', { id: 'a', trigger: 'interval', hours: 5 });
    await scheduler.rescheduleJob('a', { trigger: 'interval', seconds: 20 });
    await clock.advance('50s');
    expect(calls).toEqual([20_000, 40_000]);
  });

  test('records times of the store', async () => {
    const { scheduler, clock } = await processWith(skew);
    await scheduler.addJob('note', { id: 'a', trigger: 'interval', seconds: 10 });
    await clock.advance('15s');
    const [run] = await scheduler.getRuns();
    expect(run?.startedAt?.toMillis()).toBe(storeStart + 10_000);
    expect(run?.finishedAt?.toMillis()).toBe(storeStart + 10_000);
  });
});

test('a retry comes when it is due though the clock is set in the meantime', async () => {
  const { scheduler, clock, calls } = await processWith(0);
  let isFirst = true;
  scheduler.task('fail once', async () => {
    calls.push(clock.monotonic());
    if (!isFirst) return;
    isFirst = false;
    await clock.jumpWall({ hours: 1 });
    throw new Error('once');
  });
  await scheduler.addJob('fail once', { id: 'a', trigger: 'interval', seconds: 10, maxRuns: 1, retry: { limit: 1, delay: '5s' } });
  await clock.advance('30s');
  expect(calls).toEqual([10_000, 15_000]);
});
