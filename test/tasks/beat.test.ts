import { describe, expect, test } from 'vitest';
import { TaskApp } from '../../src/tasks/index.ts';
import type { BeatEntry } from '../../src/tasks/beat.ts';
import { unusedEngine } from './unused-engine.ts';

function jobs(entry: BeatEntry) {
  return new TaskApp({ engine: unusedEngine, beatSchedule: { nightly: entry } }).beatJobs();
}

describe('a beat schedule', () => {
  test.each<[BeatEntry['schedule'], object]>([
    [{ seconds: 2 }, { trigger: 'interval', seconds: 2 }],
    [{ every: '90s' }, { trigger: 'interval', every: '90s' }],
    ['30 12 * * MON-FRI', { trigger: 'cron', expression: '30 12 * * MON-FRI' }],
    [
      { hour: 12, minute: 30 },
      { trigger: 'cron', hour: 12, minute: 30 },
    ],
    [
      { trigger: 'calendar-interval', months: 1 },
      { trigger: 'calendar-interval', months: 1 },
    ],
  ])('%j gives a job with %j', (schedule, expected) => {
    const [job] = jobs({ task: 'task1.fun1', args: ['hello'], schedule });
    expect(job?.options).toEqual({ ...expected, args: ['hello'], id: 'nightly' });
  });

  test('takes a trigger as it is', () => {
    const trigger = { next: () => undefined, toJSON: () => ({ type: 'own' }) };
    const [job] = jobs({ task: 't', schedule: trigger });
    expect(job?.options['trigger']).toBe(trigger);
  });

  test('passes on how the task is to be sent', () => {
    const [job] = jobs({ task: 't', schedule: { seconds: 2 }, options: { queue: 'mail', priority: 'high', misfireGraceTime: '1m' } });
    expect(job?.options).toMatchObject({ queue: 'mail', priority: 'high', misfireGraceTime: '1m' });
  });

  test('names a task of this app, or one that others implement', () => {
    const app = new TaskApp({
      engine: unusedEngine,
      beatSchedule: { one: { task: 'here', schedule: '@daily' }, two: { task: 'there', schedule: '@daily' } },
    });
    const here = app.task('here', () => 1);
    const [one, two] = app.beatJobs();
    expect(one?.task).toBe(here);
    expect(two?.task.name).toBe('there');
  });

  test.each<[string, unknown, string]>([
    ['no schedule', { task: 't', schedule: undefined }, 'beatSchedule.nightly.schedule'],
    ['an empty one', { task: 't', schedule: {} }, 'beatSchedule.nightly.schedule'],
    ['arguments that are no array', { task: 't', schedule: '@daily', args: 'hello' }, 'beatSchedule.nightly.args'],
    [
      'a priority that there is not',
      { task: 't', schedule: '@daily', options: { priority: 'hgih' } },
      'beatSchedule.nightly.options.priority',
    ],
    ['a queue that cannot be', { task: 't', schedule: '@daily', options: { queue: 'a:b' } }, 'beatSchedule.nightly.options.queue'],
    ['options that are none', { task: 't', schedule: '@daily', options: 'mail' }, 'beatSchedule.nightly.options'],
    ['a misspelt member', { task: 't', shedule: '@daily' }, 'shedule'],
  ])('with %s is refused', (_name, entry, option) => {
    expect(() => jobs(entry as BeatEntry)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }));
  });
});
