import { DateTime } from 'luxon';
import { InvalidOptionError } from '../errors.ts';
import { calendarDay, dayLength, isDayOfMonth } from './calendar-day.ts';
import { TimeZone } from './time-zone.ts';

/** A moment, as users give it: see {@link parseInstant}. */
export type TimeInput = Date | DateTime | number | string;

/** The last epoch millisecond that a `Date` can hold (ECMA-262, "Time Values and Time Range"); the first is its negative. */
export const lastInstant = 8_640_000_000_000_000;

const expected =
  'a Date, a luxon DateTime, epoch milliseconds, or ISO 8601 text such as "2030-10-01 09:30:00", "2030-10-01T09:30:00+02:00" or "2030-10-01"';

/**
 * The moment that `value` means, in integer epoch milliseconds.
 * Text without an offset is wall time in `timezone`: one that a clock change skips is the first valid instant after
 * the gap, one that it repeats is the first of the two. A date alone is its midnight. Fractions of a millisecond are cut off.
 * @throws InvalidOptionError naming `options.option`
 */
export function parseInstant(value: TimeInput, options: { timezone: string; option: string }): number {
  if (typeof value === 'number' && value >= -lastInstant && value <= lastInstant) return Math.floor(value);
  if (typeof value === 'string') return parseText(value, options);
  if (value instanceof Date) {
    const time = value.getTime();
    if (!Number.isNaN(time)) return time;
    throw new InvalidOptionError(options.option, value, `a valid date: ${expected}`);
  }
  // By its members rather than by class, as an application may hold another copy of luxon.
  if (typeof value === 'object' && value !== null && 'isValid' in value && typeof value.toMillis === 'function') {
    if (value.isValid) return Math.floor(value.toMillis());
    throw new InvalidOptionError(options.option, String(value), `a valid DateTime (this one: ${value.invalidReason ?? 'invalid'})`);
  }
  throw new InvalidOptionError(options.option, value, expected);
}

/**
 * A moment as triggers are asked about: any number, also a fraction, or infinite for before or after all time.
 * @throws InvalidOptionError naming `option`
 */
export function checkEpochMs(value: number, option: string): void {
  if (typeof value !== 'number' || Number.isNaN(value))
    throw new InvalidOptionError(option, value, 'epoch milliseconds, as in Date.parse(text)');
}

/** The moment `ms` as a luxon DateTime in `timezone` (an IANA name, `utc` or `local`). */
export function toDateTime(ms: number, timezone: string): DateTime {
  return DateTime.fromMillis(ms, { zone: timezone });
}

// Date, then perhaps a time of day, then perhaps an offset. Month, day and hour may be unpadded, as Python's users write them.
const pattern =
  /^(\d{4}|[+-]\d{6})-(\d{1,2})-(\d{1,2})(?:(?:[Tt]| +)(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,9}))?)? ?(?:([Zz])|([+-])(\d{2})(?::?(\d{2})(?::?(\d{2}))?)?)?)?$/;

function parseText(text: string, options: { timezone: string; option: string }): number {
  const match = pattern.exec(text.trim());
  if (match === null) throw new InvalidOptionError(options.option, text, expected);
  const [, yearText, monthText, dayText, hourText, minuteText, secondText, fraction, utc, sign, offsetHour, offsetMinute, offsetSecond] =
    match;
  const year = Number(yearText);
  const month = Number(monthText);
  const day = Number(dayText);
  if (!isDayOfMonth(year, month, day)) throw new InvalidOptionError(options.option, text, 'a date that exists');

  const hour = Number(hourText ?? 0);
  const minute = Number(minuteText ?? 0);
  const second = Number(secondText ?? 0);
  const millisecond = fraction === undefined ? 0 : Number(fraction.padEnd(3, '0').slice(0, 3));
  const endOfDay = hour === 24 && minute === 0 && second === 0 && millisecond === 0;
  if ((hour > 23 && !endOfDay) || minute > 59 || second > 59) {
    throw new InvalidOptionError(options.option, text, 'a time of day from 00:00:00 to 23:59:59 (24:00 is the end of the day)');
  }
  const wall = calendarDay(year, month, day) * dayLength + ((hour * 60 + minute) * 60 + second) * 1000 + millisecond;

  // A day inside what a Date can hold, so that no offset leads out of it.
  if (Math.abs(wall) > lastInstant - dayLength) throw new InvalidOptionError(options.option, text, 'a year from -271820 to 275759');

  const instant =
    utc === undefined && sign === undefined
      ? TimeZone.of(options.timezone).instantOf(wall, { gap: 'next', fold: 'first' })
      : wall - offsetOf(sign, offsetHour, offsetMinute, offsetSecond);
  if (Number.isNaN(instant)) throw new InvalidOptionError(options.option, text, 'an offset from UTC below 24 hours, such as +02:00');
  return instant;
}

/** In milliseconds east of UTC; NaN for what is no offset. */
function offsetOf(sign: string | undefined, hour = '0', minute = '0', second = '0'): number {
  if (sign === undefined) return 0;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return Number.NaN;
  const size = ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000;
  return sign === '-' ? -size : size;
}
