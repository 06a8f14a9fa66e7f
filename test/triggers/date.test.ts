import { expect, test } from 'vitest';
import { InvalidOptionError } from '../../src/errors.ts';
import { DateTrigger } from '../../src/triggers/date.ts';

test('DateTrigger fires once', () => {
  const trigger = new DateTrigger({ runDate: 5000 });
  expect([4999, 5000, 5001].map((after) => trigger.next(after))).toEqual([5000, undefined, undefined]);
  expect([5000, 5001].map((before) => trigger.previous(before))).toEqual([undefined, 5000]);
  expect([4999, 5000].map((instant) => trigger.matches(instant))).toEqual([false, true]);
});

test('DateTrigger reads text without an offset as wall time in its zone', () => {
  const trigger = new DateTrigger({ runDate: '2030-10-01 00:00:00', timezone: 'Asia/Shanghai' });
  expect(trigger.preview(5, { from: 0 }).map((time) => time.toISO())).toEqual(['2030-10-01T00:00:00.000+08:00']);
  expect(trigger.describe()).toBe('once at 2030-10-01 00:00:00 Asia/Shanghai');
});

test('DateTrigger survives JSON', () => {
  const trigger = new DateTrigger({ runDate: 5000, timezone: 'UTC' });
  expect(JSON.parse(JSON.stringify(trigger))).toEqual({ type: 'date', runDate: '1970-01-01T00:00:05.000Z', timezone: 'UTC' });
});

test('DateTrigger without a run date means now', () => {
  const before = Date.now();
  expect(new DateTrigger().runDate).toBeGreaterThanOrEqual(before);
  expect(new DateTrigger().runDate).toBeLessThanOrEqual(Date.now());
});

test('DateTrigger refuses what is no date, and options it does not have', () => {
  expect(() => new DateTrigger({ runDate: Number.NaN })).toThrow(InvalidOptionError);
  const pythonic: object = { run_date: '2030-10-01' };
  expect(() => new DateTrigger(pythonic)).toThrow('did you mean "runDate"?');
});
