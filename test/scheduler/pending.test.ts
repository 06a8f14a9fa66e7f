import { describe, expect, test } from 'vitest';
import { JobNotFoundError, SchedulerStateError } from '../../src/errors.ts';
import type { Scheduler } from '../../src/scheduler.ts';
import { MemoryJobStore } from '../../src/stores/memory.ts';
import { eventNames, noter, rig, settle } from './rig.ts';

function nothing(): void {}

describe('a job whose last fire time passes before the start', () => {
  async function overdue(): Promise<Scheduler> {
    const { clock, scheduler } = rig();
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, endDate: '2030-01-01T00:01:00Z', id: 'over' });
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, id: 'on' });
    await clock.advance('2m');
    return scheduler;
  }

  test('is left out of the lists, which show the others', async () => {
    const scheduler = await overdue();
    expect((await scheduler.getJobs()).map(({ id }) => id)).toEqual(['on']);
    let table = '';
    await scheduler.printJobs({ write: (text) => (table += text) });
    expect(table).toContain('on ');
    expect(table).not.toContain('over');
  });

  test('is not found by its id', async () => {
    const scheduler = await overdue();
    expect(await scheduler.getJob('over')).toBeUndefined();
    await expect(scheduler.pauseJob('over')).rejects.toThrow(JobNotFoundError);
    await expect(scheduler.modifyJob('over', { name: 'x' })).rejects.toThrow(JobNotFoundError);
  });

  test('has its fire times explained all the same', async () => {
    const scheduler = await overdue();
    const explained = await scheduler.explain('over', { from: '2030-01-01T00:00:00Z' });
    expect(explained.map(({ outcome }) => outcome)).toEqual(Array(6).fill('unknown'));
  });

  test('is told of as removed once the others are stored', async () => {
    const scheduler = await overdue();
    const told = eventNames(scheduler);
    await scheduler.start();
    expect(told).toEqual(['jobRemoved over', 'schedulerStarted']);
  });

  test('leaves its id to another', async () => {
    const scheduler = await overdue();
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, id: 'over', onConflict: 'error' });
    expect((await scheduler.getJobs()).map(({ id }) => id)).toEqual(['on', 'over']);
  });
});

describe('a job that is added before the start', () => {
  test('for now, and then rescheduled or moved, has its new time', async () => {
    const { clock, scheduler } = rig();
    const calls: string[] = [];
    for (const id of ['a', 'b']) await scheduler.addJob((name: string) => void calls.push(name), { id, trigger: 'date', args: [id] });
    await scheduler.rescheduleJob('a', { trigger: 'date', runDate: '2030-01-01T01:00:00Z' });
    await scheduler.modifyJob('b', { nextRunTime: '2030-01-01T02:00:00Z' });
    await scheduler.start();
    await clock.advance('59m');
    expect(calls).toEqual([]);
    expect((await scheduler.explain('b', { from: clock.now() })).map(({ outcome }) => outcome)).toEqual(['planned']);
    await clock.advance('2h');
    expect(calls).toEqual(['a', 'b']);
  });

  test.each([1, 5, 200])('of %i that come together with it none is left behind', async (count) => {
    const { clock, scheduler } = rig();
    let ran = 0;
    scheduler.task('t', () => {
      ran += 1;
    });
    const jobs = Array.from({ length: count }, (_, index) => ({ task: 't', id: `j${index}`, trigger: 'date' }) as const);
    const [added] = await Promise.all([scheduler.addJobs(jobs), scheduler.start()]);
    await settle(clock);
    expect(added).toHaveLength(count);
    expect(ran).toBe(count);
    expect(await scheduler.getJobs()).toEqual([]);
  });

  test('is told of when it is added, and not again at the start', async () => {
    const { scheduler } = rig();
    const told = eventNames(scheduler, ['jobAdded', 'jobModified']);
    await scheduler.every('1s', nothing, { id: 'a' });
    expect(told).toEqual(['jobAdded a']);
    await scheduler.start();
    expect(told).toEqual(['jobAdded a']);
  });

  test('is modified by being added again', async () => {
    const { scheduler } = rig();
    const told = eventNames(scheduler, ['jobAdded', 'jobModified']);
    await scheduler.every('1s', nothing, { id: 'a' });
    await scheduler.every('2s', nothing, { id: 'a' });
    await scheduler.every('3s', nothing, { id: 'a', onConflict: 'keep' });
    await scheduler.start();
    expect(told).toEqual(['jobAdded a', 'jobModified a']);
  });

  test('cannot join a transaction, which would be over by the start', async () => {
    const { scheduler } = rig({ jobStores: { default: new MemoryJobStore(), other: new MemoryJobStore() } });
    const within = { trigger: 'date', transaction: {} } as const;
    await expect(scheduler.addJob(nothing, within)).rejects.toThrow(SchedulerStateError);
    await expect(
      scheduler.addJobs([
        { task: nothing, trigger: 'date', jobStore: 'other' },
        { task: nothing, ...within },
      ]),
    ).rejects.toThrow(SchedulerStateError);
    expect(await scheduler.getJobs()).toEqual([]);
  });
});

test('paused and resumed before the start, a job keeps the next run that was set', async () => {
  const { clock, scheduler } = rig();
  const { calls, task } = noter(clock);
  await scheduler.addJob(task, { trigger: 'interval', seconds: 60, id: 'a', nextRunTime: '2030-01-01T00:00:07Z' });
  await scheduler.pauseJob('a');
  const resumed = await scheduler.resumeJob('a');
  expect(resumed.nextRunTime?.toISO()).toBe('2030-01-01T00:00:07.000Z');
  await scheduler.start();
  await clock.advance('10s');
  expect(calls).toEqual([7]);
});

test('resumed after the next run that was set has passed, a job goes on from then', async () => {
  const { clock, scheduler } = rig();
  const { calls, task } = noter(clock);
  await scheduler.addJob(task, { trigger: 'interval', seconds: 60, id: 'a', nextRunTime: '2030-01-01T00:00:07Z' });
  await scheduler.pauseJob('a');
  await clock.advance('30s');
  await scheduler.resumeJob('a');
  await scheduler.start();
  await clock.advance('60s');
  // The interval counts from the start, as that of any job that waits for it.
  expect(calls).toEqual([90]);
});
