import type { DateTime } from 'luxon';
import { systemClock } from '../clocks/system-clock.ts';
import type { TriggerJson } from '../core/trigger.ts';
import { checkEpochMs, parseInstant, type TimeInput } from '../time/instants.ts';
import { TimeZone } from '../time/time-zone.ts';
import { type InspectableTrigger, momentText, type PreviewOptions, previewOf } from './derived.ts';
import { checkOptionNames } from './option-names.ts';

export interface DateTriggerOptions {
  /** When to fire; default: now. */
  runDate?: TimeInput;
  /** Zone of a `runDate` without an offset, and of the times shown; default: the system's. */
  timezone?: string;
}

export const dateOptionNames: readonly string[] = ['runDate', 'timezone'];

/** Fires once, at `runDate`. Kept small: a scheduler may hold a million of them. */
export class DateTrigger implements InspectableTrigger {
  /** Epoch milliseconds. */
  readonly runDate: number;
  readonly timezone: string | undefined;

  /** @throws InvalidOptionError */
  constructor(options: DateTriggerOptions = {}) {
    checkOptionNames('date', options, dateOptionNames);
    const { runDate, timezone } = options;
    this.timezone = timezone === undefined ? undefined : TimeZone.of(timezone).name;
    this.runDate =
      runDate === undefined ? systemClock.now() : parseInstant(runDate, { timezone: this.timezone ?? 'local', option: 'runDate' });
  }

  next(after: number): number | undefined {
    checkEpochMs(after, 'after');
    return after < this.runDate ? this.runDate : undefined;
  }

  previous(before: number): number | undefined {
    checkEpochMs(before, 'before');
    return this.runDate < before ? this.runDate : undefined;
  }

  matches(instant: number): boolean {
    checkEpochMs(instant, 'instant');
    return instant === this.runDate;
  }

  preview(n: number, options?: PreviewOptions): DateTime[] {
    return previewOf(this, n, options);
  }

  describe(): string {
    return `once at ${momentText(this.runDate, this.timezone)}`;
  }

  toJSON(): TriggerJson {
    const runDate = new Date(this.runDate).toISOString();
    // In the order of its keys, as stores write it.
    return this.timezone === undefined ? { runDate, type: 'date' } : { runDate, timezone: this.timezone, type: 'date' };
  }
}
