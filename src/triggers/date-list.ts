import { InvalidOptionError } from '../errors.ts';
import { calendarDay, dateOf, daysInMonth, isDayOfMonth } from '../time/calendar-day.ts';

/** Day numbers, or months and days in one number (1225) that come every year; both ends belong to it. */
interface Range {
  readonly first: number;
  readonly last: number;
}

/**
 * Dates, as texts: `2030-12-25`, a range `2030-12-24/2031-01-01`, and the same for every year: `12-25`, `12-24/01-01`.
 */
export class DateList {
  /** In order, and none touching the next. */
  readonly #ranges: readonly Range[];
  readonly #yearly: readonly Range[];

  /** @throws InvalidOptionError naming `option` */
  constructor(texts: readonly string[], option: string) {
    const ranges: Range[] = [];
    const yearly: Range[] = [];
    const list: unknown = texts;
    if (!Array.isArray(list)) throw new InvalidOptionError(option, texts, dateListForm);
    for (const text of texts) {
      const range = rangeOf(text, option);
      (range.yearly ? yearly : ranges).push(range);
    }
    this.#yearly = yearly;
    this.#ranges = merged(ranges);
  }

  has(day: number): boolean {
    const range = this.#rangeFrom(day);
    return (range !== undefined && range.first <= day) || this.#isYearlyDay(day);
  }

  /** The first day at or after `day` that is in the list; `undefined` if none will be. */
  enter(day: number): number | undefined {
    let first = this.#rangeFrom(day)?.first;
    for (const range of this.#yearly) {
      const coming = comingOf(range, day).first;
      if (first === undefined || coming < first) first = coming;
    }
    return first === undefined ? undefined : Math.max(day, first);
  }

  /** The first day at or after `day` that is not in the list; `undefined` if all of them are. */
  leave(day: number): number | undefined {
    const end = Math.max(day, this.#ranges.at(-1)?.last ?? day) + longestYearlyRun;
    for (let each = day; each <= end; ) {
      const last = this.#lastOf(each);
      if (last === undefined) return each;
      each = last + 1;
    }
    return undefined;
  }

  /** The last day of a range that `day` lies in; `undefined` if it lies in none. */
  #lastOf(day: number): number | undefined {
    const own = this.#rangeFrom(day);
    if (own !== undefined && own.first <= day) return own.last;
    for (const range of this.#yearly) {
      const coming = comingOf(range, day);
      if (coming.first <= day) return coming.last;
    }
    return undefined;
  }

  /** The first range that does not end before `day`, by bisection. */
  #rangeFrom(day: number): Range | undefined {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle]?.last ?? 0) < day) low = middle + 1;
      else high = middle;
    }
    return this.#ranges[low];
  }

  #isYearlyDay(day: number): boolean {
    if (this.#yearly.length === 0) return false;
    const date = dateOf(day);
    const monthDay = date.month * 100 + date.day;
    return this.#yearly.some(({ first, last }) =>
      first <= last ? first <= monthDay && monthDay <= last : first <= monthDay || monthDay <= last,
    );
  }
}

// Where ranges leave out nothing but 29 February: its longest wait is the eight years around a century without it.
const longestYearlyRun = 8 * 366;

/** The first stretch of days that a yearly range gives which does not end before `day`. */
function comingOf(range: Range, day: number): Range {
  const wraps = range.last < range.first ? 1 : 0;
  for (let year = dateOf(day).year - wraps; ; year++) {
    const last = dayOfYear(year + wraps, range.last);
    if (last < day) continue;
    // 29 February begins a range on 1 March where there is none, and is no range by itself.
    const first = calendarDay(year, Math.floor(range.first / 100), range.first % 100);
    if (first <= last) return { first, last };
  }
}

/** The day number of a month and day such as 1225; 29 February is the 28th in a year that has none. */
function dayOfYear(year: number, monthDay: number): number {
  const month = Math.floor(monthDay / 100);
  return calendarDay(year, month, Math.min(monthDay % 100, daysInMonth(year, month)));
}

const dateListForm = 'a list of dates such as "2030-12-25" or "12-25" (every year), or of ranges such as "2030-12-24/2031-01-01"';

function rangeOf(text: unknown, option: string): Range & { yearly: boolean } {
  const [first, last = first, ...more] = String(text)
    .split('/')
    .map((end) => dayNumber(end.trim()));
  if (first === undefined || last === undefined || more.length > 0 || first.yearly !== last.yearly) {
    throw new InvalidOptionError(option, text, dateListForm);
  }
  if (!first.yearly && last.value < first.value) throw new InvalidOptionError(option, text, 'a range whose end is not before its start');
  return { first: first.value, last: last.value, yearly: first.yearly };
}

function dayNumber(text: string): { value: number; yearly: boolean } | undefined {
  const match = /^(?:(\d{4})-)?(\d{2})-(\d{2})$/.exec(text);
  if (match === null) return undefined;
  const month = Number(match[2]);
  const day = Number(match[3]);
  const yearly = match[1] === undefined;
  // Any leap year will do to see whether a month has that day.
  if (!isDayOfMonth(yearly ? 2000 : Number(match[1]), month, day)) return undefined;
  return { value: yearly ? month * 100 + day : calendarDay(Number(match[1]), month, day), yearly };
}

function merged(ranges: Range[]): Range[] {
  const result: Range[] = [];
  for (const range of ranges.sort((a, b) => a.first - b.first)) {
    const before = result.at(-1);
    if (before !== undefined && range.first <= before.last + 1) {
      result[result.length - 1] = { first: before.first, last: Math.max(before.last, range.last) };
    } else result.push({ first: range.first, last: range.last });
  }
  return result;
}
