import { InvalidTriggerError } from '../../errors.ts';
import { type CronFieldName, expectedIn, fieldSpecs, type FieldSpec, flag, flagsFor, valueOf } from './names.ts';
import type { CronRule, DayPattern } from './rule.ts';

/** A field: a number, an expression, or a list of either. */
export type CronFieldValue = number | string | readonly (number | string)[];

/**
 * The field form, APScheduler's. An expression is `*`, `a`, `a-b`, a step over one of them (`a-b/c`; `a/c` goes from a
 * to the maximum), or several of these between commas. Months and weekdays have names, also in ranges; ranges of months, weekdays, hours,
 * minutes and seconds may run over the end (`fri-mon`, `22-2`). A day can also be `last`, `2nd tue` or `last fri`.
 *
 * A field not given is `*` if a less significant one is given, else its minimum; year, week and dayOfWeek are `*`
 * whenever not given. All fields must match, day and dayOfWeek and week too.
 */
export interface CronFields {
  /** 1970 to 9999. */
  readonly year?: CronFieldValue | undefined;
  /** 1 to 12, or `jan` to `dec`. */
  readonly month?: CronFieldValue | undefined;
  /** 1 to 31, `last`, `1st mon` to `5th sun`, `last fri`. */
  readonly day?: CronFieldValue | undefined;
  /** ISO week, 1 to 53. */
  readonly week?: CronFieldValue | undefined;
  /** 0 to 7, 0 and 7 being Sunday, or `sun` to `sat`. */
  readonly dayOfWeek?: CronFieldValue | undefined;
  /** 0 to 23. */
  readonly hour?: CronFieldValue | undefined;
  /** 0 to 59. */
  readonly minute?: CronFieldValue | undefined;
  /** 0 to 59. */
  readonly second?: CronFieldValue | undefined;
}

const fieldOrder: readonly CronFieldName[] = ['year', 'month', 'day', 'week', 'dayOfWeek', 'hour', 'minute', 'second'];
const positionNames = ['1st', '2nd', '3rd', '4th', '5th', 'last'];

/** What one field was read into. */
interface Read {
  readonly flags: Uint8Array;
  /** Only single values. */
  readonly singles: boolean;
  /** `*` alone. */
  readonly any: boolean;
}

/** Reads the field form. Throws `InvalidTriggerError` for the first field that cannot be meant. */
export function readFields(fields: CronFields): CronRule {
  const given = fieldOrder.filter((name) => fields[name] !== undefined);
  const least = given[given.length - 1];
  if (least === undefined) {
    throw new InvalidTriggerError('cron', '', `at least one of ${fieldOrder.join(', ')}, or expression, must be given`);
  }
  const reach = fieldOrder.indexOf(least);
  const read = (name: CronFieldName): Read => {
    const value = fields[name];
    if (value !== undefined) return readField(fieldSpecs[name], itemsOf(name, value));
    const any = fieldOrder.indexOf(name) < reach || name === 'week' || name === 'dayOfWeek' || name === 'year';
    return readField(fieldSpecs[name], [any ? '*' : String(fieldSpecs[name].low)]);
  };
  const year = read('year');
  const week = read('week');
  const hour = read('hour');
  const minute = read('minute');
  const second = read('second');
  const weekday = read('dayOfWeek');
  const dayItems = fields.day === undefined ? [fieldOrder.indexOf('day') < reach ? '*' : '1'] : itemsOf('day', fields.day);
  return {
    seconds: second.flags,
    minutes: minute.flags,
    hours: hour.flags,
    months: bitsOf(read('month').flags),
    days: {
      day: readDay(dayItems),
      weekday: weekday.any ? undefined : { ...noDays, weekdays: bitsOf(weekday.flags) },
      either: false,
    },
    weeks: week.any ? undefined : week.flags,
    years: year.any ? undefined : year.flags,
    fixedTime: hour.singles && minute.singles && second.singles,
  };
}

/** Whether a field is given as a list. */
export function isList(value: CronFieldValue): value is readonly (number | string)[] {
  return Array.isArray(value);
}

/** The flags of a field of at most 32 values as bits, by value. */
function bitsOf(flags: Uint8Array): number {
  let bits = 0;
  for (let value = 0; value < flags.length; value++) if (flags[value] === 1) bits |= 1 << value;
  return bits;
}

/** The expressions of a field, in order. */
function itemsOf(name: CronFieldName, value: CronFieldValue): readonly string[] {
  const items: string[] = [];
  for (const part of isList(value) ? value : [value]) {
    if (typeof part === 'number') {
      if (!Number.isInteger(part)) throw new InvalidTriggerError(name, part, `must be a whole number, ${expectedIn(fieldSpecs[name])}`);
      items.push(String(part));
    } else if (typeof part === 'string') items.push(...part.split(',').map((item) => item.trim()));
    else throw new InvalidTriggerError(name, part, 'must be a number, an expression such as "*/5", or a list of them');
  }
  if (items.length === 0) throw new InvalidTriggerError(name, '', 'an empty list matches nothing; leave the field out, or use "*"');
  return items;
}

const rangeItem = /^([a-z]+|\d+)(?:\s*-\s*([a-z]+|\d+))?(?:\s*\/\s*(\d+))?$/i;
const everyItem = /^\*(?:\s*\/\s*(\d+))?$/;

function readField(field: FieldSpec, items: readonly string[]): Read {
  const flags = flagsFor(field);
  let singles = true;
  let any = false;
  for (const item of items) {
    const every = everyItem.exec(item);
    const range = every === null ? rangeItem.exec(item) : null;
    if (every === null && range === null) throw refuse(field, item);
    const [, from, to, stepText] = range ?? [];
    const step = every?.[1] ?? stepText;
    const low = from === undefined ? field.low : bound(field, item, from);
    const high = to !== undefined ? bound(field, item, to) : from !== undefined && step === undefined ? low : field.high;
    const stretch = inOrder(field, { low, high, step: stepOf(step) }, item);
    const size = field.high - field.low + 1;
    const span = (stretch.high < stretch.low ? stretch.high + size : stretch.high) - stretch.low;
    if (step !== undefined && (stretch.step === 0 || stretch.step > span)) {
      const reason =
        span === 0
          ? `there is nothing to step over; write ${stretch.low}`
          : `the step must be between 1 and ${span}, the distance it steps over`;
      throw new InvalidTriggerError(field.name, item, reason);
    }
    flag(field, stretch, flags);
    if (every !== null || to !== undefined || step !== undefined) singles = false;
    if (item === '*') any = true;
  }
  return { flags, singles, any };
}

function stepOf(text: string | undefined): number {
  return text === undefined ? 1 : Number(text);
}

function bound(field: FieldSpec, item: string, word: string): number {
  const value = valueOf(field, word);
  if (value === undefined) throw new InvalidTriggerError(field.name, item, `${JSON.stringify(word)} is not ${expectedIn(field)}`);
  return value;
}

/** A range in the field's own numbers: a weekday 7 that begins a range is 0. */
function inOrder(
  field: FieldSpec,
  stretch: { low: number; high: number; step: number },
  item: string,
): { low: number; high: number; step: number } {
  const low = stretch.low > field.high ? field.low : stretch.low;
  const high = stretch.low > field.high && stretch.high > field.high ? field.low : stretch.high;
  if (low > high && !field.wraps) throw new InvalidTriggerError(field.name, item, `the range runs backwards; write it from low to high`);
  return { low, high, step: stretch.step };
}

function refuse(field: FieldSpec, item: string): InvalidTriggerError {
  const forms =
    field.name === 'day'
      ? '"*", "*/a", "a", "a-b", "a-b/c", "a/c", "2nd tue", "last fri" and "last"'
      : '"*", "*/a", "a", "a-b", "a-b/c" and "a/c"';
  return new InvalidTriggerError(
    field.name,
    item,
    item === '' ? 'an item of the list is empty' : `not understood; it can be ${forms}, with values ${expectedIn(field)}`,
  );
}

/** A pattern that matches no day. */
export const noDays: DayPattern = { dates: 0, fromEnd: 0, nearest: 0, lastWorkday: false, weekdays: 0, positions: undefined };

function readDay(items: readonly string[]): DayPattern | undefined {
  const plain: string[] = [];
  const positions = [0, 0, 0, 0, 0, 0];
  let fromEnd = 0;
  let placed = false;
  for (const item of items) {
    const words = item.toLowerCase().split(/\s+/);
    const nth = positionNames.indexOf(words[0] ?? '');
    if (nth < 0) plain.push(item);
    else if (words.length === 1 && words[0] === 'last') fromEnd = 1;
    else {
      const weekday = words.length === 2 ? fieldSpecs.dayOfWeek.names.indexOf(words[1] ?? '') : -1;
      if (weekday < 0)
        throw new InvalidTriggerError(
          'day',
          item,
          `a position is followed by one weekday, ${fieldSpecs.dayOfWeek.names.join(', ')}: "2nd tue", "last fri"`,
        );
      positions[nth] = (positions[nth] ?? 0) | (1 << weekday);
      placed = true;
    }
  }
  if (plain.length === 0) return { ...noDays, fromEnd, positions: placed ? positions : undefined };
  const read = readField(fieldSpecs.day, plain);
  return read.any ? undefined : { ...noDays, dates: bitsOf(read.flags), fromEnd, positions: placed ? positions : undefined };
}
