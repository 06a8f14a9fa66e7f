import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SchedulerError } from '../../../src/errors.ts';
import { CronTrigger } from '../../../src/triggers/cron/cron.ts';
import { randomFields, randomText } from './random-spec.ts';

const from = Date.UTC(2026, 0, 1);
const zones = fc.constantFrom('UTC', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Casablanca');

/** Pieces that cron texts are made of, and pieces that they are not. */
const piece = fc.oneof(
  fc.constantFrom(
    '*',
    '?',
    '/',
    '-',
    ',',
    '+',
    '#',
    'L',
    'W',
    'LW',
    'H',
    '(',
    ')',
    '@daily',
    '@',
    ' ',
    '  ',
    '\t',
    '\n',
    '.',
    ':',
    'jan',
    'fri',
    'sun',
    'xyz',
    '*/5',
    '1-5',
    '0',
    '7',
    '59',
    '60',
    '1e3',
    '\u0000',
    '\u00a0',
    '１',
  ),
  fc.nat(10_000).map(String),
  fc.string({ maxLength: 3 }),
);
const soup = fc.array(piece, { maxLength: 24 }).map((parts) => parts.join(''));
const fiveWords = fc
  .array(
    fc.array(piece, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('').replaceAll(/\s/g, '')),
    { minLength: 4, maxLength: 8 },
  )
  .map((words) => words.join(' '));

/** A text that is right but for one character put in, left out or changed. */
const nearMiss = fc
  .tuple(randomText, fc.nat(40), piece, fc.nat(2))
  .map(([spec, at, extra, keep]) => `${(spec.text ?? '').slice(0, at)}${extra}${(spec.text ?? '').slice(at + keep)}`);

function accepted(make: () => CronTrigger): CronTrigger | undefined {
  try {
    return make();
  } catch (error) {
    // Anything else that is thrown is a crash, and fails the test.
    if (error instanceof SchedulerError) return undefined;
    throw error;
  }
}

function holdsItsLaws(trigger: CronTrigger): void {
  let after = from;
  for (let n = 0; n < 5; n++) {
    const time = trigger.next(after);
    if (time === undefined) return;
    expect(time).toBeGreaterThan(after);
    expect(Number.isInteger(time)).toBe(true);
    expect(trigger.previous(time + 1)).toBe(time);
    after = time;
  }
}

describe('whatever text is given', () => {
  it('is refused with an error of ours, or fires by the laws of a trigger', () => {
    fc.assert(
      fc.property(fc.oneof(soup, fiveWords, nearMiss), zones, (text, timezone) => {
        const trigger = accepted(() => CronTrigger.fromCrontab(text, { timezone }));
        if (trigger !== undefined) {
          holdsItsLaws(trigger);
          expect(trigger.describe()).not.toMatch(/undefined|NaN|,,| {2}/);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('is never accepted with fewer than five fields, or with a character that means nothing', () => {
    fc.assert(
      fc.property(fc.oneof(soup, fiveWords, nearMiss), (text) => {
        const trigger = accepted(() => CronTrigger.fromCrontab(text, { timezone: 'UTC' }));
        if (trigger === undefined || text.trim().startsWith('@')) return;
        const words = text.trim().split(/[ \t]+/);
        expect(words.length).toBeGreaterThanOrEqual(5);
        expect(words.length).toBeLessThanOrEqual(7);
        for (const word of words) expect(word).toMatch(/^[0-9a-z*?,/#+()-]+$/i);
      }),
      { numRuns: 3000 },
    );
  });

  it('if accepted, prints as a text that means the same', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          randomText.map((spec) => `  ${(spec.text ?? '').replaceAll(' ', '\t ')} `),
          nearMiss,
        ),
        zones,
        (text, timezone) => {
          const trigger = accepted(() => CronTrigger.fromCrontab(text, { timezone, seed: 'a' }));
          if (trigger === undefined) return;
          const printed = CronTrigger.fromCrontab(String(trigger), { timezone, seed: 'a' });
          expect(String(printed)).toBe(String(trigger));
          expect(printed.toJSON()).toEqual(trigger.toJSON());
          const revived = CronTrigger.fromJSON(JSON.parse(JSON.stringify(trigger)));
          expect(revived.toJSON()).toEqual(trigger.toJSON());
          expect(revived.next(from)).toBe(trigger.next(from));
          expect(printed.next(from)).toBe(trigger.next(from));
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('whatever fields are given', () => {
  const junk = fc.oneof(soup, fc.integer(), fc.double(), fc.anything(), fc.array(fc.oneof(soup, fc.integer({ min: -1, max: 60 }))));

  it('are refused with an error of ours, or fire by the laws of a trigger', () => {
    const names = fc.constantFrom('year', 'month', 'day', 'week', 'dayOfWeek', 'hour', 'minute', 'second');
    fc.assert(
      fc.property(fc.dictionary(names, junk, { minKeys: 1, maxKeys: 3 }), zones, (fields, timezone) => {
        const trigger = accepted(() => Reflect.construct(CronTrigger, [{ ...fields, timezone }]));
        if (trigger !== undefined) holdsItsLaws(trigger);
      }),
      { numRuns: 2000 },
    );
  });

  it('if accepted, come back from JSON with the same meaning', () => {
    fc.assert(
      fc.property(randomFields, zones, (spec, timezone) => {
        const trigger = new CronTrigger({ ...spec.fields, timezone });
        const revived = CronTrigger.fromJSON(JSON.parse(JSON.stringify(trigger)));
        expect(revived.toJSON()).toEqual(trigger.toJSON());
        expect(revived.next(from)).toBe(trigger.next(from));
        holdsItsLaws(trigger);
      }),
      { numRuns: 500 },
    );
  });
});
