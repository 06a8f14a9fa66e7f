import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { InvalidOptionError } from '../../src/errors.ts';
import { Calendar, type CalendarOptions } from '../../src/triggers/calendar.ts';
import { CalendarShiftTrigger } from '../../src/triggers/calendar-shift.ts';
import { CronTrigger } from '../../src/triggers/cron/cron.ts';
import { ExceptTrigger } from '../../src/triggers/except.ts';
import { IntervalTrigger } from '../../src/triggers/interval.ts';
import { anyCalendar, anyCron, anyInstant, anyInterval } from './arbitrary-triggers.ts';

const day = 86_400_000;
const calendar = new Calendar({ name: 'work', weekdays: 'sat,sun', dates: ['12-25/12-26', '2030-10-03'], timezone: 'Europe/Berlin' });
const monthly = new CronTrigger({ expression: '0 9 1 * *', timezone: 'Europe/Berlin' });

function shifted(policy: 'skip' | 'next-working-day' | 'previous-working-day'): (string | null)[] {
  const trigger = new CalendarShiftTrigger(monthly, { calendar, policy });
  return trigger.preview(4, { from: '2030-05-02 00:00' }).map((time) => time.toISO({ suppressMilliseconds: true }));
}

test('a calendar that is closed for ages, or for ever, says so without a look at each day', () => {
  const has = vi.spyOn(Calendar.prototype, 'hasDay');
  const leave = (dates: string[]): number | undefined =>
    new Calendar({ name: 'closed', dates, timezone: 'UTC' }).leave(Date.parse('2026-06-01T12:00Z'));
  expect(leave(['1970-01-01/9999-12-31'])).toBe(Date.parse('+010000-01-01T00:00Z'));
  expect(leave(['2026-01-01/2099-12-31', '2100-01-03/2199-12-31', '01-01/01-02'])).toBe(Date.parse('2200-01-03T00:00Z'));
  expect(has.mock.calls.length).toBeLessThan(20);
  expect(leave(['01-01/12-31'])).toBeUndefined();
  expect(has.mock.calls.length).toBeLessThan(41 * 366);
  has.mockRestore();
});

describe('CalendarShiftTrigger', () => {
  test('leaves out what falls on an excluded day', () => {
    expect(shifted('skip')).toEqual(
      ['2030-07-01', '2030-08-01', '2030-10-01', '2030-11-01'].map((date, index) => `${date}T09:00:00+0${index < 3 ? 2 : 1}:00`),
    );
  });

  test('moves it to the next working day at the same wall time', () => {
    expect(shifted('next-working-day')).toEqual(
      ['2030-06-03', '2030-07-01', '2030-08-01', '2030-09-02'].map((date) => `${date}T09:00:00+02:00`),
    );
  });

  test('moves it to the previous working day at the same wall time', () => {
    expect(shifted('previous-working-day')).toEqual(
      ['2030-05-31', '2030-07-01', '2030-08-01', '2030-08-30'].map((date) => `${date}T09:00:00+02:00`),
    );
  });

  test('fires once where moved times meet', () => {
    const daily = new CronTrigger({ expression: '0 9 * * *', timezone: 'Europe/Berlin' });
    const trigger = new CalendarShiftTrigger(daily, { calendar, policy: 'next-working-day' });
    expect(trigger.preview(2, { from: '2030-01-04 09:00' }).map((time) => time.toISODate())).toEqual(['2030-01-07', '2030-01-08']);
  });

  test.each(['next-working-day', 'previous-working-day'] as const)('%s agrees with moving each time by itself', (policy) => {
    fc.assert(
      fc.property(fc.oneof(anyCron, anyInterval), anyCalendar, anyInstant, (trigger, days, after) => {
        const { zone } = days;
        const step = policy === 'next-working-day' ? 1 : -1;
        let earliest: number | undefined;
        for (let time = trigger.next(after - 16 * day); time !== undefined && time < after + 45 * day; time = trigger.next(time)) {
          const wall = zone.wallOf(time);
          let target = Math.floor(wall / day);
          while (days.hasDay(target)) target += step;
          const moved = target === Math.floor(wall / day) ? time : zone.instantOf(target * day + (wall - Math.floor(wall / day) * day));
          if (moved > after && (earliest === undefined || moved < earliest)) earliest = moved;
        }
        // Only what lies well within the times that were walked can be compared.
        fc.pre(earliest !== undefined && earliest < after + 25 * day);
        expect(new CalendarShiftTrigger(trigger, { calendar: days, policy }).next(after)).toBe(earliest);
      }),
      { numRuns: 150 },
    );
  });
});

describe('Calendar', () => {
  test('leaps over its days', () => {
    const everySecond = new IntervalTrigger({ seconds: 1, startDate: 0 });
    const leave = new Calendar({ name: 'leave', dates: ['2030-03-01/2030-04-30'], timezone: 'Europe/Berlin' });
    const trigger = new ExceptTrigger(everySecond, leave);
    expect(trigger.next(Date.parse('2030-02-28T23:59:59+01:00'))).toBe(Date.parse('2030-05-01T00:00:00+02:00'));
  });

  test('carries its data in JSON', () => {
    expect(calendar.toJSON()).toEqual({
      type: 'calendar-days',
      name: 'work',
      timezone: 'Europe/Berlin',
      dates: ['12-25/12-26', '2030-10-03'],
      weekdays: [0, 6],
    });
  });

  test.each<[CalendarOptions, string]>([
    [{ name: '' }, 'name'],
    [{ name: 'x', weekdays: 'sun-sat' }, 'weekdays'],
    [{ name: 'x', weekdays: [8] }, 'weekdays'],
    [{ name: 'x', dates: ['25.12.2030'] }, 'dates'],
    [{ name: 'x', timezone: 'Mars/Base' }, 'timezone'],
  ])('refuses %j', (options, option) => {
    expect(() => new Calendar(options)).toThrow(expect.objectContaining({ name: InvalidOptionError.name, option }));
  });

  test('refuses a policy it does not have', () => {
    expect(() => Reflect.construct(CalendarShiftTrigger, [monthly, { calendar, policy: 'later' }])).toThrow('policy');
  });
});
