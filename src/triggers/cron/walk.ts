import { DayTable, daysToYear, isLeap, monthStart, yearKind } from './days.ts';
import { type CronRule, firstYear, lastYear } from './rule.ts';

const daySeconds = 86_400;
/** Wall seconds of 9999-12-31T23:59:59. */
const lastWall = 253_402_300_799;
/** The Gregorian calendar repeats, weekdays included: what does not happen in so many years never does. */
const cycleYears = 400;

/**
 * The wall times of a rule, one after the other, without a time zone: integer arithmetic over tables.
 *
 * Wall times are seconds since 1970-01-01T00:00:00 as if in UTC, from there to the end of the year 9999. The month
 * that was looked at last is kept, which no answer depends on.
 */
export class WallWalk {
  readonly #days: DayTable;
  readonly #years: Uint8Array | undefined;
  readonly #hour: Steps;
  readonly #minute: Steps;
  readonly #second: Steps;
  /** Earliest and latest second of an hour, and of a day. */
  readonly #firstInHour: number;
  readonly #lastInHour: number;
  readonly #firstInDay: number;
  readonly #lastInDay: number;
  #year = 0;
  #month = 0;
  /** Day number of the month's first, how many days it has, and which match. */
  #first = 0;
  #length = 0;
  #mask = 0;

  constructor(rule: CronRule) {
    this.#days = new DayTable(rule);
    this.#years = rule.years;
    this.#hour = stepsOf(rule.hours);
    this.#minute = stepsOf(rule.minutes);
    this.#second = stepsOf(rule.seconds);
    this.#firstInHour = this.#minute.first * 60 + this.#second.first;
    this.#lastInHour = this.#minute.last * 60 + this.#second.last;
    this.#firstInDay = this.#hour.first * 3600 + this.#firstInHour;
    this.#lastInDay = this.#hour.last * 3600 + this.#lastInHour;
  }

  /** Whether the same wall times come again every 400 years. */
  get cyclic(): boolean {
    return this.#years === undefined;
  }

  /** The first matching wall second at or after `wall`; Infinity if none. */
  next(wall: number): number {
    const from = wall < 0 ? 0 : wall;
    if (from > lastWall) return Infinity;
    const day = Math.floor(from / daySeconds);
    let date = day - this.#first + 1;
    if (date < 1 || date > this.#length) date = this.#enter(day);
    if (((this.#mask >>> date) & 1) === 1) {
      const time = this.#timeFrom(from - day * daySeconds);
      if (time >= 0) return day * daySeconds + time;
    }
    let later = date > 30 ? 0 : this.#mask & (-2 << date);
    if (later === 0) {
      if (!this.#enterNextMonth()) return Infinity;
      later = this.#mask;
    }
    return (this.#first + 30 - Math.clz32(later & -later)) * daySeconds + this.#firstInDay;
  }

  /** The last matching wall second at or before `wall`; -Infinity if none. */
  previous(wall: number): number {
    if (wall < 0) return -Infinity;
    const from = wall > lastWall ? lastWall : wall;
    const day = Math.floor(from / daySeconds);
    let date = day - this.#first + 1;
    if (date < 1 || date > this.#length) date = this.#enter(day);
    if (((this.#mask >>> date) & 1) === 1) {
      const time = this.#timeUpTo(from - day * daySeconds);
      if (time >= 0) return day * daySeconds + time;
    }
    let earlier = this.#mask & ((1 << date) - 1);
    if (earlier === 0) {
      if (!this.#enterPreviousMonth()) return -Infinity;
      earlier = this.#mask;
    }
    return (this.#first + 30 - Math.clz32(earlier)) * daySeconds + this.#lastInDay;
  }

  /** The first matching second of a day at or after `time`, or -1. */
  #timeFrom(time: number): number {
    const hour = (time / 3600) | 0;
    let nextHour = this.#hour.atOrAfter[hour] ?? -1;
    if (nextHour === hour) {
      const inHour = time - hour * 3600;
      const minute = (inHour / 60) | 0;
      let nextMinute = this.#minute.atOrAfter[minute] ?? -1;
      if (nextMinute === minute) {
        const second = this.#second.atOrAfter[inHour - minute * 60] ?? -1;
        if (second >= 0) return time - inHour + minute * 60 + second;
        nextMinute = this.#minute.atOrAfter[minute + 1] ?? -1;
      }
      if (nextMinute >= 0) return hour * 3600 + nextMinute * 60 + this.#second.first;
      nextHour = this.#hour.atOrAfter[hour + 1] ?? -1;
    }
    return nextHour < 0 ? -1 : nextHour * 3600 + this.#firstInHour;
  }

  /** The last matching second of a day at or before `time`, or -1. */
  #timeUpTo(time: number): number {
    const hour = (time / 3600) | 0;
    let lastHour = this.#hour.atOrBefore[hour + 1] ?? -1;
    if (lastHour === hour) {
      const inHour = time - hour * 3600;
      const minute = (inHour / 60) | 0;
      let lastMinute = this.#minute.atOrBefore[minute + 1] ?? -1;
      if (lastMinute === minute) {
        const second = this.#second.atOrBefore[inHour - minute * 60 + 1] ?? -1;
        if (second >= 0) return time - inHour + minute * 60 + second;
        lastMinute = this.#minute.atOrBefore[minute] ?? -1;
      }
      if (lastMinute >= 0) return hour * 3600 + lastMinute * 60 + this.#second.last;
      lastHour = this.#hour.atOrBefore[hour] ?? -1;
    }
    return lastHour < 0 ? -1 : lastHour * 3600 + this.#lastInHour;
  }

  /** Looks at the month of a day; gives the day's date. */
  #enter(day: number): number {
    let year = Math.floor(day / 365.2425) + 1970;
    if (daysToYear(year) > day) year--;
    else if (daysToYear(year + 1) <= day) year++;
    const leap = isLeap(year);
    const dayOfYear = day - daysToYear(year);
    let month = Math.floor(dayOfYear / 32) + 1;
    if (monthStart(leap, month + 1) <= dayOfYear) month++;
    this.#look(year, month, yearKind(year));
    if (!this.#has(year)) this.#mask = 0;
    return day - this.#first + 1;
  }

  #look(year: number, month: number, kind: number): void {
    const leap = kind >= 7 && kind < 14;
    const start = monthStart(leap, month);
    this.#year = year;
    this.#month = month;
    this.#first = daysToYear(year) + start;
    this.#length = monthStart(leap, month + 1) - start;
    this.#mask = this.#days.days(kind, month);
  }

  #enterNextMonth(): boolean {
    const last = this.#years === undefined ? Math.min(this.#year + cycleYears, lastYear) : lastYear;
    let above = -2 << this.#month;
    for (let year = this.#year; year <= last; year++) {
      if (this.#has(year)) {
        const kind = yearKind(year);
        const months = this.#days.months(kind) & above;
        if (months !== 0) {
          this.#look(year, 31 - Math.clz32(months & -months), kind);
          return true;
        }
      }
      above = -1;
    }
    return false;
  }

  #enterPreviousMonth(): boolean {
    const last = this.#years === undefined ? Math.max(this.#year - cycleYears, firstYear) : firstYear;
    let below = (1 << this.#month) - 1;
    for (let year = this.#year; year >= last; year--) {
      if (this.#has(year)) {
        const kind = yearKind(year);
        const months = this.#days.months(kind) & below;
        if (months !== 0) {
          this.#look(year, 31 - Math.clz32(months), kind);
          return true;
        }
      }
      below = -1;
    }
    return false;
  }

  #has(year: number): boolean {
    return this.#years === undefined || this.#years[year - firstYear] === 1;
  }
}

/** For each value the nearest allowed one, or -1. */
interface Steps {
  readonly first: number;
  readonly last: number;
  /** By value; one longer than the field. */
  readonly atOrAfter: Int8Array;
  /** By value + 1, so that -1 can be asked for. */
  readonly atOrBefore: Int8Array;
}

function stepsOf(flags: Uint8Array): Steps {
  const size = flags.length;
  const atOrAfter = new Int8Array(size + 1).fill(-1);
  const atOrBefore = new Int8Array(size + 1).fill(-1);
  for (let value = size - 1, found = -1; value >= 0; value--) {
    if (flags[value] === 1) found = value;
    atOrAfter[value] = found;
  }
  for (let value = 0, found = -1; value < size; value++) {
    if (flags[value] === 1) found = value;
    atOrBefore[value + 1] = found;
  }
  return { first: atOrAfter[0] ?? 0, last: atOrBefore[size] ?? 0, atOrAfter, atOrBefore };
}
