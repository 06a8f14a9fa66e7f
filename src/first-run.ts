import { latestFireTime, type Trigger } from './core/trigger.ts';
import { DateTrigger } from './triggers/date.ts';

/** A fire time that passed less than this many milliseconds ago, and would be the only one, still counts as now. */
const JUST_NOW = 1000;
/** The earliest moment a Date can hold. */
const EARLIEST = -8_640_000_000_000_000;

/**
 * The nominal time at which a job begins: the next fire time after `now`, unless the trigger's very first one passed since the job
 * was given (`since`), less a second; or, where nothing is left to come, the first that passed since then, less `grace` and at least a second.
 * `undefined` if the job would never run.
 */
export function firstRun(trigger: Trigger, now: number, options: { readonly since: number; readonly grace: number }): number | undefined {
  const recent = trigger.next(options.since - JUST_NOW - 1);
  if (recent !== undefined && recent <= now && recent === trigger.next(EARLIEST)) return recent;
  const next = trigger.next(now);
  if (next !== undefined) return next;
  const from = Math.max(EARLIEST, options.since - Math.max(JUST_NOW, options.grace) - 1);
  const past = trigger.next(from);
  return past === undefined || past > now ? undefined : past;
}

/** The last time such a trigger fired, for an error text. */
export function lastRun(trigger: Trigger, now: number): number | undefined {
  const first = trigger.next(EARLIEST);
  return first === undefined || first > now ? undefined : latestFireTime(trigger, first, now);
}

/** The trigger of a job whose next run was moved: a date has but one, so that it moves along; any other goes on as before. */
export function movedTo(trigger: Trigger, next: number): Trigger {
  if (!(trigger instanceof DateTrigger) || trigger.runDate === next) return trigger;
  const { timezone } = trigger;
  return new DateTrigger({ runDate: next, ...(timezone !== undefined && { timezone }) });
}
