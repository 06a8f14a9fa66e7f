/** What JSON can carry. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A trigger as data: its kind in `type`, then its options. Reviving it gives a trigger with the same fire times. */
export interface TriggerJson {
  readonly type: string;
  readonly [option: string]: Json;
}

/**
 * The rule that yields fire times. Laws:
 * - `next(after)` takes and gives integer epoch milliseconds; the answer is strictly later than `after`,
 *   or `undefined`, which then holds for every later `after` too.
 * - Same input, same output; nothing observable is remembered between calls.
 * - `a <= b` implies `next(a) <= next(b)`.
 * - Its work is bounded; at the bound it throws `TriggerSearchLimitError`, which does not mean "never".
 */
export interface Trigger {
  next(after: number): number | undefined;
  toJSON(): TriggerJson;
  /** IANA zone in which its times are shown; the scheduler's if absent. */
  readonly timezone?: string | undefined;
  /** The same rule fixed to the moment its job was first stored, where the rule leaves its start open. */
  anchored?(at: number): Trigger;
}

/**
 * The latest fire time in `[first, until]`, where `first` is known to be one. Takes a number of `next` calls that
 * grows with the logarithm of the distance, so that ten years of a per-second trigger cost some forty calls.
 */
export function latestFireTime(trigger: Trigger, first: number, until: number): number {
  let back = 1;
  let found = first;
  for (;;) {
    const from = until - back;
    if (from <= first) break;
    const time = trigger.next(from);
    if (time !== undefined && time <= until) {
      found = time;
      break;
    }
    back *= 2;
  }
  // Every fire time after `found` lies in (found, high]: halve that until nothing is left in it.
  let high = until;
  while (found < high) {
    const middle = found + Math.floor((high - found) / 2);
    const time = trigger.next(middle);
    if (time !== undefined && time <= until) found = time;
    else high = middle;
  }
  return found;
}
