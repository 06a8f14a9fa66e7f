import { InvalidOptionError } from '../errors.ts';
import { calendarDay, dateOf, isDayOfMonth } from '../time/calendar-day.ts';

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

  /** The last day number with a range of its own; later on only what comes every year. */
  get end(): number {
    return this.#ranges.at(-1)?.last ?? 0;
  }

  has(day: number): boolean {
    const range = this.#rangeFrom(day);
    return (range !== undefined && range.first <= day) || this.#isYearlyDay(day);
  }

  /** A day at or after `day` before which none is in the list; `undefined` if none will be. */
  skip(day: number): number | undefined {
    if (this.#yearly.length > 0) return day;
    const range = this.#rangeFrom(day);
    return range === undefined ? undefined : Math.max(day, range.first);
  }

  /** The first day at or after `day` in no range of its own; it may still be one that comes every year. */
  leave(day: number): number {
    const range = this.#rangeFrom(day);
    return range === undefined || range.first > day ? day : range.last + 1;
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

// The rarest day is 29 February on a given weekday: there it comes after forty years, where the century has no leap day.
const longestWait = 14_610;

/**
 * The first day at or after `day` of which `wanted` is true; `undefined` if there is none for ever. What `wanted` asks
 * may be the weekday, the date within the year, and `dates`.
 */
export function firstDay(day: number, wanted: (day: number) => boolean, dates: DateList | undefined): number | undefined {
  const last = Math.max(day, dates?.end ?? day) + 1 + longestWait;
  for (let each = day; each <= last; each++) if (wanted(each)) return each;
  return undefined;
}
