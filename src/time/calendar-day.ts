/**
 * Dates as day numbers: 0 is 1970-01-01, in the proleptic Gregorian calendar of ISO 8601. A day number times
 * `dayLength` is that date's midnight "as if in UTC", which is how wall time is written inside punctual.
 */

/** Milliseconds in a day without a clock change. */
export const dayLength = 86_400_000;

// The Gregorian calendar repeats itself after 400 years.
const eraYears = 400;
const eraDays = 146_097;

/** The day number of a date. Month is 1 to 12; the day may lie outside of its month and then counts on. */
export function calendarDay(year: number, month: number, day: number): number {
  // Date.UTC reads years 0 to 99 as 1900 to 1999, so every year is first moved into one era.
  const era = Math.floor(year / eraYears);
  const yearOfEra = year - era * eraYears;
  return Date.UTC(2000 + yearOfEra, month - 1, day) / dayLength + (era - 5) * eraDays;
}

/** The date of a day number. */
export function dateOf(day: number): { readonly year: number; readonly month: number; readonly day: number } {
  const date = new Date(day * dayLength);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

/** Day number of the wall time `wallMs`. */
export function dayOf(wallMs: number): number {
  return Math.floor(wallMs / dayLength);
}

/** 0 for Sunday to 6 for Saturday. */
export function weekdayOf(day: number): number {
  return (((day + 4) % 7) + 7) % 7;
}

export function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

export function isDayOfMonth(year: number, month: number, day: number): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);
}

/** `2030-10-01`. */
export function dayText(day: number): string {
  const iso = new Date(day * dayLength).toISOString();
  return iso.slice(0, iso.indexOf('T'));
}
