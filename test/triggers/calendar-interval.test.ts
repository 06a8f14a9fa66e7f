import { describe, expect, test } from 'vitest';
import { InvalidOptionError, InvalidTriggerError } from '../../src/errors.ts';
import { CalendarIntervalTrigger, type CalendarIntervalTriggerOptions } from '../../src/triggers/calendar-interval.ts';

function times(options: CalendarIntervalTriggerOptions, from: string, n: number): (string | null)[] {
  return new CalendarIntervalTrigger(options).preview(n, { from }).map((time) => time.toISO({ suppressMilliseconds: true }));
}

describe('CalendarIntervalTrigger', () => {
  test('keeps its wall time across a clock change', () => {
    expect(times({ days: 1, hour: 9, startDate: '2030-03-30', timezone: 'Europe/Berlin' }, '2030-03-29', 3)).toEqual([
      '2030-03-30T09:00:00+01:00',
      '2030-03-31T09:00:00+02:00',
      '2030-04-01T09:00:00+02:00',
    ]);
  });

  test('passes over months that lack the day', () => {
    expect(times({ months: 1, startDate: '2030-01-31', timezone: 'UTC' }, '2030-01-31', 3)).toEqual([
      '2030-03-31T00:00:00Z',
      '2030-05-31T00:00:00Z',
      '2030-07-31T00:00:00Z',
    ]);
  });

  test('runs on 29 February in leap years alone', () => {
    expect(times({ years: 1, startDate: '2096-02-29', timezone: 'UTC' }, '2090-01-01', 3)).toEqual([
      '2096-02-29T00:00:00Z',
      '2104-02-29T00:00:00Z',
      '2108-02-29T00:00:00Z',
    ]);
  });

  test('adds months first, then days, each date resting on the one before', () => {
    expect(times({ months: 1, days: 1, startDate: '2030-01-30', timezone: 'UTC' }, '2030-01-30', 3)).toEqual([
      '2030-03-31T00:00:00Z',
      '2030-06-01T00:00:00Z',
      '2030-07-02T00:00:00Z',
    ]);
  });

  test.each<[string, CalendarIntervalTriggerOptions, string, string[]]>([
    ['moves a skipped time behind the gap', {}, '2030-03-30 12:00', ['2030-03-31T03:00:00+02:00', '2030-04-01T02:30:00+02:00']],
    [
      'leaves a skipped time out if told so',
      { gap: 'skip' },
      '2030-03-30 12:00',
      ['2030-04-01T02:30:00+02:00', '2030-04-02T02:30:00+02:00'],
    ],
    ['takes the first of a repeated time', {}, '2030-10-26 12:00', ['2030-10-27T02:30:00+02:00', '2030-10-28T02:30:00+01:00']],
    ['takes the last if told so', { fold: 'last' }, '2030-10-26 12:00', ['2030-10-27T02:30:00+01:00', '2030-10-28T02:30:00+01:00']],
    ['takes both if told so', { fold: 'both' }, '2030-10-26 12:00', ['2030-10-27T02:30:00+02:00', '2030-10-27T02:30:00+01:00']],
  ])('%s', (_, policy, from, expected) => {
    expect(times({ days: 1, hour: 2, minute: 30, startDate: '2030-01-01', timezone: 'Europe/Berlin', ...policy }, from, 2)).toEqual(
      expected,
    );
  });

  test('fires once where a date does not exist', () => {
    expect(times({ days: 1, startDate: '2011-12-28', timezone: 'Pacific/Apia' }, '2011-12-28 12:00', 3)).toEqual([
      '2011-12-29T00:00:00-10:00',
      '2011-12-31T00:00:00+14:00',
      '2012-01-01T00:00:00+14:00',
    ]);
  });

  test('counts from the day it is anchored on, later than that moment only', () => {
    const trigger = new CalendarIntervalTrigger({ weeks: 2, hour: 9, timezone: 'UTC' });
    const morning = trigger.anchored(Date.parse('2030-01-02T08:00:00Z'));
    const noon = trigger.anchored(Date.parse('2030-01-02T12:00:00Z'));
    expect(morning.next(0)).toBe(Date.parse('2030-01-02T09:00:00Z'));
    expect(noon.next(0)).toBe(Date.parse('2030-01-16T09:00:00Z'));
    expect(noon.toJSON()).toMatchObject({ weeks: 2, hour: 9, anchor: '2030-01-02T12:00:00.000Z' });
    expect(trigger.toJSON()).not.toHaveProperty('anchor');
  });

  test('includes its end date', () => {
    const trigger = new CalendarIntervalTrigger({
      days: 1,
      hour: 9,
      startDate: '2030-01-01',
      endDate: '2030-01-02 09:00',
      timezone: 'UTC',
    });
    expect(trigger.next(Date.parse('2030-01-01T09:00:00Z'))).toBe(Date.parse('2030-01-02T09:00:00Z'));
    expect(trigger.next(Date.parse('2030-01-02T09:00:00Z'))).toBeUndefined();
  });

  test('describes itself', () => {
    const trigger = new CalendarIntervalTrigger({ months: 1, hour: 9, startDate: '2030-01-31', timezone: 'UTC' });
    expect(trigger.describe()).toBe('every month at 09:00:00 UTC, from 2030-01-31');
    const both = new CalendarIntervalTrigger({ years: 1, days: 2, hour: 9, timezone: 'UTC' });
    expect(both.describe()).toBe('every 1 year and 2 days at 09:00:00 UTC');
  });

  test.each<[CalendarIntervalTriggerOptions, string]>([
    [{ days: -1 }, 'days'],
    [{ months: 1.5 }, 'months'],
    [{ days: 1, hour: 24 }, 'hour'],
    [{ days: 1, second: 60 }, 'second'],
    [{ days: 1, startDate: '2030-01-02', endDate: '2030-01-01' }, 'endDate'],
  ])('refuses %j', (options, option) => {
    expect(() => new CalendarIntervalTrigger(options)).toThrow(expect.objectContaining({ name: InvalidOptionError.name, option }));
  });

  test('refuses to have no step', () => {
    expect(() => new CalendarIntervalTrigger({ hour: 9 })).toThrow(InvalidTriggerError);
    expect(() => new CalendarIntervalTrigger({ days: 0 })).toThrow(InvalidTriggerError);
  });
});
