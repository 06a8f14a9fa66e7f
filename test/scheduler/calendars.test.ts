import { expect, test } from 'vitest';
import { InvalidOptionError, Scheduler } from '../../src/index.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';

// 2030-01-01 is a Tuesday.
const begin = '2030-01-01T00:00:00Z';

function rig(): { clock: VirtualClock; scheduler: Scheduler; days: string[]; note: () => void } {
  const clock = new VirtualClock({ now: begin });
  const scheduler = new Scheduler({ clock, timezone: 'UTC' });
  const days: string[] = [];
  return { clock, scheduler, days, note: () => void days.push(new Date(clock.now()).toISOString().slice(5, 16)) };
}

test('a job that names a calendar does not run on its days', async () => {
  const { clock, scheduler, days, note } = rig();
  await scheduler.setCalendar({ name: 'weekends', weekdays: 'sat,sun' });
  await scheduler.addJob(note, { trigger: 'cron', hour: 9, calendars: 'weekends' });
  await scheduler.start();
  await clock.advance({ days: 8 });
  expect(days).toEqual(['01-01T09:00', '01-02T09:00', '01-03T09:00', '01-04T09:00', '01-07T09:00', '01-08T09:00']);
  await scheduler.shutdown();
});

test('a run can move to the next working day, and collapses with the one that is there', async () => {
  const { clock, scheduler, days, note } = rig();
  await scheduler.setCalendar({ name: 'weekends', weekdays: 'sat,sun' });
  await scheduler.addJob(note, { trigger: 'cron', day: '5,6,7', hour: 9, calendars: ['weekends'], calendarPolicy: 'next-working-day' });
  await scheduler.start();
  await clock.advance({ days: 8 });
  expect(days).toEqual(['01-07T09:00']);
  await scheduler.shutdown();
});

test('a new edition of a calendar moves the next run of the jobs that name it, and of no other', async () => {
  const { clock, scheduler, days, note } = rig();
  await scheduler.setCalendar({ name: 'holidays', version: 1, dates: ['2030-01-02'] });
  await scheduler.addJob(note, { id: 'named', trigger: 'cron', hour: 9, calendars: 'holidays' });
  await scheduler.addJob(() => {}, { id: 'other', trigger: 'cron', hour: 9 });
  await scheduler.start();
  await clock.advance({ days: 1 });
  expect((await scheduler.getJob('named'))?.nextRunTime?.toISODate()).toBe('2030-01-03');
  const changed = await scheduler.setCalendar({ name: 'holidays', version: 2, dates: ['2030-01-03'] });
  expect(changed.map((job) => job.id)).toEqual(['named']);
  expect((await scheduler.getJob('named'))?.nextRunTime?.toISODate()).toBe('2030-01-02');
  await clock.advance({ days: 3 });
  expect(days).toEqual(['01-01T09:00', '01-02T09:00', '01-04T09:00']);
  await scheduler.shutdown();
});

test('a calendar that nobody set is refused with the known ones', async () => {
  const { scheduler } = rig();
  await scheduler.setCalendar({ name: 'holidays', dates: ['12-25'] });
  const refused = scheduler.addJob(() => {}, { trigger: 'cron', hour: 9, calendars: 'holiday' });
  await expect(refused).rejects.toThrow(InvalidOptionError);
  await expect(refused).rejects.toThrow('did you mean "holidays"?');
  expect(await scheduler.getJobs()).toEqual([]);
});

test.each(['next-working-day', 'previous-working-day'] as const)(
  'a job moved to the %s can be added just after a time at which it fires',
  async (calendarPolicy) => {
    const { clock, scheduler, note } = rig();
    await scheduler.setCalendar({ name: 'weekends', weekdays: 'sat,sun' });
    await clock.advance({ milliseconds: 500 });
    const job = await scheduler.addJob(note, { trigger: 'cron', hour: '*', calendars: 'weekends', calendarPolicy });
    expect(job.nextRunTime?.toISO()).toBe('2030-01-01T01:00:00.000Z');
  },
);

test('a policy without a calendar is refused, and a calendar named twice counts once', async () => {
  const { scheduler, note } = rig();
  await scheduler.setCalendar({ name: 'weekends', weekdays: 'sat,sun' });
  for (const calendars of [undefined, []]) {
    const refused = scheduler.addJob(note, {
      trigger: 'cron',
      hour: 9,
      calendarPolicy: 'skip',
      ...(calendars !== undefined && { calendars }),
    });
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_OPTION', option: 'calendarPolicy' });
  }
  const once = await scheduler.addJob(note, { trigger: 'cron', hour: 9, calendars: ['weekends', 'weekends'] });
  expect(once.trigger.toJSON()).toMatchObject({ type: 'calendar', of: { type: 'cron' } });
});

test('rescheduleJob drops the calendars of the old trigger, and takes those of the new one', async () => {
  const { scheduler, note } = rig();
  await scheduler.setCalendar({ name: 'weekends', weekdays: 'sat,sun' });
  await scheduler.addJob(note, { id: 'a', trigger: 'cron', hour: 9, calendars: 'weekends' });
  const without = await scheduler.rescheduleJob('a', { trigger: 'cron', day: 5, hour: 9 });
  expect(without.nextRunTime?.toISODate()).toBe('2030-01-05');
  const again = await scheduler.rescheduleJob('a', {
    trigger: 'cron',
    day: 5,
    hour: 9,
    calendars: 'weekends',
    calendarPolicy: 'next-working-day',
  });
  expect(again.nextRunTime?.toISODate()).toBe('2030-01-07');
});
