import type { TriggerJson } from '../core/trigger.ts';
import { dayLength } from '../time/calendar-day.ts';
import { lastInstant } from '../time/instants.ts';
import type { TimeZone } from '../time/time-zone.ts';
import { maxOffsetMs } from '../time/zone-table.ts';

/** A set of moments made of stretches, such as a calendar's days or the hours of a window. All times in epoch milliseconds. */
export interface TimeSet {
  has(instant: number): boolean;
  /** The first moment at or after `instant` that is not in the set; `undefined` if all of them are. */
  leave(instant: number): number | undefined;
  describe(): string;
  toJSON(): TriggerJson;
}

/**
 * The first instant at or after `from` whose wall time `firstWall` accepts, where `firstWall` gives the first wall time
 * it accepts at or after another one. Goes from one stretch of constant offset to the next, as a clock set back shows
 * wall times again that had passed; past those, straight to where the wall time found can be.
 */
export function firstInstant(zone: TimeZone, from: number, firstWall: (wall: number) => number | undefined): number | undefined {
  for (let instant = from; instant < lastInstant - dayLength; ) {
    const { until, offset } = zone.spanAt(instant);
    const asked = instant + offset;
    const wall = firstWall(asked) ?? Number.POSITIVE_INFINITY;
    if (wall - offset < until) return wall - offset;
    // From here on every wall time is past the one asked about, so none before `wall` is accepted.
    const allPast = until - maxOffsetMs >= asked;
    if (allPast && wall === Number.POSITIVE_INFINITY) return undefined;
    instant = allPast ? Math.max(until, wall - maxOffsetMs) : until;
  }
  return undefined;
}
