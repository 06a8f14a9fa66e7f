/** A cron schedule as data: what both spellings, fields and text, are read into and what the walk reads. */
export interface CronRule {
  /** One flag for each value: index 0 to 59. */
  readonly seconds: Uint8Array;
  /** One flag for each value: index 0 to 59. */
  readonly minutes: Uint8Array;
  /** One flag for each value: index 0 to 23. */
  readonly hours: Uint8Array;
  /** Bits 1 to 12. */
  readonly months: number;
  readonly days: DayRule;
  /** ISO weeks, one flag for each: index 1 to 53. Undefined: any. */
  readonly weeks: Uint8Array | undefined;
  /** One flag for each year, index 0 for 1970. Undefined: any. */
  readonly years: Uint8Array | undefined;
  /** Second, minute and hour are all single values or lists of them: the daylight-saving rule turns on it. */
  readonly fixedTime: boolean;
}

/** Which days of a month match. An absent pattern lets every day pass. */
export interface DayRule {
  readonly day: DayPattern | undefined;
  readonly weekday: DayPattern | undefined;
  /** Whether one of the two suffices (crontab's rule); else both must match. */
  readonly either: boolean;
}

/** Days of a month, the union of all members. Weekday masks have bit 0 for Sunday to bit 6 for Saturday. */
export interface DayPattern {
  /** Bits 1 to 31: these dates. */
  readonly dates: number;
  /** Bits 0 to 30: so many days before the last one. */
  readonly fromEnd: number;
  /** Bits 1 to 31: the Monday-to-Friday day nearest to this date, in the same month. */
  readonly nearest: number;
  /** The last Monday-to-Friday day. */
  readonly lastWorkday: boolean;
  /** Weekday masks. */
  readonly weekdays: number;
  /** Weekday masks by position in the month: first to fifth, then last. */
  readonly positions: readonly number[] | undefined;
}

export const firstYear = 1970;
export const lastYear = 9999;

/** Full mask of weekdays. */
export const allWeekdays = 0b111_1111;
/** Full mask of months, bits 1 to 12. */
export const allMonths = 0b1_1111_1111_1110;
