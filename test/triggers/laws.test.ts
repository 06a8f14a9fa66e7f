import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { latestFireTime, type Trigger } from '../../src/core/trigger.ts';
import { TriggerSearchLimitError } from '../../src/errors.ts';
import { matchesOf, previousOf } from '../../src/triggers/derived.ts';
import { TriggerRegistry } from '../../src/triggers/registry.ts';
import { anyCalendarInterval, anyInstant, anyInterval, anySimple, anyTrigger } from './arbitrary-triggers.ts';

// A composition that has to give up its search takes up to 200 ms each time it is asked.
vi.setConfig({ testTimeout: 60_000 });

/** The next fire time, or why there is none; giving up a search is no fire time, and no "never" either. */
function nextOf(trigger: Trigger, after: number): number | undefined | 'gave up' {
  try {
    return trigger.next(after);
  } catch (error) {
    if (error instanceof TriggerSearchLimitError) return 'gave up';
    throw error;
  }
}

describe.each([
  ['a simple trigger', anySimple, 300],
  ['any composition', anyTrigger, 60],
])('%s', (_, triggers, numRuns) => {
  test('fires strictly later than asked, and says the same twice', () => {
    fc.assert(
      fc.property(triggers, anyInstant, (trigger, after) => {
        const time = nextOf(trigger, after);
        if (typeof time === 'number') {
          expect(time).toBeGreaterThan(after);
          expect(Number.isInteger(time)).toBe(true);
        }
        expect(nextOf(trigger, after)).toBe(time);
      }),
      { numRuns },
    );
  });

  test('never goes back as time goes on, and stays over once it is', () => {
    fc.assert(
      fc.property(triggers, anyInstant, anyInstant, (trigger, one, other) => {
        const earlier = nextOf(trigger, Math.min(one, other));
        const later = nextOf(trigger, Math.max(one, other));
        if (earlier === 'gave up' || later === 'gave up') return;
        expect(later ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(earlier ?? Number.POSITIVE_INFINITY);
      }),
      { numRuns },
    );
  });

  test('leaves no fire time out: the next one is next for every moment before it', () => {
    fc.assert(
      fc.property(triggers, anyInstant, fc.double({ min: 0, max: 1, noNaN: true }), (trigger, after, share) => {
        const time = nextOf(trigger, after);
        if (typeof time !== 'number') return;
        const between = after + Math.floor((time - 1 - after) * share);
        expect(nextOf(trigger, between)).toBe(time);
        expect(matchesOf(trigger, time)).toBe(true);
      }),
      { numRuns },
    );
  });

  test('fires the same after a round through JSON', () => {
    const registry = new TriggerRegistry();
    fc.assert(
      fc.property(triggers, anyInstant, (trigger, from) => {
        const revived = registry.revive(JSON.parse(JSON.stringify(trigger)));
        expect(revived.toJSON()).toEqual(trigger.toJSON());
        let after = from;
        for (let count = 0; count < 5; count++) {
          const time = nextOf(trigger, after);
          expect(nextOf(revived, after)).toBe(time);
          if (typeof time !== 'number') return;
          after = time;
        }
      }),
      { numRuns },
    );
  });

  test('has as its previous time the one that the next follows on', () => {
    fc.assert(
      fc.property(triggers, anyInstant, (trigger, after) => {
        const times = [nextOf(trigger, after)];
        const [first] = times;
        if (typeof first !== 'number') return;
        const second = nextOf(trigger, first);
        if (typeof second !== 'number') return;
        expect(previousOf(trigger, second)).toBe(first);
        const own = 'previous' in trigger && typeof trigger.previous === 'function' ? trigger.previous(second) : first;
        expect(own).toBe(first);
      }),
      { numRuns },
    );
  });

  test('has a latest fire time that a walk finds too', () => {
    fc.assert(
      fc.property(triggers, anyInstant, fc.integer({ min: 0, max: 40 * 86_400_000 }), (trigger, after, length) => {
        const first = nextOf(trigger, after);
        if (typeof first !== 'number') return;
        const until = first + length;
        let latest: number | undefined = first;
        for (let count = 0; count < 60; count++) {
          const time = nextOf(trigger, latest);
          if (time === 'gave up') return;
          if (time === undefined || time > until) {
            expect(latestFireTime(trigger, first, until)).toBe(latest);
            return;
          }
          latest = time;
        }
      }),
      { numRuns: numRuns / 3 },
    );
  });

  test('describes itself in words', () => {
    fc.assert(
      fc.property(triggers, (trigger) => {
        const words: unknown = 'describe' in trigger && typeof trigger.describe === 'function' ? trigger.describe() : undefined;
        expect(words).toMatch(/^[A-Za-z0-9].{5,}$/);
        expect(words).not.toMatch(/undefined|NaN|\[object/);
      }),
    );
  });
});

test('anchoring an anchored rule changes nothing', () => {
  fc.assert(
    fc.property(fc.oneof(anyInterval, anyCalendarInterval, anyTrigger), anyInstant, (trigger, at) => {
      expect((trigger.anchored?.(at) ?? trigger).toJSON()).toEqual(trigger.toJSON());
    }),
  );
});
