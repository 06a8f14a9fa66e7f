import type { DateTime } from 'luxon';
import type { Trigger, TriggerJson } from '../core/trigger.ts';
import { InvalidOptionError } from '../errors.ts';
import { dayLength, dayOf, weekdayOf } from '../time/calendar-day.ts';
import { TimeZone } from '../time/time-zone.ts';
import { DateList } from './date-list.ts';
import { anchoredAt, describeTrigger, type InspectableTrigger, matchesOf, type PreviewOptions, previewOf, previousOf } from './derived.ts';
import { checkOptionNames, checkTrigger } from './option-names.ts';
import { nextWithin, SearchBudget, type SearchingTrigger } from './search.ts';
import { firstInstant, type TimeSet } from './time-set.ts';
import { parseWeekdays, type Weekday, weekdaysText } from './weekdays.ts';

/** At least one of `days`, `from`, `to` and `dates`; what is not given does not restrict. */
export interface WindowOptions {
  /** `'mon-fri'`, `['mon', 'wed']`, `[1, 3]`. */
  days?: string | readonly Weekday[];
  /** Time of day, `'09:00'` or `'09:00:00'`: the first moment inside; default `'00:00'`. */
  from?: string;
  /** The first moment no longer inside; default `'24:00'`. Earlier than `from`, it lies on the next day. */
  to?: string;
  /** `'2030-12-24/2031-01-01'`, `'2030-12-25'`, and for every year `'11-15/03-15'`. */
  dates?: readonly string[];
  /** Zone of all these; default: the system's. */
  timezone?: string;
}

export const windowOptionNames: readonly string[] = ['days', 'from', 'to', 'dates', 'timezone'];

/**
 * Hours of the day, on some weekdays and dates, by the wall clock of a zone. Hours that go past midnight belong
 * to the day on which they begin: Friday 22:00 to 06:00 ends on Saturday morning.
 */
export class Window implements TimeSet {
  readonly timezone: string;
  readonly #zone: TimeZone;
  readonly #days: readonly number[] | undefined;
  readonly #dates: DateList | undefined;
  /** Milliseconds after the midnight of the day it belongs to; `to` is up to a day past the next midnight. */
  readonly #from: number;
  readonly #to: number;
  readonly #options: WindowOptions;

  /** @throws InvalidOptionError */
  constructor(options: WindowOptions) {
    checkOptionNames('window', options, windowOptionNames);
    const { days, from, to, dates, timezone = 'local' } = options;
    if (days === undefined && from === undefined && to === undefined && dates === undefined) {
      throw new InvalidOptionError('window', options, 'at least one of days, from, to and dates');
    }
    this.#zone = TimeZone.of(timezone);
    this.timezone = this.#zone.name;
    this.#days = days === undefined ? undefined : parseWeekdays(days, 'days');
    if (this.#days?.length === 0) throw new InvalidOptionError('days', days, 'at least one weekday');
    this.#dates = dates === undefined ? undefined : new DateList(dates, 'dates');
    if (dates?.length === 0) throw new InvalidOptionError('dates', dates, 'at least one date');
    this.#from = timeOfDay(from ?? '00:00', 'from');
    const end = timeOfDay(to ?? '24:00', 'to');
    if (this.#from === dayLength) throw new InvalidOptionError('from', from, 'a time of day before "24:00", which is where the day ends');
    if (end === this.#from) throw new InvalidOptionError('to', to, 'another time of day than from');
    this.#to = end > this.#from ? end : end + dayLength;
    this.#options = {
      ...(this.#days !== undefined && { days: this.#days }),
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
      ...(dates !== undefined && { dates: [...dates] }),
    };
  }

  has(instant: number): boolean {
    return this.#endOfHours(this.#zone.wallOf(instant)) !== undefined;
  }

  /** The first moment at or after `instant` inside the window; `undefined` if it is over for ever. */
  enter(instant: number): number | undefined {
    return firstInstant(this.#zone, instant, (wall) => this.#firstInside(wall));
  }

  leave(instant: number): number | undefined {
    return firstInstant(this.#zone, instant, (wall) => this.#firstOutside(wall));
  }

  describe(): string {
    const { from, to, dates } = this.#options;
    const parts: string[] = [];
    if (from !== undefined || to !== undefined) parts.push(`from ${from ?? '00:00'} to ${to ?? '24:00'}`);
    if (this.#days !== undefined) parts.push(`on ${weekdaysText(this.#days)}`);
    if (dates !== undefined) parts.push(`within ${dates.join(', ')}`);
    return `${parts.join(' ')} (${this.timezone})`;
  }

  /** Its `type` is `hours`: it is no trigger, but stands inside of one. */
  toJSON(): TriggerJson {
    const { days, from, to, dates } = this.#options;
    return {
      type: 'hours',
      ...(days !== undefined && { days }),
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
      ...(dates !== undefined && { dates }),
      timezone: this.timezone,
    };
  }

  #hasDay(day: number): boolean {
    return this.#hasWeekday(day) && (this.#dates === undefined || this.#dates.has(day));
  }

  #hasWeekday(day: number): boolean {
    return this.#days === undefined || this.#days.includes(weekdayOf(day));
  }

  /** Where the hours end that this wall time lies in; `undefined` if it lies in none. */
  #endOfHours(wall: number): number | undefined {
    const today = dayOf(wall);
    // Today's hours are asked first: they end later than what is left of yesterday's.
    for (const day of [today, today - 1]) {
      const midnight = day * dayLength;
      if (wall >= midnight + this.#from && wall < midnight + this.#to && this.#hasDay(day)) return midnight + this.#to;
    }
    return undefined;
  }

  #firstInside(wall: number): number | undefined {
    if (this.#endOfHours(wall) !== undefined) return wall;
    const today = dayOf(wall);
    // In none of the hours that began; today's may still begin.
    const from = wall < today * dayLength + this.#from ? today : today + 1;
    const day = this.#firstDay(from);
    return day === undefined ? undefined : day * dayLength + this.#from;
  }

  #firstOutside(wall: number): number | undefined {
    const end = this.#endOfHours(wall);
    if (end === undefined) return wall;
    if (this.#to - this.#from < dayLength) return end;
    // Whole days, of which one may follow on another.
    const day = this.#firstOtherDay(dayOf(wall));
    return day === undefined ? undefined : day * dayLength;
  }

  /** The first day at or after `day` that has hours. Where dates come every year, each weekday comes to fall on one. */
  #firstDay(day: number): number | undefined {
    let each: number | undefined = day;
    for (;;) {
      if (this.#dates !== undefined) each = this.#dates.enter(each);
      if (each === undefined || this.#hasWeekday(each)) return each;
      each += 1;
    }
  }

  /** The first day at or after `day` that has no hours. */
  #firstOtherDay(day: number): number | undefined {
    for (let each = day; each < day + 7; each++) if (!this.#hasDay(each)) return each;
    // Every weekday has them, so it is for the dates to end them.
    return this.#dates?.leave(day);
  }
}

function timeOfDay(text: unknown, option: string): number {
  const match = typeof text === 'string' ? /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text.trim()) : null;
  const [hour, minute, second] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3] ?? 0)];
  const ms = ((hour * 60 + minute) * 60 + second) * 1000;
  if (match === null || minute > 59 || second > 59 || ms > dayLength) {
    throw new InvalidOptionError(option, text, 'a time of day such as "09:00", up to "24:00"');
  }
  return ms;
}

/** The fire times of another trigger that lie inside a window. */
export class WindowTrigger implements InspectableTrigger, SearchingTrigger {
  readonly trigger: Trigger;
  readonly window: Window;

  /** @throws InvalidOptionError */
  constructor(trigger: Trigger, window: Window | WindowOptions) {
    checkTrigger(trigger, 'of');
    this.trigger = trigger;
    this.window = window instanceof Window ? window : new Window(window);
  }

  get timezone(): string {
    return this.trigger.timezone ?? this.window.timezone;
  }

  next(after: number): number | undefined {
    return this.nextWithin(after, new SearchBudget('window', after));
  }

  /** Leaps from each fire time outside to where the window opens next. */
  nextWithin(after: number, budget: SearchBudget): number | undefined {
    let time = nextWithin(this.trigger, after, budget);
    while (time !== undefined) {
      const open = this.window.enter(time);
      if (open === undefined || open === time) return open;
      time = nextWithin(this.trigger, open - 1, budget);
    }
    return undefined;
  }

  previous(before: number): number | undefined {
    return previousOf(this, before);
  }

  matches(instant: number): boolean {
    return matchesOf(this, instant);
  }

  preview(n: number, options?: PreviewOptions): DateTime[] {
    return previewOf(this, n, options);
  }

  anchored(at: number): WindowTrigger {
    const trigger = anchoredAt(this.trigger, at);
    return trigger === this.trigger ? this : new WindowTrigger(trigger, this.window);
  }

  describe(): string {
    return `${describeTrigger(this.trigger)}, only ${this.window.describe()}`;
  }

  toJSON(): TriggerJson {
    return { ...this.window.toJSON(), type: 'window', of: this.trigger.toJSON() };
  }
}
