import type { DateTime } from 'luxon';
import { systemClock } from '../clocks/system-clock.ts';
import { latestFireTime, type Trigger } from '../core/trigger.ts';
import { InvalidOptionError } from '../errors.ts';
import { checkNames } from '../nearest.ts';
import { checkEpochMs, lastInstant, parseInstant, type TimeInput, toDateTime } from '../time/instants.ts';

/** What every trigger of punctual answers beside the next fire time. All of it follows from `next`. */
export interface InspectableTrigger extends Trigger {
  /** The latest fire time before `before`, or `undefined`. Both in epoch milliseconds. */
  previous(before: number): number | undefined;
  /** Whether it fires at exactly this epoch millisecond. */
  matches(instant: number): boolean;
  /**
   * The first `n` fire times later than `from` (default: now), in the trigger's zone. A rule whose start is open is
   * shown as if its job were added at `from`.
   */
  preview(n: number, options?: PreviewOptions): DateTime[];
  /** The rule in plain English. */
  describe(): string;
}

export interface PreviewOptions {
  from?: TimeInput;
}

const mostPreviewed = 100_000;
// 0001-01-01 in UTC: where the search for an earlier fire time ends.
const earliest = -62_135_596_800_000;

export function previewOf(trigger: Trigger, n: number, options: PreviewOptions = {}): DateTime[] {
  if (!Number.isInteger(n) || n < 0 || n > mostPreviewed) {
    throw new InvalidOptionError('n', n, `a whole number from 0 to ${mostPreviewed}`);
  }
  if (options instanceof Date) throw new InvalidOptionError('options', options, 'an object such as { from: date }');
  checkNames(options, ['from'], '');
  const timezone = trigger.timezone ?? 'local';
  const from = options.from === undefined ? systemClock.now() : parseInstant(options.from, { timezone, option: 'from' });
  const rule = anchoredAt(trigger, from);
  const times: DateTime[] = [];
  for (let time = rule.next(from); time !== undefined && times.length < n; time = rule.next(time)) {
    times.push(toDateTime(time, timezone));
  }
  return times;
}

/**
 * The latest fire time before `before`, from `next` alone: looks back twice as far each time until something fires,
 * then halves. Ends at the year 1. A trigger that gives up its own search gives up this one.
 */
export function previousOf(trigger: Trigger, before: number): number | undefined {
  checkEpochMs(before, 'before');
  const end = Math.min(Math.ceil(before), lastInstant + 1);
  for (let back = 1; ; back *= 2) {
    const from = Math.max(end - back, earliest) - 1;
    const time = trigger.next(from);
    if (time !== undefined && time < end) return latestFireTime(trigger, time, end - 1);
    if (end - back <= earliest) return undefined;
  }
}

export function matchesOf(trigger: Trigger, instant: number): boolean {
  checkEpochMs(instant, 'instant');
  return trigger.next(instant - 1) === instant;
}

/** The rule fixed to `at`, where it leaves its start open; else itself. */
export function anchoredAt(trigger: Trigger, at: number): Trigger {
  return trigger.anchored?.(at) ?? trigger;
}

/** In plain English, for any trigger: one of another make is named by its kind. */
export function describeTrigger(trigger: Trigger): string {
  return 'describe' in trigger && typeof trigger.describe === 'function'
    ? String(trigger.describe())
    : `when ${trigger.toJSON().type} fires`;
}

/** A trigger of whatever make with all of these questions answered: those that it does not answer itself follow from its `next`. */
export function inspectable(trigger: Trigger): InspectableTrigger {
  if (answersAll(trigger)) return trigger;
  return {
    timezone: trigger.timezone,
    next: (after) => trigger.next(after),
    toJSON: () => trigger.toJSON(),
    previous: (before) => previousOf(trigger, before),
    matches: (instant) => matchesOf(trigger, instant),
    preview: (n, options) => previewOf(trigger, n, options),
    describe: () => describeTrigger(trigger),
  };
}

function answersAll(trigger: Trigger): trigger is InspectableTrigger {
  return ['previous', 'matches', 'preview', 'describe'].every((name) => typeof Reflect.get(trigger, name) === 'function');
}

/** A moment in a description: in the trigger's zone, or in UTC if it has none. */
export function momentText(ms: number, timezone: string | undefined): string {
  const time = toDateTime(ms, timezone ?? 'utc');
  return `${time.toFormat(time.millisecond === 0 ? 'yyyy-MM-dd HH:mm:ss' : 'yyyy-MM-dd HH:mm:ss.SSS')} ${timezone ?? 'UTC'}`;
}
