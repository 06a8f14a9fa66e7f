import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TimeZone } from '../../../src/time/time-zone.ts';
import { CronTrigger } from '../../../src/triggers/cron/cron.ts';
import type { CronFields } from '../../../src/triggers/cron/fields.ts';
import { bruteForce, wallAt, type Window, windowOf } from './brute-force.ts';
import { randomFields, randomText, type Spec } from './random-spec.ts';

const hour = 3_600_000;
const day = 24 * hour;

const policies = fc.record({
  gap: fc.constantFrom<('next' | 'skip' | undefined)[]>(undefined, undefined, 'next', 'skip'),
  fold: fc.constantFrom<('first' | 'last' | 'both' | undefined)[]>(undefined, undefined, 'first', 'last', 'both'),
});

const specs = fc.oneof(randomText, randomFields);

function triggerOf(
  spec: Spec,
  options: { timezone: string; gap?: 'next' | 'skip' | undefined; fold?: 'first' | 'last' | 'both' | undefined },
): CronTrigger {
  return spec.text === undefined ? new CronTrigger({ ...spec.fields, ...options }) : CronTrigger.fromCrontab(spec.text, options);
}

function firesIn(trigger: CronTrigger, from: number, until: number): number[] {
  const times: number[] = [];
  for (let time = trigger.next(from - 1); time !== undefined && time < until; time = trigger.next(time)) times.push(time);
  return times;
}

function firesBackIn(trigger: CronTrigger, from: number, until: number): number[] {
  const times: number[] = [];
  for (let time = trigger.previous(until); time !== undefined && time >= from; time = trigger.previous(time)) times.push(time);
  return times.reverse();
}

/** Names the first difference instead of printing thousands of times. */
function same(actual: readonly number[], expected: readonly number[], name: string): void {
  const iso = (time: number | undefined): string => (time === undefined ? 'none' : new Date(time).toISOString());
  const at = Array.from({ length: Math.max(actual.length, expected.length) }, (_, index) => index).find(
    (index) => actual[index] !== expected[index],
  );
  if (at !== undefined) expect.fail(`${name}: fire time ${at + 1} is ${iso(actual[at])}, should be ${iso(expected[at])}`);
}

/** The first change of the clock after a month, in zones odd and ordinary. All changes of all zones are in the exhaustive suite. */
const changes: readonly (readonly [zone: string, after: string])[] = [
  ['America/New_York', '2026-01'],
  ['Europe/London', '2026-06'],
  ['Europe/Dublin', '2027-01'],
  ['Australia/Lord_Howe', '2026-06'],
  ['Pacific/Chatham', '2026-01'],
  ['America/Havana', '2026-06'],
  ['America/Sao_Paulo', '2017-06'],
  ['Pacific/Apia', '2011-12'],
  ['Africa/Casablanca', '2024-01'],
  ['Asia/Kathmandu', '1985-06'],
  ['Africa/Cairo', '2026-01'],
  ['Asia/Gaza', '2024-01'],
  ['America/Santiago', '2026-06'],
  ['Antarctica/Troll', '2026-01'],
  ['Asia/Pyongyang', '2018-01'],
  ['America/St_Johns', '2005-01'],
];

const zones = changes.map(([zone]) => zone);

interface Place {
  readonly zone: string;
  readonly window: Window;
  readonly from: number;
  readonly until: number;
}

function placesOf(around: { before: number; after: number; step: number }): Place[] {
  return changes.map(([zone, after]) => {
    const change = TimeZone.of(zone).nextTransition(Date.parse(after));
    if (change === undefined) throw new Error(`${zone} has no change after ${after}`);
    const from = change - around.before;
    const until = change + around.after;
    return { zone, from, until, window: windowOf(zone, { from, until, step: around.step }) };
  });
}

function agree(spec: Spec, place: Place, policy: { gap: 'next' | 'skip' | undefined; fold: 'first' | 'last' | 'both' | undefined }): void {
  const trigger = triggerOf(spec, { timezone: place.zone, ...policy });
  const expected = bruteForce(spec.matches, place.window, {
    gap: policy.gap ?? (spec.fixedTime ? 'next' : 'skip'),
    fold: policy.fold ?? (spec.fixedTime ? 'first' : 'both'),
  });
  const name = `${place.zone} ${spec.text ?? JSON.stringify(spec.fields)} ${JSON.stringify(policy)}`;
  same(firesIn(trigger, place.from, place.until), expected, name);
  same(firesBackIn(trigger, place.from, place.until), expected, `${name}, backwards`);
}

/** The same days at midnight. Where no time of day is given that is meant already, and naming one would change what a day left out means. */
function atMidnight(fields: CronFields): CronFields {
  const { hour, minute, second } = fields;
  return [hour, minute, second].every((field) => field === undefined) ? fields : { ...fields, hour: 0, minute: 0, second: 0 };
}

describe('a cron trigger against trying every instant', () => {
  it('agrees second by second around changes of the clock', () => {
    const places = placesOf({ before: 4 * hour, after: 4 * hour, step: 1000 }).filter(({ zone }) => zone !== 'Pacific/Apia');
    fc.assert(
      fc.property(specs, fc.constantFrom(...places), policies, (spec, place, policy) => {
        agree(spec, place, policy);
      }),
      { numRuns: 250 },
    );
  });

  it('agrees minute by minute over the days around changes of the clock', () => {
    const places = placesOf({ before: 2 * day, after: 3 * day, step: 60_000 });
    const minutely = fc.oneof(
      randomText.filter(({ text }) => text?.split(' ').length === 5),
      randomFields.filter(({ fields }) => fields?.second === undefined),
    );
    fc.assert(
      fc.property(minutely, fc.constantFrom(...places), policies, (spec, place, policy) => {
        agree(spec, place, policy);
      }),
      { numRuns: 1200 },
    );
  });

  it('agrees day by day over sixty years', () => {
    const from = Date.UTC(1995, 0, 1);
    const until = Date.UTC(2055, 0, 1);
    const days = windowOf('UTC', { from, until, step: day });
    fc.assert(
      fc.property(specs, (spec) => {
        const text = spec.text === undefined ? undefined : `0 0 0 ${spec.text.split(' ').slice(-3).join(' ')}`;
        const fields = spec.fields === undefined ? undefined : atMidnight(spec.fields);
        const trigger = triggerOf({ ...spec, text, fields }, { timezone: 'UTC' });
        const expected = days.instants.filter(({ wall }) => spec.matchesDate(wall)).map(({ instant }) => instant);
        same(firesIn(trigger, from, until), expected, text ?? JSON.stringify(fields));
      }),
      { numRuns: 300 },
    );
  });

  it('has at noon the same dates in every zone as in UTC, over sixty years of clock changes', () => {
    const from = Date.UTC(1995, 0, 1);
    const until = Date.UTC(2055, 0, 1);
    // Apia lacked a noon in 2011.
    const withNoons = zones.filter((zone) => zone !== 'Pacific/Apia');
    fc.assert(
      fc.property(randomText, fc.constantFrom(...withNoons), (spec, timezone) => {
        const text = `0 0 12 ${spec.text?.split(' ').slice(-3).join(' ') ?? ''}`;
        const inUtc = firesIn(CronTrigger.fromCrontab(text, { timezone: 'UTC' }), from, until);
        const zone = TimeZone.of(timezone);
        const expected = inUtc.map((time) => zone.instantOf(time));
        same(
          firesIn(CronTrigger.fromCrontab(text, { timezone }), zone.instantOf(from), zone.instantOf(until)),
          expected,
          `${timezone} ${text}`,
        );
        same(
          firesBackIn(CronTrigger.fromCrontab(text, { timezone }), zone.instantOf(from), zone.instantOf(until)),
          expected,
          `${timezone} ${text}, backwards`,
        );
      }),
      { numRuns: 200 },
    );
  });

  it('gives the same answer in whatever order it is asked', () => {
    fc.assert(
      fc.property(
        specs,
        fc.constantFrom(...zones),
        fc.array(fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) }), { minLength: 2, maxLength: 12 }),
        (spec, timezone, times) => {
          const asked = triggerOf(spec, { timezone });
          for (const after of times) {
            const answer = asked.next(after);
            expect(answer).toBe(triggerOf(spec, { timezone }).next(after));
            if (answer === undefined) continue;
            expect(answer).toBeGreaterThan(after);
            expect(asked.matches(answer)).toBe(true);
            expect(asked.next(answer - 1)).toBe(answer);
            expect(asked.previous(answer + 1)).toBe(answer);
          }
          const sorted = [...times].sort((a, b) => a - b).map((after) => asked.next(after) ?? Infinity);
          expect(sorted).toEqual([...sorted].sort((a, b) => a - b));
        },
      ),
      { numRuns: 400 },
    );
  });

  it('shows on the wall clock what it was asked for, away from gaps', () => {
    fc.assert(
      fc.property(specs, fc.constantFrom(...zones), fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) }), (spec, timezone, after) => {
        const time = triggerOf(spec, { timezone, gap: 'skip' }).next(after);
        if (time !== undefined) expect(spec.matches(wallAt(time, timezone))).toBe(true);
      }),
      { numRuns: 400 },
    );
  });
});
