import type { CronRule, DayPattern } from './rule.ts';
import { allWeekdays } from './rule.ts';

/**
 * Days of a month depend on three things only: how long it is, on which weekday it starts, and, where ISO weeks
 * matter, in which week. Those follow from the month and the kind of its year. There are 21 kinds: seven weekdays for
 * 1 January times common, leap, and common after leap (the last settles whether 1 January is in week 52 or 53).
 */
export const yearKinds = 21;

/** Bit d set for the dates d = 1, 8, 15, 22, 29; shifted by k for those that start at 1 + k. */
const everySeventh = 0x2040_8102;
const monthStarts = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
const notWorkedOut = 1;

export function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** Days from 1970-01-01 to 1 January of a year after 1. */
export function daysToYear(year: number): number {
  const past = year - 1;
  return past * 365 + Math.floor(past / 4) - Math.floor(past / 100) + Math.floor(past / 400) - 719_162;
}

/** Which of the 21 kinds a year is. */
export function yearKind(year: number): number {
  const weekday = (daysToYear(year) + 4) % 7;
  return weekday + (isLeap(year) ? 7 : isLeap(year - 1) ? 14 : 0);
}

/** Days from 1 January to the first of a month; month 13 gives the length of the year. */
export function monthStart(leap: boolean, month: number): number {
  return (monthStarts[month - 1] ?? 365) + (leap && month > 2 ? 1 : 0);
}

/** The matching days of every month of every kind of year, each worked out when first asked for. */
export class DayTable {
  readonly #rule: CronRule;
  /** Bit d for date d, by kind * 12 + month - 1; bit 0 marks what is not worked out. */
  readonly #masks: Int32Array = new Int32Array(yearKinds * 12).fill(notWorkedOut);
  /** Bit m for a month with any matching day, by kind; bit 0 marks what is not worked out. */
  readonly #open: Int32Array = new Int32Array(yearKinds).fill(notWorkedOut);

  constructor(rule: CronRule) {
    this.#rule = rule;
  }

  /** Matching days of a month: bit d for date d. */
  days(kind: number, month: number): number {
    const at = kind * 12 + month - 1;
    let mask = this.#masks[at] ?? 0;
    if (mask === notWorkedOut) {
      mask = this.#workOut(kind, month);
      this.#masks[at] = mask;
    }
    return mask;
  }

  /** Months with at least one matching day: bit m for month m. */
  months(kind: number): number {
    let open = this.#open[kind] ?? 0;
    if (open === notWorkedOut) {
      open = 0;
      for (let month = 1; month <= 12; month++) if (this.days(kind, month) !== 0) open |= 1 << month;
      this.#open[kind] = open;
    }
    return open;
  }

  #workOut(kind: number, month: number): number {
    const rule = this.#rule;
    if (((rule.months >>> month) & 1) === 0) return 0;
    const leap = kind >= 7 && kind < 14;
    const before = monthStart(leap, month);
    const length = monthStart(leap, month + 1) - before;
    const first = ((kind % 7) + before) % 7;
    const all = length === 31 ? -2 : (1 << (length + 1)) - 2;
    const { day, weekday, either } = rule.days;
    let mask = all;
    if (day !== undefined && weekday !== undefined) {
      const a = matching(day, length, first);
      const b = matching(weekday, length, first);
      mask &= either ? a | b : a & b;
    } else if (day !== undefined) mask &= matching(day, length, first);
    else if (weekday !== undefined) mask &= matching(weekday, length, first);
    if (rule.weeks !== undefined && mask !== 0) {
      for (let date = 1; date <= length; date++) {
        if (rule.weeks[isoWeek(kind, before + date)] !== 1) mask &= ~(1 << date);
      }
    }
    return mask;
  }
}

/** ISO week of the n-th day of a year of a kind. Week 1 is the one with the year's first Thursday. */
function isoWeek(kind: number, dayOfYear: number): number {
  const january1 = (kind + 6) % 7; // Monday is 0
  const weekday = (january1 + dayOfYear - 1) % 7;
  const week = Math.floor((dayOfYear - weekday + 9) / 7);
  // The last week of the year before is 53 if that one began on a Thursday, or was leap and began on a Wednesday.
  if (week === 0) return january1 === 4 || (january1 === 5 && kind >= 14) ? 53 : 52;
  const leap = kind >= 7 && kind < 14;
  if (week === 53 && !(january1 === 3 || (leap && january1 === 2))) return 1;
  return week;
}

/** Dates of the pattern in a month of `length` days that starts on weekday `first`. Bits past the end may be set. */
function matching(pattern: DayPattern, length: number, first: number): number {
  let mask = pattern.dates | onWeekdays(pattern.weekdays, first);
  if (pattern.fromEnd !== 0) {
    for (let back = 0; back < length; back++) if ((pattern.fromEnd >>> back) & 1) mask |= 1 << (length - back);
  }
  if (pattern.nearest !== 0) {
    for (let date = 1; date <= length; date++) if ((pattern.nearest >>> date) & 1) mask |= 1 << nearestWorkday(date, length, first);
  }
  if (pattern.lastWorkday) {
    const weekday = (first + length - 1) % 7;
    mask |= 1 << (length - (weekday === 0 ? 2 : weekday === 6 ? 1 : 0));
  }
  if (pattern.positions !== undefined) {
    for (let nth = 0; nth < 6; nth++) {
      const low = nth === 5 ? length - 6 : nth * 7 + 1;
      const week = low > 24 ? -1 << low : ((1 << (low + 7)) - 1) & (-1 << low);
      mask |= onWeekdays(pattern.positions[nth] ?? 0, first) & week;
    }
  }
  return mask;
}

/** Dates 1 to 31 that fall on the weekdays of a mask. */
function onWeekdays(weekdays: number, first: number): number {
  if (weekdays === 0) return 0;
  if (weekdays === allWeekdays) return -2;
  let mask = 0;
  for (let k = 0; k < 7; k++) if ((weekdays >>> ((first + k) % 7)) & 1) mask |= everySeventh << k;
  return mask;
}

function nearestWorkday(date: number, length: number, first: number): number {
  const weekday = (first + date - 1) % 7;
  if (weekday === 6) return date > 1 ? date - 1 : 3;
  if (weekday === 0) return date < length ? date + 1 : date - 2;
  return date;
}
