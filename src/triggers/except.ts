import type { DateTime } from 'luxon';
import type { Trigger, TriggerJson } from '../core/trigger.ts';
import { InvalidOptionError } from '../errors.ts';
import { anchoredAt, describeTrigger, type InspectableTrigger, matchesOf, type PreviewOptions, previewOf, previousOf } from './derived.ts';
import { checkTrigger } from './option-names.ts';
import { nextWithin, SearchBudget, type SearchingTrigger } from './search.ts';
import type { TimeSet } from './time-set.ts';

/** What an ExceptTrigger leaves out: the fire times of a trigger, the days of a Calendar, the hours of a Window. */
export type Excluded = Trigger | TimeSet;

/**
 * The fire times of a trigger without those excluded. A calendar's day or a window's hours are left in one leap; the
 * fire times of an excluded trigger are left out one by one, and only where the two fire in the same millisecond.
 */
export class ExceptTrigger implements InspectableTrigger, SearchingTrigger {
  readonly trigger: Trigger;
  readonly excluded: Excluded;

  /** @throws InvalidOptionError */
  constructor(trigger: Trigger, excluded: Excluded) {
    checkTrigger(trigger, 'of');
    if (typeof excluded !== 'object' || excluded === null || !('next' in excluded || 'leave' in excluded))
      throw new InvalidOptionError('except', excluded, 'a trigger, a Calendar or a Window');
    this.trigger = trigger;
    this.excluded = excluded;
  }

  get timezone(): string | undefined {
    return this.trigger.timezone;
  }

  next(after: number): number | undefined {
    return this.nextWithin(after, new SearchBudget('except', after));
  }

  nextWithin(after: number, budget: SearchBudget): number | undefined {
    let time = nextWithin(this.trigger, after, budget);
    while (time !== undefined) {
      const free = this.#leave(time, budget);
      if (free === undefined || free === time) return free;
      time = nextWithin(this.trigger, free - 1, budget);
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

  anchored(at: number): ExceptTrigger {
    const trigger = anchoredAt(this.trigger, at);
    const excluded = 'next' in this.excluded ? anchoredAt(this.excluded, at) : this.excluded;
    return trigger === this.trigger && excluded === this.excluded ? this : new ExceptTrigger(trigger, excluded);
  }

  describe(): string {
    const excluded = 'next' in this.excluded ? describeTrigger(this.excluded) : this.excluded.describe();
    return `${describeTrigger(this.trigger)}, except ${excluded}`;
  }

  toJSON(): TriggerJson {
    return { type: 'except', of: this.trigger.toJSON(), except: this.excluded.toJSON() };
  }

  #leave(time: number, budget: SearchBudget): number | undefined {
    if (!('next' in this.excluded)) return this.excluded.leave(time);
    return nextWithin(this.excluded, time - 1, budget) === time ? time + 1 : time;
  }
}
