import { calendarDay, dateOf, isDayOfMonth } from '../time/calendar-day.ts';

/** How far it is from one date of a calendar interval to the next: first the months, then the days. Not both 0. */
export interface CalendarStep {
  readonly months: number;
  readonly days: number;
}

const lastDay = calendarDay(9999, 12, 31);

/**
 * The dates that whole steps reach from `start`, as day numbers, up to the year 9999. Months keep the day of the month;
 * where a month lacks that day, they are added again from there.
 *
 * Months alone and days alone are reckoned from `start` in one go. Where both are given each date rests on the one
 * before it (as in APScheduler), so these are walked, and what was walked is kept: at most twelve numbers a year.
 */
export class CalendarDates {
  readonly #start: number;
  readonly #step: CalendarStep;
  /** A pure memo: the dates walked so far, in order. */
  readonly #walked: number[];

  constructor(start: number, step: CalendarStep) {
    this.#start = start;
    this.#step = step;
    this.#walked = [start];
  }

  /** The first date on or after `from`; `undefined` if there is none. */
  onOrAfter(from: number): number | undefined {
    const { months, days } = this.#step;
    if (from <= this.#start) return this.#start;
    if (months === 0) return upToLastDay(this.#start + Math.ceil((from - this.#start) / days) * days);
    if (days === 0) return monthReached(this.#start, months, from);
    for (let last = this.#walked.at(-1); last !== undefined && last < from; ) {
      const moved = monthReached(last, months, last + 1);
      last = moved === undefined ? undefined : upToLastDay(moved + days);
      if (last !== undefined) this.#walked.push(last);
    }
    let low = 0;
    let high = this.#walked.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#walked[middle] ?? 0) < from) low = middle + 1;
      else high = middle;
    }
    return this.#walked[low];
  }
}

function monthReached(start: number, months: number, from: number): number | undefined {
  const { year, month, day } = dateOf(start);
  const first = year * 12 + month - 1;
  const wanted = dateOf(from);
  // Whatever lies on or after `from` lies in its month or a later one.
  const steps = Math.max(0, Math.ceil((wanted.year * 12 + wanted.month - 1 - first) / months));
  for (let total = first + steps * months; ; total += months) {
    const toYear = Math.floor(total / 12);
    const toMonth = total - toYear * 12 + 1;
    if (toYear > 9999) return undefined;
    if (!isDayOfMonth(toYear, toMonth, day)) continue;
    const reached = calendarDay(toYear, toMonth, day);
    if (reached >= from) return reached;
  }
}

function upToLastDay(day: number): number | undefined {
  return day > lastDay ? undefined : day;
}
