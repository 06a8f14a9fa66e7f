import type { TriggerJson } from '../core/trigger.ts';
import { InvalidOptionError } from '../errors.ts';
import { dayLength, dayOf, weekdayOf } from '../time/calendar-day.ts';
import { TimeZone } from '../time/time-zone.ts';
import { DateList } from './date-list.ts';
import { checkOptionNames } from './option-names.ts';
import { firstInstant, type TimeSet } from './time-set.ts';
import { parseWeekdays, type Weekday, weekdaysText } from './weekdays.ts';

export interface CalendarOptions {
  name: string;
  /** Says which edition of the dates it is, such as `'2030'`; for people, and kept in JSON. */
  version?: string | number;
  /** Zone in which a day begins; default: the system's. */
  timezone?: string;
  /** `'2030-12-25'`, `'2030-12-24/2031-01-01'`, and for every year `'12-25'` or `'12-24/01-01'`. */
  dates?: readonly string[];
  /** `'sat,sun'`, `['sat', 'sun']`, `[6, 0]`. */
  weekdays?: string | readonly Weekday[];
}

export const calendarOptionNames: readonly string[] = ['name', 'version', 'timezone', 'dates', 'weekdays'];

/**
 * A named set of days that are not working days: holidays, weekends. Plain data, so that a trigger in a store carries
 * its calendar within it and fires the same in every process; a new edition reaches a job when it is registered again.
 */
export class Calendar implements TimeSet {
  readonly name: string;
  readonly version: string | number | undefined;
  readonly timezone: string;
  readonly zone: TimeZone;
  readonly #dates: DateList;
  readonly #dateTexts: readonly string[];
  readonly #weekdays: readonly number[];

  /** @throws InvalidOptionError */
  constructor(options: CalendarOptions) {
    checkOptionNames('calendar', options, calendarOptionNames);
    const { name, version, timezone = 'local', dates = [], weekdays = [] } = options;
    if (typeof name !== 'string' || name.length === 0) throw new InvalidOptionError('name', name, 'a name for the calendar');
    if (version !== undefined && typeof version !== 'string' && !Number.isFinite(version)) {
      throw new InvalidOptionError('version', version, 'a text or a finite number');
    }
    this.name = name;
    this.version = version;
    this.zone = TimeZone.of(timezone);
    this.timezone = this.zone.name;
    this.#dates = new DateList(dates, 'dates');
    this.#dateTexts = [...dates];
    this.#weekdays = parseWeekdays(weekdays, 'weekdays');
    if (this.#weekdays.length === 7) throw new InvalidOptionError('weekdays', weekdays, 'at least one weekday left');
  }

  /** Whether the day with this number is excluded: not a working day. */
  hasDay(day: number): boolean {
    return this.#weekdays.includes(weekdayOf(day)) || this.#dates.has(day);
  }

  /** The first working day at or after `day`; `undefined` if none is left for ever. */
  workingDay(day: number): number | undefined {
    let free = this.#dates.leave(day);
    // A day that the dates leave free every year comes to fall on each weekday.
    while (free !== undefined && this.#weekdays.includes(weekdayOf(free))) free = this.#dates.leave(free + 1);
    return free;
  }

  has(instant: number): boolean {
    return this.hasDay(dayOf(this.zone.wallOf(instant)));
  }

  leave(instant: number): number | undefined {
    return firstInstant(this.zone, instant, (wall) => {
      const today = dayOf(wall);
      const day = this.workingDay(today);
      return day === undefined ? undefined : day === today ? wall : day * dayLength;
    });
  }

  describe(): string {
    return `the days of the calendar "${this.name}"${this.#weekdays.length > 0 ? ` (${weekdaysText(this.#weekdays)} among them)` : ''}`;
  }

  /** Its `type` is `calendar-days`: it is no trigger, but stands inside of one. */
  toJSON(): TriggerJson {
    return {
      type: 'calendar-days',
      name: this.name,
      ...(this.version !== undefined && { version: this.version }),
      timezone: this.timezone,
      dates: this.#dateTexts,
      weekdays: this.#weekdays,
    };
  }
}
