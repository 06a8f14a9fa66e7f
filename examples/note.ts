// The APScheduler half of the note, line by line, over one virtual day: each line is asserted.
import assert from 'node:assert/strict';
import { Scheduler } from 'punctual';
import { VirtualClock } from 'punctual/testing';

const clock = new VirtualClock({ now: '2020-09-30 12:00:00+08:00' });
const timezone = 'Asia/Shanghai';
const printed: { text: string; at: string }[] = [];

// Stands for Python's `print`, and notes when.
function print(text: string): void {
  printed.push({ text, at: new Date(clock.now() + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ') });
}
const times = (text: string): string[] => printed.filter((line) => line.text === text).map((line) => line.at);

// scheduler = BlockingScheduler()
const scheduler = new Scheduler({ clock, timezone });

// scheduler.add_job(func=print, args=('hello',), trigger='date', next_run_time=datetime(2020, 10, 1, 0, 0, 0))
await scheduler.addJob(print, { args: ['date'], trigger: 'date', nextRunTime: '2020-10-01 00:00:00' });
// The same by the trigger's own option; without any it would be due now.
await scheduler.addJob(print, { args: ['runDate'], trigger: 'date', runDate: '2020-10-01 00:00:00' });
await scheduler.addJob(print, { args: ['now'], trigger: 'date' });

// scheduler.add_job(func=print, args=('hello',), trigger='interval', seconds=3)
const interval = await scheduler.addJob(print, { args: ['interval'], trigger: 'interval', seconds: 3 });

// scheduler.add_job(func=print, args=('hello',), trigger='cron', hour=12, minute=30)
await scheduler.addJob(print, { args: ['cron'], trigger: 'cron', hour: 12, minute: 30 });

// The options of the interval trigger: weeks, days, hours, minutes, seconds, start_date, end_date.
await scheduler.addJob(print, {
  args: ['hours'],
  trigger: 'interval',
  weeks: 0,
  days: 0,
  hours: 6,
  minutes: 0,
  seconds: 0,
  startDate: '2020-09-30 18:00:00',
  endDate: '2020-10-01 06:00:00',
});

// The options of the cron trigger: year, month, week, day_of_week, hour, minute, second, start_date, end_date. Weekday 4 is a Thursday.
await scheduler.addJob(print, {
  args: ['fields'],
  trigger: 'cron',
  year: 2020,
  month: '9-10',
  week: 40,
  dayOfWeek: 4,
  hour: '8-10',
  minute: 15,
  second: 30,
  startDate: '2020-10-01 09:00:00',
  endDate: '2020-12-31',
});

// scheduler.start(): BackgroundScheduler, so that this goes on. `await scheduler.run()` is BlockingScheduler.
await scheduler.start();
assert.equal(scheduler.state, 'running');

// scheduler.get_jobs(): those that wait.
assert.equal((await scheduler.getJobs()).length, 7);

await clock.advance('9s');
assert.deepEqual(times('now'), ['2020-09-30 12:00:00'], 'a date job without a date runs at once');
assert.deepEqual(times('interval'), ['2020-09-30 12:00:03', '2020-09-30 12:00:06', '2020-09-30 12:00:09']);
assert.equal((await scheduler.getJobs()).length, 6, 'a spent job is not listed');

// job = scheduler.add_job(...); job.remove()
await interval.remove();
await clock.advanceTo('2020-10-01 12:00:00+08:00');

assert.equal(times('interval').length, 3, 'a removed job does not run');
assert.deepEqual(times('date'), ['2020-10-01 00:00:00']);
assert.deepEqual(times('runDate'), ['2020-10-01 00:00:00']);
assert.deepEqual(times('cron'), ['2020-09-30 12:30:00'], 'each day at 12:30');
assert.deepEqual(times('hours'), ['2020-09-30 18:00:00', '2020-10-01 00:00:00', '2020-10-01 06:00:00'], 'start and end are part of it');
assert.deepEqual(times('fields'), ['2020-10-01 09:15:30', '2020-10-01 10:15:30'], 'every field must match');
assert.deepEqual(
  (await scheduler.getJobs()).map((job) => [job.args[0], job.nextRunTime?.toFormat('yyyy-MM-dd HH:mm:ss')]),
  [['cron', '2020-10-01 12:30:00']],
  'only what still has something to do is left',
);

// scheduler.shutdown()
await scheduler.shutdown();
assert.equal(scheduler.state, 'stopped');
clock.assertIdle();

console.log(`The note's day is over: ${printed.length} lines were printed when they should be.`);
