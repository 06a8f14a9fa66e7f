import type { DateTime } from 'luxon';
import type { TriggerJson } from '../core/trigger.ts';
import { InvalidOptionError, InvalidTriggerError } from '../errors.ts';
import { type DurationInput, durationText, parseDuration, unitLengths } from '../time/duration.ts';
import { checkEpochMs, lastInstant, parseInstant, type TimeInput } from '../time/instants.ts';
import { TimeZone } from '../time/time-zone.ts';
import { type InspectableTrigger, matchesOf, momentText, type PreviewOptions, previewOf } from './derived.ts';
import { checkOptionNames } from './option-names.ts';

/** The interval is the sum of the units given, or `every`; fractions of a unit are fine, down to a millisecond. */
export interface IntervalTriggerOptions {
  weeks?: number;
  days?: number;
  hours?: number;
  minutes?: number;
  seconds?: number;
  milliseconds?: number;
  /** The interval in one: `'90s'`, `{ minutes: 5 }`, or milliseconds. Instead of the units. */
  every?: DurationInput;
  /** The first fire time. Default: one interval after the job was first stored. */
  startDate?: TimeInput;
  /** No fire time is later than this; it may be one itself. */
  endDate?: TimeInput;
  /** Zone of dates without an offset, and of the times shown; default: the system's. */
  timezone?: string;
  /** When the job was first stored, as `anchored` fixes it: the first fire time is one interval later. Not with `startDate`. */
  anchor?: TimeInput;
}

const units = ['weeks', 'days', 'hours', 'minutes', 'seconds', 'milliseconds'] as const;
export const intervalOptionNames: readonly string[] = [...units, 'every', 'startDate', 'endDate', 'timezone', 'anchor'];

/**
 * Fires each time a fixed length of elapsed time has passed, whatever the wall clock does: a day is 24 hours.
 * Fire times lie on a grid from `startDate`, or from the anchor, so nothing drifts. While neither is there the rule is
 * open: the next fire time is one interval after whatever moment is asked about.
 */
export class IntervalTrigger implements InspectableTrigger {
  readonly intervalMs: number;
  /** Epoch milliseconds, like the two below. */
  readonly startDate: number | undefined;
  readonly endDate: number | undefined;
  readonly anchor: number | undefined;
  readonly timezone: string | undefined;

  /** @throws InvalidOptionError, InvalidTriggerError */
  constructor(options: IntervalTriggerOptions) {
    checkOptionNames('interval', options, intervalOptionNames);
    const { startDate, endDate, timezone, anchor } = options;
    this.intervalMs = intervalOf(options);
    this.timezone = timezone === undefined ? undefined : TimeZone.of(timezone).name;
    const zone = this.timezone ?? 'local';
    this.startDate = startDate === undefined ? undefined : parseInstant(startDate, { timezone: zone, option: 'startDate' });
    this.endDate = endDate === undefined ? undefined : parseInstant(endDate, { timezone: zone, option: 'endDate' });
    this.anchor = anchor === undefined ? undefined : parseInstant(anchor, { timezone: zone, option: 'anchor' });
    if (this.startDate !== undefined && this.anchor !== undefined) {
      throw new InvalidOptionError('anchor', anchor, 'either startDate or anchor, not both');
    }
    if (this.startDate !== undefined && this.endDate !== undefined && this.endDate < this.startDate) {
      throw new InvalidOptionError('endDate', endDate, 'a date that is not before startDate');
    }
  }

  next(after: number): number | undefined {
    checkEpochMs(after, 'after');
    const from = Math.max(Math.floor(after), -lastInstant - 1);
    if (from >= lastInstant) return undefined;
    const first = this.#first();
    let time = from + this.intervalMs;
    if (first !== undefined) time = from < first ? first : time - ((from - first) % this.intervalMs);
    return time > (this.endDate ?? lastInstant) ? undefined : time;
  }

  previous(before: number): number | undefined {
    checkEpochMs(before, 'before');
    const first = this.#first();
    const until = Math.min(Math.ceil(before) - 1, this.endDate ?? lastInstant);
    if (until < -lastInstant) return undefined;
    if (first === undefined) return Math.max(Math.min(Math.ceil(before) - this.intervalMs, until), -lastInstant);
    return until < first ? undefined : until - ((until - first) % this.intervalMs);
  }

  matches(instant: number): boolean {
    return matchesOf(this, instant);
  }

  preview(n: number, options?: PreviewOptions): DateTime[] {
    return previewOf(this, n, options);
  }

  /** With a `startDate` or an anchor it is fixed already, and stays as it is. */
  anchored(at: number): IntervalTrigger {
    return this.#first() === undefined ? new IntervalTrigger({ ...this.#options(), anchor: at }) : this;
  }

  describe(): string {
    const start = this.startDate === undefined ? '' : `, from ${momentText(this.startDate, this.timezone)}`;
    const end = this.endDate === undefined ? '' : `, until ${momentText(this.endDate, this.timezone)}`;
    return `every ${durationText(this.intervalMs).replace(/^1 (?=[a-z]+$)/, '')}${start}${end}`;
  }

  toJSON(): TriggerJson {
    const { startDate, endDate, anchor } = this;
    return {
      type: 'interval',
      ...this.#options(),
      ...(startDate !== undefined && { startDate: new Date(startDate).toISOString() }),
      ...(endDate !== undefined && { endDate: new Date(endDate).toISOString() }),
      ...(anchor !== undefined && { anchor: new Date(anchor).toISOString() }),
    };
  }

  #first(): number | undefined {
    return this.startDate ?? (this.anchor === undefined ? undefined : this.anchor + this.intervalMs);
  }

  #options(): { every: number; endDate?: number; timezone?: string } {
    return {
      every: this.intervalMs,
      ...(this.endDate !== undefined && { endDate: this.endDate }),
      ...(this.timezone !== undefined && { timezone: this.timezone }),
    };
  }
}

function intervalOf(options: IntervalTriggerOptions): number {
  const given = units.filter((unit) => options[unit] !== undefined);
  if (options.every !== undefined) {
    if (given.length > 0) throw new InvalidTriggerError('every', options.every, `give either every or ${given.join(', ')}, not both`);
    return parseDuration(options.every, 'every');
  }
  const [firstUnit] = given;
  if (firstUnit === undefined) {
    throw new InvalidTriggerError('interval', options, `give at least one of ${units.join(', ')}, or every: '90s'`);
  }
  let ms = 0;
  for (const unit of given) {
    const amount: unknown = options[unit];
    if (typeof amount !== 'number' || !Number.isFinite(amount) || amount < 0) {
      throw new InvalidOptionError(unit, amount, 'a number above 0');
    }
    ms += amount * unitLengths[unit];
  }
  ms = Math.round(ms);
  if (ms < 1 || ms > lastInstant)
    throw new InvalidOptionError(firstUnit, options[firstUnit], 'an interval of at least 1 millisecond in all, and a finite one');
  return ms;
}
