import { DateTime } from 'luxon';
import { describe, expect, test } from 'vitest';
import { InvalidOptionError, InvalidTriggerError } from '../../src/errors.ts';
import { IntervalTrigger, type IntervalTriggerOptions } from '../../src/triggers/interval.ts';

const at = (text: string): number => Date.parse(text);

describe('IntervalTrigger', () => {
  test('fires at its start date first, then on the grid from there', () => {
    const trigger = new IntervalTrigger({ minutes: 90, startDate: '2030-01-01T00:00:00Z' });
    expect(trigger.next(at('2029-06-01T00:00:00Z'))).toBe(at('2030-01-01T00:00:00Z'));
    expect(trigger.next(at('2030-01-01T00:00:00Z'))).toBe(at('2030-01-01T01:30:00Z'));
    expect(trigger.next(at('2030-01-01T02:59:59.999Z'))).toBe(at('2030-01-01T03:00:00Z'));
  });

  test('counts elapsed time, so a day across a clock change is 24 hours', () => {
    const trigger = new IntervalTrigger({ days: 1, startDate: '2030-03-30 09:00', timezone: 'Europe/Berlin' });
    expect(trigger.preview(2, { from: '2030-03-30 09:00' }).map((time) => time.toISO())).toEqual([
      '2030-03-31T10:00:00.000+02:00',
      '2030-04-01T10:00:00.000+02:00',
    ]);
  });

  test('includes its end date', () => {
    const trigger = new IntervalTrigger({ hours: 1, startDate: 0, endDate: 7_200_000 });
    expect(trigger.next(3_600_000)).toBe(7_200_000);
    expect(trigger.next(7_200_000)).toBeUndefined();
    expect(trigger.previous(1e12)).toBe(7_200_000);
  });

  test('is open without a start: the next time is one interval later', () => {
    expect(new IntervalTrigger({ seconds: 3 }).next(1234)).toBe(4234);
  });

  test('fires first one interval after its anchor, and keeps the grid', () => {
    const trigger = new IntervalTrigger({ seconds: 3 }).anchored(1000);
    expect([0, 4000, 4001, 8_999].map((after) => trigger.next(after))).toEqual([4000, 7000, 7000, 10_000]);
  });

  test('keeps its first anchor, and its start date instead of one', () => {
    const anchored = new IntervalTrigger({ seconds: 3 }).anchored(1000);
    const started = new IntervalTrigger({ seconds: 3, startDate: 500 });
    expect(anchored.anchored(5000)).toBe(anchored);
    expect(started.anchored(5000)).toBe(started);
  });

  test('has an anchor in its JSON only once it is anchored', () => {
    const open = new IntervalTrigger({ seconds: 3 });
    expect(open.toJSON()).toEqual({ type: 'interval', every: 3000 });
    expect(open.anchored(0).toJSON()).toEqual({ type: 'interval', every: 3000, anchor: '1970-01-01T00:00:00.000Z' });
  });

  test('adds up its units, fractions included', () => {
    const trigger = new IntervalTrigger({ weeks: 1, days: 1, hours: 1, minutes: 1, seconds: 0.5, milliseconds: 1 });
    expect(trigger.intervalMs).toBe(694_860_501);
    expect(new IntervalTrigger({ every: '2h 30m' }).intervalMs).toBe(9_000_000);
  });

  test('finds the previous time and tells what matches', () => {
    const trigger = new IntervalTrigger({ seconds: 10, startDate: 5000 });
    expect([5000, 5001, 15_000, 15_001].map((before) => trigger.previous(before))).toEqual([undefined, 5000, 5000, 15_000]);
    expect([5000, 10_000, 15_000].map((instant) => trigger.matches(instant))).toEqual([true, false, true]);
  });

  test('previews the times later than `from`', () => {
    const times = new IntervalTrigger({ minutes: 5, timezone: 'Asia/Shanghai' }).preview(2, { from: DateTime.fromMillis(0) });
    expect(times.map((time) => time.toISO())).toEqual(['1970-01-01T08:05:00.000+08:00', '1970-01-01T08:10:00.000+08:00']);
  });

  test('describes itself', () => {
    const trigger = new IntervalTrigger({ minutes: 90, startDate: '2030-01-01 08:00', timezone: 'Europe/Berlin' });
    expect(trigger.describe()).toBe('every 1 hour 30 minutes, from 2030-01-01 08:00:00 Europe/Berlin');
    expect(new IntervalTrigger({ days: 1 }).describe()).toBe('every day');
  });

  test.each<[IntervalTriggerOptions, string]>([
    [{ seconds: 0 }, 'seconds'],
    [{ seconds: -1 }, 'seconds'],
    [{ minutes: Number.NaN }, 'minutes'],
    [{ hours: Number.POSITIVE_INFINITY }, 'hours'],
    [{ milliseconds: 0.2 }, 'milliseconds'],
    [{ every: 0 }, 'every'],
    [{ every: 'soon' }, 'every'],
    [{ seconds: 1, timezone: 'Mars/Base' }, 'timezone'],
    [{ seconds: 1, startDate: 'tomorrow' }, 'startDate'],
    [{ seconds: 1, startDate: 1000, endDate: 999 }, 'endDate'],
    [{ seconds: 1, startDate: 1000, anchor: 999 }, 'anchor'],
  ])('refuses %j and names %s', (options, option) => {
    expect(() => new IntervalTrigger(options)).toThrow(expect.objectContaining({ name: InvalidOptionError.name, option }));
  });

  test('refuses to have no interval at all, or two', () => {
    expect(() => new IntervalTrigger({})).toThrow(InvalidTriggerError);
    expect(() => new IntervalTrigger({ seconds: 1, every: '2s' })).toThrow(InvalidTriggerError);
  });

  test('names the option that was meant', () => {
    const misspelt: object = { minuts: 5 };
    expect(() => new IntervalTrigger(misspelt)).toThrow('did you mean "minutes"?');
  });
});
