import fc from 'fast-check';
import { DateTime } from 'luxon';
import { describe, expect, test } from 'vitest';
import { InvalidOptionError } from '../../src/errors.ts';
import { parseInstant, type TimeInput, toDateTime } from '../../src/time/instants.ts';

const berlin = { timezone: 'Europe/Berlin', option: 'runDate' };

describe('parseInstant', () => {
  test.each([
    ['2030-10-01T09:30:00', '2030-10-01T07:30:00.000Z'],
    ['2030-10-01 09:30:00', '2030-10-01T07:30:00.000Z'],
    ['2030-10-01 09:30', '2030-10-01T07:30:00.000Z'],
    ['2030-10-01', '2030-09-30T22:00:00.000Z'],
    ['2030-10-01T09:30:00Z', '2030-10-01T09:30:00.000Z'],
    ['2030-10-01 09:30:00.25+02:00', '2030-10-01T07:30:00.250Z'],
    ['2030-10-01 09:30:00,123456789-0530', '2030-10-01T15:00:00.123Z'],
    ['2030-10-01 09:30 +08', '2030-10-01T01:30:00.000Z'],
    ['2020-1-5 9:05:00', '2020-01-05T08:05:00.000Z'],
    ['2030-10-01T24:00:00Z', '2030-10-02T00:00:00.000Z'],
    ['0099-03-01T00:00:00Z', '0099-03-01T00:00:00.000Z'],
    ['+012345-06-07T00:00:00Z', '+012345-06-07T00:00:00.000Z'],
    ['2028-02-29T00:00:00Z', '2028-02-29T00:00:00.000Z'],
  ])('reads %s', (text, expected) => {
    expect(new Date(parseInstant(text, berlin)).toISOString()).toBe(expected);
  });

  test('takes the first valid instant after a gap', () => {
    expect(new Date(parseInstant('2030-03-31 02:30', berlin)).toISOString()).toBe('2030-03-31T01:00:00.000Z');
  });

  test('takes the first of a repeated wall time', () => {
    expect(new Date(parseInstant('2030-10-27 02:30', berlin)).toISOString()).toBe('2030-10-27T00:30:00.000Z');
  });

  test('takes epoch milliseconds, dates and DateTimes as they are', () => {
    const inputs: TimeInput[] = [1000, 1000.9, new Date(1000), DateTime.fromMillis(1000)];
    expect(inputs.map((input) => parseInstant(input, berlin))).toEqual([1000, 1000, 1000, 1000]);
  });

  test.each([
    '',
    'tomorrow',
    '2030',
    '2030-10',
    '2030-13-01',
    '2030-02-29',
    '2030-04-31',
    '2030-10-01T',
    '2030-10-01T9',
    '2030-10-01 25:00',
    '2030-10-01 09:60',
    '2030-10-01 23:59:60',
    '2030-10-01 24:01',
    '2030-10-01Z',
    '2030-10-01 09:30 Europe/Berlin',
    '2030-10-01 09:30:00+24:00',
    '10/01/2030',
    '1900000000000',
    '+999999-01-01',
  ])('refuses %j', (text) => {
    expect(() => parseInstant(text, berlin)).toThrow(
      expect.objectContaining({ name: InvalidOptionError.name, option: 'runDate', value: text }),
    );
  });

  test.each([
    Number.NaN,
    Number.POSITIVE_INFINITY,
    8.64e15 + 1,
    new Date(Number.NaN),
    DateTime.invalid('no reason'),
    DateTime.fromISO('2030-99'),
  ])('refuses %s', (value) => {
    expect(() => parseInstant(value, berlin)).toThrow(InvalidOptionError);
  });

  test('reads back what Date and luxon write, for any instant', () => {
    fc.assert(
      fc.property(fc.integer({ min: -8.639e15, max: 8.639e15 }), (ms) => {
        expect(parseInstant(new Date(ms).toISOString(), berlin)).toBe(ms);
      }),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4e12 }),
        fc.constantFrom('Europe/Berlin', 'Asia/Kathmandu', 'America/St_Johns', 'UTC'),
        (ms, zone) => {
          expect(parseInstant(toDateTime(ms, zone).toISO() ?? '', berlin)).toBe(ms);
        },
      ),
    );
  });
});
