import type { DateTime } from 'luxon';
import type { TriggerJson } from '../core/trigger.ts';
import { InvalidOptionError, InvalidTriggerError } from '../errors.ts';
import { dayLength, dayOf, dayText } from '../time/calendar-day.ts';
import { checkEpochMs, lastInstant, parseInstant, type TimeInput } from '../time/instants.ts';
import { TimeZone } from '../time/time-zone.ts';
import { CalendarDates, type CalendarStep } from './calendar-step.ts';
import { type InspectableTrigger, matchesOf, momentText, type PreviewOptions, previewOf, previousOf } from './derived.ts';
import { checkOptionNames } from './option-names.ts';

/** Whole numbers. At least one of the first four is above 0. */
export interface CalendarIntervalTriggerOptions {
  years?: number;
  months?: number;
  weeks?: number;
  days?: number;
  /** Time of day, 0 unless given. */
  hour?: number;
  minute?: number;
  second?: number;
  /** The first date; a time of day in it is ignored. Default: the date on which the job was first stored. */
  startDate?: TimeInput;
  /** No fire time is later than this; it may be one itself. */
  endDate?: TimeInput;
  /** Zone of the dates and of the time of day; default: the system's. */
  timezone?: string;
  /** A time of day that a clock change skips: the first valid instant after it (`'next'`, the default), or none on that date. */
  gap?: 'next' | 'skip';
  /** A time of day that a clock change repeats: the first one (the default), the last, or both. */
  fold?: 'first' | 'last' | 'both';
  /** When the job was first stored, as `anchored` fixes it. Not with `startDate`. */
  anchor?: TimeInput;
}

const units = ['years', 'months', 'weeks', 'days'] as const;
const timeLimits = { hour: 23, minute: 59, second: 59 } as const;
const times = ['hour', 'minute', 'second'] as const;
export const calendarIntervalOptionNames: readonly string[] = [
  ...units,
  ...times,
  'startDate',
  'endDate',
  'timezone',
  'gap',
  'fold',
  'anchor',
];

/**
 * Fires at a time of day, on dates that lie whole calendar steps apart: years and months are added first and keep the day of the month,
 * months that lack it being passed over; then weeks and days. Wall time stays the same across clock changes.
 *
 * Dates count from `startDate`, or from the date of the anchor. While neither is there the rule is open, and
 * its dates count from 1970-01-01: `anchored` gives the rule that a job runs by, and `preview` shows that one.
 */
export class CalendarIntervalTrigger implements InspectableTrigger {
  readonly timezone: string;
  readonly #zone: TimeZone;
  readonly #dates: CalendarDates;
  /** Milliseconds after midnight on the wall. */
  readonly #timeOfDay: number;
  /** Day number of the first date. */
  readonly #firstDay: number;
  /** Only instants in here, both ends included. */
  readonly #from: number;
  readonly #until: number;
  readonly #gap: 'next' | 'skip';
  readonly #fold: 'first' | 'last' | 'both';
  readonly #options: CalendarIntervalTriggerOptions;

  /** @throws InvalidOptionError, InvalidTriggerError */
  constructor(options: CalendarIntervalTriggerOptions) {
    checkOptionNames('calendar-interval', options, calendarIntervalOptionNames);
    const { startDate, endDate, anchor, gap = 'next', fold = 'first' } = options;
    this.#options = { ...options };
    this.#zone = TimeZone.of(options.timezone === undefined ? 'local' : options.timezone);
    this.timezone = this.#zone.name;
    const step = stepOf(options);
    this.#timeOfDay = timeOfDayOf(options);
    if (gap !== 'next' && gap !== 'skip') throw new InvalidOptionError('gap', gap, '"next" or "skip"');
    if (fold !== 'first' && fold !== 'last' && fold !== 'both') throw new InvalidOptionError('fold', fold, '"first", "last" or "both"');
    this.#gap = gap;
    this.#fold = fold;
    if (startDate !== undefined && anchor !== undefined) {
      throw new InvalidOptionError('anchor', anchor, 'either startDate or anchor, not both');
    }
    const first = startDate === undefined ? this.#instant('anchor', anchor) : this.#instant('startDate', startDate);
    this.#firstDay = first === undefined ? 0 : dayOf(this.#zone.wallOf(first));
    this.#dates = new CalendarDates(this.#firstDay, step);
    // On the date of the anchor, what came before the job was stored is none of its fire times.
    this.#from = startDate === undefined && first !== undefined ? first + 1 : Number.NEGATIVE_INFINITY;
    this.#until = this.#instant('endDate', endDate) ?? Number.POSITIVE_INFINITY;
    if (startDate !== undefined && endDate !== undefined && dayOf(this.#zone.wallOf(this.#until)) < this.#firstDay) {
      throw new InvalidOptionError('endDate', endDate, 'a date that is not before startDate');
    }
  }

  next(after: number): number | undefined {
    checkEpochMs(after, 'after');
    const later = Math.max(after, this.#from - 1, -lastInstant - 1);
    if (later >= lastInstant) return undefined;
    // A skipped time of day can move to the date after its own, so the search begins a little earlier.
    let day = this.#dates.onOrAfter(dayOf(this.#zone.wallOf(Math.max(later, -lastInstant))) - 2);
    while (day !== undefined) {
      const time = this.#instantsOn(day).find((instant) => instant > later);
      if (time !== undefined) return time <= this.#until ? time : undefined;
      day = this.#dates.onOrAfter(day + 1);
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

  /** With a `startDate` or an anchor it is fixed already, and stays as it is. */
  anchored(at: number): CalendarIntervalTrigger {
    if (this.#options.startDate !== undefined || this.#options.anchor !== undefined) return this;
    return new CalendarIntervalTrigger({ ...this.#options, timezone: this.timezone, anchor: at });
  }

  describe(): string {
    const given = units.filter((unit) => (this.#options[unit] ?? 0) > 0);
    const steps = given.map((unit) => {
      const amount = this.#options[unit];
      return amount !== 1 ? `${amount} ${unit}` : given.length === 1 ? unit.slice(0, -1) : `1 ${unit.slice(0, -1)}`;
    });
    const time = new Date(this.#timeOfDay).toISOString().slice(11, 19);
    const start = this.#options.startDate === undefined ? '' : `, from ${dayText(this.#firstDay)}`;
    const end = this.#until === Number.POSITIVE_INFINITY ? '' : `, until ${momentText(this.#until, this.timezone)}`;
    return `every ${steps.join(' and ')} at ${time} ${this.timezone}${start}${end}`;
  }

  toJSON(): TriggerJson {
    const { startDate, endDate, anchor: _, ...plain } = this.#options;
    const given = Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined));
    return {
      type: 'calendar-interval',
      ...given,
      timezone: this.timezone,
      ...(startDate !== undefined && { startDate: dayText(this.#firstDay) }),
      ...(endDate !== undefined && { endDate: new Date(this.#until).toISOString() }),
      ...(this.#from !== Number.NEGATIVE_INFINITY && { anchor: new Date(this.#from - 1).toISOString() }),
    };
  }

  #instant(option: string, value: TimeInput | undefined): number | undefined {
    return value === undefined ? undefined : parseInstant(value, { timezone: this.timezone, option });
  }

  /** In order; none, one or two. */
  #instantsOn(day: number): number[] {
    const wall = day * dayLength + this.#timeOfDay;
    const instants = this.#zone.instantsOf(wall);
    if (instants.length === 0) return this.#gap === 'skip' ? [] : [this.#zone.instantOf(wall)];
    if (this.#fold === 'both') return instants;
    return this.#fold === 'first' ? instants.slice(0, 1) : instants.slice(-1);
  }
}

function stepOf(options: CalendarIntervalTriggerOptions): CalendarStep {
  for (const unit of units) {
    const amount = options[unit];
    if (amount !== undefined && !(Number.isInteger(amount) && amount >= 0 && amount <= 1_000_000)) {
      throw new InvalidOptionError(unit, amount, 'a whole number, 0 or more');
    }
  }
  const { years = 0, months = 0, weeks = 0, days = 0 } = options;
  const step = { months: years * 12 + months, days: weeks * 7 + days };
  if (step.months === 0 && step.days === 0) {
    throw new InvalidTriggerError('calendar-interval', options, 'at least one of years, months, weeks and days must be above 0');
  }
  return step;
}

function timeOfDayOf(options: CalendarIntervalTriggerOptions): number {
  for (const field of times) {
    const value = options[field];
    if (value !== undefined && !(Number.isInteger(value) && value >= 0 && value <= timeLimits[field])) {
      throw new InvalidOptionError(field, value, `a whole number from 0 to ${timeLimits[field]}`);
    }
  }
  const { hour = 0, minute = 0, second = 0 } = options;
  return ((hour * 60 + minute) * 60 + second) * 1000;
}
