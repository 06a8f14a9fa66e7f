import { describe, expect, test } from 'vitest';
import type { Trigger } from '../../src/core/trigger.ts';
import { InvalidOptionError, InvalidTriggerError } from '../../src/errors.ts';
import { Calendar } from '../../src/triggers/calendar.ts';
import { CalendarIntervalTrigger } from '../../src/triggers/calendar-interval.ts';
import { CalendarShiftTrigger } from '../../src/triggers/calendar-shift.ts';
import { AndTrigger, OrTrigger } from '../../src/triggers/combine.ts';
import { CronTrigger } from '../../src/triggers/cron/cron.ts';
import { DateTrigger } from '../../src/triggers/date.ts';
import type { InspectableTrigger } from '../../src/triggers/derived.ts';
import { ExceptTrigger } from '../../src/triggers/except.ts';
import { IntervalTrigger } from '../../src/triggers/interval.ts';
import { Window, WindowTrigger } from '../../src/triggers/window.ts';

// What a caller without types may ask, or ask for.

const timezone = 'Europe/Berlin';
const daily = new CronTrigger({ hour: 9, timezone });
const weekend = new Calendar({ name: 'weekend', weekdays: 'sat,sun', timezone });

const triggers: readonly (readonly [string, InspectableTrigger])[] = [
  ['date', new DateTrigger({ runDate: 0, timezone })],
  ['interval', new IntervalTrigger({ seconds: 7, startDate: 0, endDate: Date.UTC(2050, 0, 1), timezone })],
  ['open interval', new IntervalTrigger({ seconds: 7, timezone })],
  ['cron', daily],
  ['crontab', CronTrigger.fromCrontab('30 9 * * 1', { timezone })],
  ['calendar-interval', new CalendarIntervalTrigger({ days: 2, startDate: '1970-01-01', timezone })],
  ['open calendar-interval', new CalendarIntervalTrigger({ months: 1, timezone })],
  ['and', new AndTrigger([daily, daily])],
  ['or', new OrTrigger([daily, new DateTrigger({ runDate: 0 })])],
  ['except', new ExceptTrigger(daily, weekend)],
  ['window', new WindowTrigger(daily, { days: 'mon', timezone })],
  ['calendar, skip', new CalendarShiftTrigger(daily, { calendar: weekend })],
  ['calendar, next', new CalendarShiftTrigger(daily, { calendar: weekend, policy: 'next-working-day' })],
  ['calendar, previous', new CalendarShiftTrigger(daily, { calendar: weekend, policy: 'previous-working-day' })],
];

describe.each(triggers)('a trigger of the kind %s', (_, trigger) => {
  test.each([
    ['nothing', undefined],
    ['null', null],
    ['not a number', Number.NaN],
    ['text', '1767225600000'],
    ['a Date', new Date(0)],
  ])('refuses to be asked about %s', (_name, value) => {
    const given = value as unknown as number;
    for (const [option, ask] of [
      ['after', () => trigger.next(given)],
      ['before', () => trigger.previous(given)],
      ['instant', () => trigger.matches(given)],
    ] as const)
      expect(ask).toThrow(expect.objectContaining({ name: 'InvalidOptionError', option, value }));
  });

  test('answers for moments beyond all time', () => {
    for (const before of [Number.NEGATIVE_INFINITY, -8.64e15 - 2, -8.64e15]) {
      const first = trigger.next(before);
      expect(Number.isSafeInteger(first)).toBe(true);
      expect(trigger.previous(before)).toBeUndefined();
    }
    for (const after of [8.64e15, 1e300, Number.POSITIVE_INFINITY]) {
      expect(trigger.next(after)).toBeUndefined();
      expect(Number.isSafeInteger(trigger.previous(after))).toBe(true);
      expect(trigger.matches(after + 1)).toBe(false);
    }
  });

  test('answers in whole milliseconds for a fraction of one', () => {
    const time = trigger.next(-0.5) ?? Number.NaN;
    expect(Number.isSafeInteger(time)).toBe(true);
    expect(time).toBe(trigger.next(-1));
    expect(trigger.previous(time + 0.5)).toBe(trigger.previous(time + 1));
    expect(trigger.matches(time + 0.5)).toBe(false);
  });

  test('refuses to preview what it is not asked for by name', () => {
    for (const options of [new Date(), null, 5, { form: '2030-01-01' }]) {
      expect(() => trigger.preview(1, options as never)).toThrow(InvalidOptionError);
    }
  });
});

test.each([
  ['an interval', IntervalTrigger],
  ['a date', DateTrigger],
  ['a cron', CronTrigger],
  ['a calendar interval', CalendarIntervalTrigger],
  ['a calendar', Calendar],
  ['a window', Window],
])('%s trigger is not made of what are no options', (_, Kind) => {
  for (const options of [null, 5, '90s', '2030-01-01', [], () => ({})]) {
    expect(() => new Kind(options as never)).toThrow(InvalidOptionError);
  }
});

describe('a trigger around another one', () => {
  const none = [undefined, null, 5, 'daily', {}, []] as unknown as readonly Trigger[];

  test.each([
    ['except', (inner: Trigger) => new ExceptTrigger(inner, weekend)],
    ['window', (inner: Trigger) => new WindowTrigger(inner, { days: 'mon' })],
    ['calendar', (inner: Trigger) => new CalendarShiftTrigger(inner, { calendar: weekend })],
  ])('refuses what is no trigger: %s', (_, make) => {
    for (const inner of none) expect(() => make(inner)).toThrow(expect.objectContaining({ name: 'InvalidOptionError', option: 'of' }));
  });

  test('refuses to leave out what is no trigger, no calendar and no window', () => {
    for (const excluded of [undefined, null, 'weekend', {}, { days: 'mon' }]) {
      expect(() => new ExceptTrigger(daily, excluded as never)).toThrow(expect.objectContaining({ option: 'except' }));
    }
  });

  test('refuses options that it does not have', () => {
    expect(() => new WindowTrigger(daily, undefined as never)).toThrow(InvalidOptionError);
    expect(() => new CalendarShiftTrigger(daily, undefined as never)).toThrow(InvalidOptionError);
    expect(() => new CalendarShiftTrigger(daily, { calendar: weekend, polcy: 'skip' } as never)).toThrow('did you mean "policy"?');
  });

  test.each([
    ['the moment asked about', (after: number) => after],
    ['an earlier moment', (after: number) => after - 1],
    ['not a number', () => Number.NaN],
    ['a fraction', (after: number) => after + 0.5],
    ['null', () => null],
    ['a Date', () => new Date(8.64e15)],
  ])('holds one of another make to the law, which answers with %s', (_, next) => {
    const wrong = { next, toJSON: () => ({ type: 'odd' }) } as unknown as Trigger;
    for (const around of [
      new AndTrigger([daily, wrong]),
      new OrTrigger([daily, wrong]),
      new ExceptTrigger(daily, wrong),
      new ExceptTrigger(wrong, weekend),
      new WindowTrigger(wrong, { days: 'mon' }),
      new CalendarShiftTrigger(wrong, { calendar: weekend, policy: 'next-working-day' }),
    ])
      expect(() => around.next(0)).toThrow(InvalidTriggerError);
  });
});

test.each([
  ['cron', () => new CronTrigger({ hour: 1, timezone: null } as never)],
  ['calendar-interval', () => new CalendarIntervalTrigger({ days: 1, timezone: null } as never)],
  ['calendar', () => new Calendar({ name: 'x', timezone: null } as never)],
  ['window', () => new Window({ days: 'mon', timezone: null } as never)],
])('null is no time zone: %s', (_, make) => {
  expect(make).toThrow(expect.objectContaining({ option: 'timezone' }));
});

test.each([[null], [true], [[null]], [[[3]]], [['']], [{}]])('%j is no weekday', (weekdays) => {
  expect(() => new Calendar({ name: 'x', weekdays: weekdays as never })).toThrow(expect.objectContaining({ option: 'weekdays' }));
  expect(() => new Window({ days: weekdays as never })).toThrow(expect.objectContaining({ option: 'days' }));
});

test('a version that JSON would lose is refused', () => {
  for (const version of [Number.NaN, Number.POSITIVE_INFINITY, {}, true]) {
    expect(() => new Calendar({ name: 'x', version: version as never })).toThrow(expect.objectContaining({ option: 'version' }));
  }
});
