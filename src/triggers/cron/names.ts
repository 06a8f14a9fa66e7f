import { firstYear, lastYear } from './rule.ts';

/** The fields of a cron trigger, from the most to the least significant. */
export type CronFieldName = 'year' | 'month' | 'day' | 'week' | 'dayOfWeek' | 'hour' | 'minute' | 'second';

/** What a field holds. */
export interface FieldSpec {
  readonly name: CronFieldName;
  readonly low: number;
  readonly high: number;
  /** Largest number that may be written: 7 means Sunday as a weekday. */
  readonly top: number;
  /** Names of the values from `low` on. */
  readonly names: readonly string[];
  /** Whether a range may run over the end and go on at the start. Months differ in length, so days may not. */
  readonly wraps: boolean;
}

export const monthNames: readonly string[] = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
export const weekdayNames: readonly string[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const plain = (name: CronFieldName, low: number, high: number, wraps: boolean): FieldSpec => ({
  name,
  low,
  high,
  top: high,
  names: [],
  wraps,
});

export const fieldSpecs: { readonly [Name in CronFieldName]: FieldSpec } = {
  year: plain('year', firstYear, lastYear, false),
  month: { name: 'month', low: 1, high: 12, top: 12, names: monthNames, wraps: true },
  day: plain('day', 1, 31, false),
  week: plain('week', 1, 53, false),
  dayOfWeek: { name: 'dayOfWeek', low: 0, high: 6, top: 7, names: weekdayNames, wraps: true },
  hour: plain('hour', 0, 23, true),
  minute: plain('minute', 0, 59, true),
  second: plain('second', 0, 59, true),
};

/** What may stand in a field, for error messages. */
export function expectedIn(field: FieldSpec): string {
  const first = field.names[0];
  const last = field.names[field.names.length - 1];
  return `${field.low} to ${field.top}${first === undefined || last === undefined ? '' : `, or ${first} to ${last}`}`;
}

/** The number that a word stands for in a field, 7 still being 7; undefined if none. */
export function valueOf(field: FieldSpec, word: string): number | undefined {
  if (/^\d{1,4}$/.test(word)) {
    const value = Number(word);
    return value >= field.low && value <= field.top ? value : undefined;
  }
  const at = word.length === 3 ? field.names.indexOf(word.toLowerCase()) : -1;
  return at < 0 ? undefined : at + field.low;
}

/** A range with a step, or a single value. `low` may be above `high` where the field wraps. */
export interface Stretch {
  readonly low: number;
  readonly high: number;
  readonly step: number;
}

/** Sets the flags of a stretch; the index is the value, of years the value less 1970. */
export function flag(field: FieldSpec, stretch: Stretch, flags: Uint8Array): void {
  const base = field.name === 'year' ? field.low : 0;
  const size = field.high - field.low + 1;
  const last = lastOf(field, stretch);
  for (let value = stretch.low; value <= last; value += stretch.step) flags[(value > field.high ? value - size : value) - base] = 1;
}

/** A stretch of a field of at most 32 values as bits, by value. */
export function stretchBits(field: FieldSpec, stretch: Stretch): number {
  const size = field.high - field.low + 1;
  const last = lastOf(field, stretch);
  let bits = 0;
  for (let value = stretch.low; value <= last; value += stretch.step) bits |= 1 << (value > field.high ? value - size : value);
  return bits;
}

/** A wrapping range counts on past the end. So does a weekday of 7, which is 0 again. */
function lastOf(field: FieldSpec, stretch: Stretch): number {
  return stretch.low > stretch.high ? stretch.high + field.high - field.low + 1 : stretch.high;
}

/** Empty flags for a field. */
export function flagsFor(field: FieldSpec): Uint8Array {
  return new Uint8Array(field.name === 'year' ? field.high - field.low + 1 : field.high + 1);
}
