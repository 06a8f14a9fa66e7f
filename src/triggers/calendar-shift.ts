import type { DateTime } from 'luxon';
import type { Trigger, TriggerJson } from '../core/trigger.ts';
import { InvalidOptionError } from '../errors.ts';
import { dayLength, dayOf } from '../time/calendar-day.ts';
import { lastInstant } from '../time/instants.ts';
import { Calendar, type CalendarOptions } from './calendar.ts';
import { anchoredAt, describeTrigger, type InspectableTrigger, matchesOf, type PreviewOptions, previewOf, previousOf } from './derived.ts';
import { ExceptTrigger } from './except.ts';
import { checkOptionNames, checkTrigger } from './option-names.ts';
import { nextWithin, SearchBudget, type SearchingTrigger } from './search.ts';

/** What becomes of a fire time on a day that the calendar excludes. */
export type CalendarPolicy = 'skip' | 'next-working-day' | 'previous-working-day';

export interface CalendarShiftOptions {
  calendar: Calendar | CalendarOptions;
  /** Default `'skip'`. */
  policy?: CalendarPolicy;
}

const policies: readonly string[] = ['skip', 'next-working-day', 'previous-working-day'] satisfies CalendarPolicy[];
const calendarShiftOptionNames: readonly string[] = ['calendar', 'policy'];
/** Of excluded days that are looked through, either way: the Gregorian calendar repeats itself then. */
const longestRun = 146_097;

/**
 * The fire times of another trigger, kept clear of a calendar's days: those that fall on one are left out, or move to
 * the next or the previous working day. They keep their time of day by the calendar's clock (a time that is skipped
 * there becomes the first valid instant after it, a repeated one the first), and those that meet are one.
 */
export class CalendarShiftTrigger implements InspectableTrigger, SearchingTrigger {
  readonly trigger: Trigger;
  readonly calendar: Calendar;
  readonly policy: CalendarPolicy;

  /** @throws InvalidOptionError */
  constructor(trigger: Trigger, options: CalendarShiftOptions) {
    checkTrigger(trigger, 'of');
    checkOptionNames('calendar', options, calendarShiftOptionNames);
    const { calendar, policy = 'skip' } = options;
    if (!policies.includes(policy)) throw new InvalidOptionError('policy', policy, `one of ${policies.join(', ')}`);
    if (typeof calendar !== 'object' || calendar === null) throw new InvalidOptionError('calendar', calendar, 'a Calendar, or its options');
    this.trigger = trigger;
    this.calendar = calendar instanceof Calendar ? calendar : new Calendar(calendar);
    this.policy = policy;
  }

  get timezone(): string {
    return this.trigger.timezone ?? this.calendar.timezone;
  }

  next(after: number): number | undefined {
    return this.nextWithin(after, new SearchBudget('calendar', after));
  }

  /**
   * Goes through working days. To each belong its own fire times and those of the excluded days whose times move to
   * it: the run before it, or the run after it. Not in order among themselves, so the earliest is looked for.
   */
  nextWithin(after: number, budget: SearchBudget): number | undefined {
    if (this.policy === 'skip') return new ExceptTrigger(this.trigger, this.calendar).nextWithin(after, budget);
    if (after >= lastInstant - longestRun * dayLength) return undefined;
    const { zone } = this.calendar;
    // Far enough from the first moment there is, that the days looked back to are still days.
    const from = Math.max(after, 2 * longestRun * dayLength - lastInstant);
    let working = this.calendar.workingDay(dayOf(zone.wallOf(from)));
    while (working !== undefined) {
      const { first, last } = this.#sources(working);
      // A day earlier, as a clock set back past midnight gives a little of a day before its own start.
      const coming = nextWithin(this.trigger, zone.instantOf((first - 1) * dayLength) - 1, budget);
      if (coming === undefined) return undefined;
      const comingDay = dayOf(zone.wallOf(coming));
      if (comingDay > last) {
        working = this.#target(comingDay);
        continue;
      }
      const time = this.#earliestOn(working, from, { first, last, budget });
      if (time !== undefined) return time;
      working = this.calendar.workingDay(working + 1);
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

  anchored(at: number): CalendarShiftTrigger {
    const trigger = anchoredAt(this.trigger, at);
    return trigger === this.trigger ? this : new CalendarShiftTrigger(trigger, { calendar: this.calendar, policy: this.policy });
  }

  describe(): string {
    const what = this.policy === 'skip' ? 'except on' : `moved to the ${this.policy.replaceAll('-', ' ')} from`;
    return `${describeTrigger(this.trigger)}, ${what} ${this.calendar.describe()}`;
  }

  toJSON(): TriggerJson {
    return { type: 'calendar', of: this.trigger.toJSON(), calendar: this.calendar.toJSON(), policy: this.policy };
  }

  /** The working day that a day's fire times move to, or itself. */
  #target(day: number): number | undefined {
    return this.policy === 'next-working-day' ? this.calendar.workingDay(day) : this.#workingDayBefore(day + 1);
  }

  /** The days whose fire times come to lie on this working day. */
  #sources(working: number): { first: number; last: number } {
    if (this.policy === 'next-working-day') {
      return { first: (this.#workingDayBefore(working) ?? working - 1) + 1, last: working };
    }
    return { first: working, last: (this.calendar.workingDay(working + 1) ?? working + 1) - 1 };
  }

  #workingDayBefore(day: number): number | undefined {
    for (let before = day - 1; before >= day - longestRun; before--) if (!this.calendar.hasDay(before)) return before;
    return undefined;
  }

  #earliestOn(working: number, after: number, sources: { first: number; last: number; budget: SearchBudget }): number | undefined {
    const { zone } = this.calendar;
    let earliest: number | undefined;
    for (let day = sources.first; day <= sources.last; day++) {
      sources.budget.spend();
      const move = (instant: number): number =>
        day === working ? instant : zone.instantOf(zone.wallOf(instant) + (working - day) * dayLength);
      let end = 0;
      for (const part of this.#partsOf(day)) {
        end = part.until;
        // What has a time of day before that of `after` moves to no later than `after`.
        const passed = zone.wallOf(after) - (working - day) * dayLength - part.offset;
        const from = Math.max(part.from, day === working ? after + 1 : passed);
        const time = this.#firstMoved({ from, until: part.until, budget: sources.budget }, after, move);
        if (time !== undefined && (earliest === undefined || time < earliest)) earliest = time;
      }
      // Days on which nothing can fire are passed over.
      const coming = end === 0 ? undefined : nextWithin(this.trigger, end - 1, sources.budget);
      if (coming !== undefined) day = Math.max(day, dayOf(zone.wallOf(coming)) - 2);
    }
    return earliest;
  }

  /** The earliest moved fire time later than `after`, from a part of a day in which moving keeps the order. */
  #firstMoved(
    part: { from: number; until: number; budget: SearchBudget },
    after: number,
    move: (instant: number) => number,
  ): number | undefined {
    let time = nextWithin(this.trigger, part.from - 1, part.budget);
    while (time !== undefined && time < part.until) {
      const moved = move(time);
      if (moved > after) return moved;
      time = nextWithin(this.trigger, time, part.budget);
    }
    return undefined;
  }

  /** The stretches of constant offset within a day: one, two on the day of a clock change, none if the day was left out. */
  *#partsOf(day: number): Generator<{ from: number; until: number; offset: number }, undefined> {
    const begin = day * dayLength;
    let instant = begin - 2 * dayLength;
    while (instant < begin + 3 * dayLength) {
      const { offset, until: spanEnd } = this.calendar.zone.spanAt(instant);
      const from = Math.max(instant, begin - offset);
      const until = Math.min(spanEnd, begin + dayLength - offset);
      if (from < until) yield { from, until, offset };
      instant = spanEnd;
    }
    return undefined;
  }
}
