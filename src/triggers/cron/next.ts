import type { TimeZone } from '../../time/time-zone.ts';
import { maxOffsetMs, type Span, spanOf } from '../../time/zone-table.ts';
import type { CronRule } from './rule.ts';
import { WallWalk } from './walk.ts';

/** What happens to wall times in a gap, and to those that a fold repeats. */
export interface CronPolicy {
  readonly gap: 'next' | 'skip';
  readonly fold: 'first' | 'last' | 'both';
}

/** Instants before which, and after which, no wall time of the years 1970 to 9999 can be. */
const firstInstant = -maxOffsetMs;
const lastInstant = 253_402_300_799_000 + maxOffsetMs;
/** From here on zone rules and calendar repeat together every 400 years. */
const cycleStart = Date.UTC(2129, 0, 1);
const cycleMs = 146_097 * 86_400_000;

/** Contains no instant. */
const nowhere: Span = spanOf(Infinity, -Infinity, 0);

/**
 * The instants of a rule in a zone.
 *
 * Time is cut into spans of constant offset, within which wall time and instants run in step. In each span the wall
 * walk gives the matches; at its edges the policy decides: `fold: 'first'` leaves out of a span what an earlier one
 * has shown, `'last'` what a later one shows again, and `gap: 'next'` adds the span's first instant when a match
 * fell into the gap before it. So the answer is a fixed set of instants, whichever one is asked after.
 */
export class InstantWalk {
  readonly #wall: WallWalk;
  readonly #zone: TimeZone;
  readonly #gapNext: boolean;
  readonly #foldFirst: boolean;
  readonly #foldLast: boolean;
  /** The span looked at last. No answer depends on it. */
  #span: Span;

  constructor(rule: CronRule, zone: TimeZone, policy: CronPolicy) {
    this.#wall = new WallWalk(rule);
    this.#zone = zone;
    this.#gapNext = policy.gap === 'next';
    this.#foldFirst = policy.fold === 'first';
    this.#foldLast = policy.fold === 'last';
    this.#span = nowhere;
  }

  /** The first instant later than `after`, in epoch milliseconds. */
  next(after: number): number | undefined {
    if (after >= lastInstant) return undefined;
    let at = after < firstInstant ? firstInstant : Math.floor(after / 1000) * 1000 + 1000;
    let span = this.#span;
    // The walk's last answer: no match in [asked, wall).
    let asked = Infinity;
    let wall = -Infinity;
    for (;;) {
      if (at < span.from || at >= span.until) {
        span = this.#zone.spanAt(at);
        this.#span = span;
      }
      if (this.#gapNext && at === span.from && this.#inGap(span)) return at;
      let low = at + span.offset;
      if (this.#foldFirst && low < span.firstWall) low = span.firstWall;
      if (low < asked || low > wall) {
        asked = low;
        wall = this.#wall.next(low / 1000) * 1000;
      }
      if (wall < (this.#foldLast ? span.againFrom : span.until + span.offset)) return wall - span.offset;
      at = span.until;
      if (at - maxOffsetMs >= asked) {
        // Every later instant shows `asked` or later, so none before `wall` matches.
        if (wall === Infinity) return undefined;
        if (wall - maxOffsetMs > at) at = wall - maxOffsetMs;
      }
      if (at >= lastInstant || (this.#wall.cyclic && at > Math.max(after, cycleStart) + cycleMs)) return undefined;
    }
  }

  /** The last instant earlier than `before`, in epoch milliseconds. */
  previous(before: number): number | undefined {
    let at = before > lastInstant ? lastInstant : Math.ceil(before / 1000) * 1000 - 1000;
    let asked = -Infinity;
    let wall = Infinity;
    while (at >= firstInstant) {
      const span = this.#zone.spanAt(at);
      let high = at + span.offset;
      if (this.#foldLast && high >= span.againFrom) high = span.againFrom - 1000;
      if (high > asked || high < wall) {
        asked = high;
        wall = this.#wall.previous(high / 1000) * 1000;
      }
      if (wall > -Infinity && wall >= (this.#foldFirst ? span.firstWall : span.from + span.offset)) return wall - span.offset;
      if (this.#gapNext && this.#inGap(span)) return span.from;
      at = span.from - 1000;
      if (at + maxOffsetMs <= asked) {
        if (wall === -Infinity) return undefined;
        if (wall + maxOffsetMs < at) at = wall + maxOffsetMs;
      }
    }
    return undefined;
  }

  #inGap(span: Span): boolean {
    const start = span.from + span.offset;
    return span.gapFrom < start && this.#wall.next(span.gapFrom / 1000) * 1000 < start;
  }
}
