import fc from 'fast-check';
import type { CronFields } from '../../../src/triggers/cron/fields.ts';
import { isoWeekOf, type Matches, monthLength, type WallTime, weekdayOf } from './brute-force.ts';

/** A field as text, and what it means, worked out value by value. */
interface Field {
  readonly text: string;
  readonly has: (value: number) => boolean;
  /** Only single values. */
  readonly singles: boolean;
}

/** A schedule in one of the two spellings, and its meaning as a predicate that shares nothing with the code under test. */
export interface Spec {
  readonly text: string | undefined;
  readonly fields: CronFields | undefined;
  readonly matches: Matches;
  /** The same without the time of day. */
  readonly matchesDate: Matches;
  readonly fixedTime: boolean;
}

interface Range {
  readonly low: number;
  readonly high: number;
  readonly wraps?: boolean;
  readonly names?: readonly string[];
}

const star: Field = { text: '*', has: () => true, singles: false };

const monthNames = ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

function item(range: Range): fc.Arbitrary<Field> {
  const { low, high } = range;
  const size = high - low + 1;
  const value = fc.integer({ min: low, max: high });
  const write = (n: number, named: boolean): string => (named ? (range.names?.[n] ?? String(n)) : String(n));
  const single = fc.tuple(value, fc.boolean()).map(([n, named]): Field => ({ text: write(n, named), has: (v) => v === n, singles: true }));
  const stepped = fc
    .integer({ min: 1, max: size - 1 })
    .map((step): Field => ({ text: `*/${step}`, has: (v) => (v - low) % step === 0, singles: false }));
  const ranged = fc.tuple(value, value, fc.boolean(), fc.nat(size)).map(([a, b, named, rawStep]): Field => {
    const [from, to] = a > b && range.wraps !== true ? [b, a] : [a, b];
    const length = from <= to ? to - from : to - from + size;
    const step = length === 0 ? 0 : rawStep % (length + 1);
    return {
      text: `${write(from, named)}-${write(to, named)}${step > 0 ? `/${step}` : ''}`,
      has: (v) => {
        const distance = v >= from ? v - from : v - from + size;
        return distance <= length && (step === 0 || distance % step === 0);
      },
      singles: false,
    };
  });
  return fc.oneof({ weight: 3, arbitrary: single }, { weight: 2, arbitrary: stepped }, { weight: 3, arbitrary: ranged });
}

function listOf(arbitrary: fc.Arbitrary<Field>, starWeight: number): fc.Arbitrary<Field> {
  const list = fc.array(arbitrary, { minLength: 1, maxLength: 3 }).map(
    (items): Field => ({
      text: items.map(({ text }) => text).join(','),
      has: (v) => items.some(({ has }) => has(v)),
      singles: items.every(({ singles }) => singles),
    }),
  );
  return fc.oneof({ weight: starWeight, arbitrary: fc.constant(star) }, { weight: 3, arbitrary: list });
}

const seconds = listOf(item({ low: 0, high: 59, wraps: true }), 1);
const minutes = listOf(item({ low: 0, high: 59, wraps: true }), 1);
const hours = listOf(item({ low: 0, high: 23, wraps: true }), 2);
const days = listOf(item({ low: 1, high: 31 }), 4);
const months = listOf(item({ low: 1, high: 12, wraps: true, names: monthNames }), 4);
const weekdays = listOf(item({ low: 0, high: 6, wraps: true, names: weekdayNames }), 4);
const weeks = listOf(item({ low: 1, high: 53 }), 4);

const zero: Field = { text: '0', has: (v) => v === 0, singles: true };

type DayMatches = (wall: WallTime) => boolean;

const workday = (wall: WallTime, day: number): boolean => ![0, 6].includes(weekdayOf({ ...wall, day }));

/** The working day nearest to a date, by looking at the neighbours in order of distance, Friday before Monday for a Saturday. */
function nearestTo(wall: WallTime, date: number): number | undefined {
  if (date > monthLength(wall)) return undefined;
  for (const distance of [0, 1, 2]) {
    const order = weekdayOf({ ...wall, day: date }) === 6 ? [date - distance, date + distance] : [date + distance, date - distance];
    for (const day of order) if (day >= 1 && day <= monthLength(wall) && workday(wall, day)) return day;
  }
  return undefined;
}

const specialDay: fc.Arbitrary<{ text: string; matches: DayMatches }> = fc.oneof(
  fc.constant({ text: 'L', matches: (wall: WallTime) => wall.day === monthLength(wall) }),
  fc.integer({ min: 1, max: 30 }).map((n) => ({ text: `L-${n}`, matches: (wall: WallTime) => wall.day === monthLength(wall) - n })),
  fc.integer({ min: 1, max: 31 }).map((n) => ({ text: `${n}W`, matches: (wall: WallTime) => wall.day === nearestTo(wall, n) })),
  fc.constant({
    text: 'lw',
    matches: (wall: WallTime) => {
      let day = monthLength(wall);
      while (!workday(wall, day)) day--;
      return wall.day === day;
    },
  }),
);

const inPosition = (wall: WallTime, weekday: number, nth: number | 'last'): boolean =>
  weekdayOf(wall) === weekday && (nth === 'last' ? wall.day + 7 > monthLength(wall) : Math.ceil(wall.day / 7) === nth);

const specialWeekday: fc.Arbitrary<{ text: string; matches: DayMatches }> = fc
  .tuple(fc.integer({ min: 0, max: 6 }), fc.constantFrom<(number | 'last')[]>(1, 2, 3, 4, 5, 'last'), fc.boolean(), fc.boolean())
  .map(([weekday, nth, named, short]) => ({
    text: `${named ? (weekdayNames[weekday] ?? '') : weekday}${nth === 'last' ? (short ? 'L' : '#L') : `#${nth}`}`,
    matches: (wall: WallTime) => inPosition(wall, weekday, nth),
  }));

const dayField = (plain: fc.Arbitrary<Field>, special: typeof specialDay, valueOf: (wall: WallTime) => number) =>
  fc.tuple(plain, fc.array(special, { maxLength: 2 }), fc.boolean()).map(([field, marks, only]) => {
    const useMarks = marks.length > 0 && field !== star;
    const texts = [...(useMarks && only ? [] : [field.text]), ...(useMarks ? marks.map(({ text }) => text) : [])];
    return {
      text: texts.join(','),
      restricted: field !== star,
      matches: (wall: WallTime) =>
        (!(useMarks && only) && field.has(valueOf(wall))) || (useMarks && marks.some(({ matches }) => matches(wall))),
    };
  });

/** Crontab texts of five or six fields. */
export const randomText: fc.Arbitrary<Spec> = fc
  .record({
    second: fc.option(seconds, { nil: undefined }),
    minute: minutes,
    hour: hours,
    day: dayField(days, specialDay, (wall) => wall.day),
    month: months,
    weekday: dayField(weekdays, specialWeekday, weekdayOf),
    and: fc.boolean(),
  })
  .map(({ second, minute, hour, day, month, weekday, and }): Spec => {
    const parts = [minute.text, hour.text, day.text, month.text, `${and ? '+' : ''}${weekday.text}`];
    const either = !and && day.restricted && weekday.restricted;
    const when = second ?? zero;
    const matchesDate: Matches = (wall) =>
      month.has(wall.month) && (either ? day.matches(wall) || weekday.matches(wall) : day.matches(wall) && weekday.matches(wall));
    return {
      text: (second === undefined ? parts : [second.text, ...parts]).join(' '),
      fields: undefined,
      fixedTime: when.singles && minute.singles && hour.singles,
      matchesDate,
      matches: (wall) => when.has(wall.second) && minute.has(wall.minute) && hour.has(wall.hour) && matchesDate(wall),
    };
  });

const positionNames = ['1st', '2nd', '3rd', '4th', '5th'];

const fieldDay: fc.Arbitrary<{ text: string; singles: boolean; matches: DayMatches }> = fc.oneof(
  {
    weight: 3,
    arbitrary: days.map((field) => ({ text: field.text, singles: field.singles, matches: (wall: WallTime) => field.has(wall.day) })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.integer({ min: 0, max: 6 }), fc.constantFrom<(number | 'last')[]>(1, 2, 3, 4, 5, 'last'))
      .map(([weekday, nth]) => ({
        text: `${nth === 'last' ? 'last' : (positionNames[nth - 1] ?? '')} ${weekdayNames[weekday] ?? ''}`,
        singles: true,
        matches: (wall: WallTime) => inPosition(wall, weekday, nth),
      })),
  },
  { weight: 1, arbitrary: fc.constant({ text: 'last', singles: true, matches: (wall: WallTime) => wall.day === monthLength(wall) }) },
);

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });

/** Field forms with any fields left out, at least one given. */
export const randomFields: fc.Arbitrary<Spec> = fc
  .record({
    month: optional(months),
    day: optional(fieldDay),
    week: optional(weeks),
    dayOfWeek: optional(weekdays),
    hour: optional(hours),
    minute: optional(minutes),
    second: optional(seconds),
  })
  .filter((given) => Object.values(given).some((field) => field !== undefined))
  .map(({ month, day, week, dayOfWeek, hour, minute, second }): Spec => {
    const any = (...less: unknown[]): boolean => less.some((field) => field !== undefined);
    const exactly = (n: number): Field => ({ text: String(n), has: (v) => v === n, singles: true });
    const monthIs = month ?? (any(day, week, dayOfWeek, hour, minute, second) ? star : exactly(1));
    const dayIs = day ?? (any(week, dayOfWeek, hour, minute, second) ? undefined : { matches: (wall: WallTime) => wall.day === 1 });
    const hourIs = hour ?? (any(minute, second) ? star : zero);
    const minuteIs = minute ?? (any(second) ? star : zero);
    const secondIs = second ?? zero;
    const matchesDate: Matches = (wall) =>
      monthIs.has(wall.month) &&
      (dayIs === undefined || dayIs.matches(wall)) &&
      (dayOfWeek === undefined || dayOfWeek.has(weekdayOf(wall))) &&
      (week === undefined || week.has(isoWeekOf(wall)));
    return {
      text: undefined,
      fields: {
        month: month?.text,
        day: day?.text,
        week: week?.text,
        dayOfWeek: dayOfWeek?.text,
        hour: hour?.text,
        minute: minute?.text,
        second: second?.text,
      },
      fixedTime: hourIs.singles && minuteIs.singles && secondIs.singles,
      matchesDate,
      matches: (wall) => secondIs.has(wall.second) && minuteIs.has(wall.minute) && hourIs.has(wall.hour) && matchesDate(wall),
    };
  });
