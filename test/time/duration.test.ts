import fc from 'fast-check';
import { Duration } from 'luxon';
import { describe, expect, test } from 'vitest';
import { InvalidOptionError } from '../../src/errors.ts';
import { type DurationInput, durationText, parseDuration } from '../../src/time/duration.ts';

describe('parseDuration', () => {
  test.each<[DurationInput, number]>([
    [1500, 1500],
    [1.4, 1],
    ['90s', 90_000],
    ['2h 30m', 9_000_000],
    ['2h30m', 9_000_000],
    ['1.5h', 5_400_000],
    ['250ms', 250],
    ['1d', 86_400_000],
    ['2w', 1_209_600_000],
    ['5 minutes', 300_000],
    ['1 hour', 3_600_000],
    ['1 hour, 30 minutes', 5_400_000],
    ['1 hour and 30 min', 5_400_000],
    [' 10 Secs ', 10_000],
    ['PT5M', 300_000],
    ['P1DT2H', 93_600_000],
    ['P2W', 1_209_600_000],
    ['PT0.5S', 500],
    ['pt1h', 3_600_000],
    [{ minutes: 5 }, 300_000],
    [{ hour: 1, minutes: 30 }, 5_400_000],
    [Duration.fromObject({ minutes: 5 }), 300_000],
  ])('reads %s as %i milliseconds', (value, ms) => {
    expect(parseDuration(value, 'timeout')).toBe(ms);
  });

  test.each<[unknown]>([
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [-1],
    [0],
    [0.3],
    [''],
    ['5'],
    ['-5s'],
    ['5 parsecs'],
    ['s'],
    ['5s 5s'],
    ['5s,'],
    ['1,5h'],
    ['P'],
    ['PT'],
    ['P1'],
    ['PT5'],
    ['P1M'],
    ['P1Y'],
    ['1 month'],
    ['2y'],
    [{}],
    [{ minutes: '5' }],
    [{ minutes: Number.NaN }],
    [null],
    [true],
    [Duration.invalid('no reason')],
    [Duration.fromObject({ months: 1 })],
  ])('refuses %s', (value) => {
    const parse: (value: never, option: string) => number = parseDuration;
    expect(() => Reflect.apply(parse, undefined, [value, 'timeout'])).toThrow(InvalidOptionError);
  });

  test('names the option, and the unit within it', () => {
    expect(() => parseDuration(-1, 'jitter')).toThrow(expect.objectContaining({ option: 'jitter', value: -1 }));
    const misspelt: object = { minuts: 5 };
    expect(() => parseDuration(misspelt, 'jitter')).toThrow('did you mean "minutes"?');
  });

  test('says why months are refused', () => {
    expect(() => parseDuration({ months: 1 }, 'timeout')).toThrow(/timeout\.months.*calendar-interval/);
  });

  test('accepts zero only where it is allowed', () => {
    expect(parseDuration(0, 'jitter', { allowZero: true })).toBe(0);
    expect(parseDuration('0s', 'jitter', { allowZero: true })).toBe(0);
  });

  test('holds to the least that is accepted', () => {
    expect(parseDuration(100, 'lease', { min: 100 })).toBe(100);
    expect(() => parseDuration(99, 'lease', { min: 100 })).toThrow('at least 100 milliseconds');
  });

  test('reads back its own words', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 45 }), (ms) => {
        expect(parseDuration(durationText(ms), 'every')).toBe(ms);
      }),
    );
  });

  test('ends in a number or an InvalidOptionError, whatever the text', () => {
    const outcome = (text: string): boolean => {
      try {
        return parseDuration(text, 'every') > 0;
      } catch (error) {
        return error instanceof InvalidOptionError;
      }
    };
    fc.assert(fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9.]{1,5}[a-z ]{0,8}[0-9]{0,3}[ms]?$/)), (text) => outcome(text)));
  });
});
