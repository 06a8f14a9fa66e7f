import type { DateTime } from 'luxon';
import type { Trigger, TriggerJson } from '../core/trigger.ts';
import { InvalidTriggerError } from '../errors.ts';
import { anchoredAt, describeTrigger, type InspectableTrigger, matchesOf, type PreviewOptions, previewOf, previousOf } from './derived.ts';
import { nextWithin, SearchBudget, type SearchingTrigger } from './search.ts';

/** Fires when all of its triggers fire in the same millisecond. */
export class AndTrigger implements InspectableTrigger, SearchingTrigger {
  readonly triggers: readonly Trigger[];

  /** @throws InvalidTriggerError if there is no trigger */
  constructor(triggers: readonly Trigger[]) {
    this.triggers = checkedTriggers('and', triggers);
  }

  /** The zone of the first that has one. */
  get timezone(): string | undefined {
    return timezoneOf(this.triggers);
  }

  next(after: number): number | undefined {
    return this.nextWithin(after, new SearchBudget('and', after));
  }

  /** Whichever trigger fires latest sets the time that the others have to meet, until all meet. */
  nextWithin(after: number, budget: SearchBudget): number | undefined {
    for (let time = after + 1; ; ) {
      let latest = time;
      for (const trigger of this.triggers) {
        const own = nextWithin(trigger, latest - 1, budget);
        if (own === undefined) return undefined;
        latest = own;
      }
      if (latest === time) return time;
      time = latest;
    }
  }

  previous(before: number): number | undefined {
    return previousOf(this, before);
  }

  matches(instant: number): boolean {
    return this.triggers.every((trigger) => matchesOf(trigger, instant));
  }

  preview(n: number, options?: PreviewOptions): DateTime[] {
    return previewOf(this, n, options);
  }

  anchored(at: number): AndTrigger {
    const triggers = this.triggers.map((trigger) => anchoredAt(trigger, at));
    return triggers.every((trigger, index) => trigger === this.triggers[index]) ? this : new AndTrigger(triggers);
  }

  describe(): string {
    return `when all of these fire at once: ${this.triggers.map(describeTrigger).join('; ')}`;
  }

  toJSON(): TriggerJson {
    return { type: 'and', triggers: this.triggers.map((trigger) => trigger.toJSON()) };
  }
}

/** Fires when any of its triggers fires; once where several do in the same millisecond. */
export class OrTrigger implements InspectableTrigger, SearchingTrigger {
  readonly triggers: readonly Trigger[];

  /** @throws InvalidTriggerError if there is no trigger */
  constructor(triggers: readonly Trigger[]) {
    this.triggers = checkedTriggers('or', triggers);
  }

  /** The zone of the first that has one. */
  get timezone(): string | undefined {
    return timezoneOf(this.triggers);
  }

  next(after: number): number | undefined {
    return this.nextWithin(after, new SearchBudget('or', after));
  }

  nextWithin(after: number, budget: SearchBudget): number | undefined {
    let earliest: number | undefined;
    for (const trigger of this.triggers) {
      const time = nextWithin(trigger, after, budget);
      if (time !== undefined && (earliest === undefined || time < earliest)) earliest = time;
    }
    return earliest;
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

  anchored(at: number): OrTrigger {
    const triggers = this.triggers.map((trigger) => anchoredAt(trigger, at));
    return triggers.every((trigger, index) => trigger === this.triggers[index]) ? this : new OrTrigger(triggers);
  }

  describe(): string {
    return `when any of these fires: ${this.triggers.map(describeTrigger).join('; ')}`;
  }

  toJSON(): TriggerJson {
    return { type: 'or', triggers: this.triggers.map((trigger) => trigger.toJSON()) };
  }
}

function timezoneOf(triggers: readonly Trigger[]): string | undefined {
  return triggers.find((trigger) => trigger.timezone !== undefined)?.timezone;
}

function checkedTriggers(kind: string, triggers: readonly Trigger[]): readonly Trigger[] {
  const given: unknown = triggers;
  if (!Array.isArray(given) || given.length === 0) throw new InvalidTriggerError(kind, given, 'give a list of at least one trigger');
  const wrong = triggers.findIndex((trigger) => typeof trigger?.next !== 'function');
  if (wrong >= 0) throw new InvalidTriggerError(`${kind}[${wrong}]`, triggers[wrong], 'give a trigger, such as a new CronTrigger');
  return [...triggers];
}
