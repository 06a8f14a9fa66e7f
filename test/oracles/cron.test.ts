import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Cron } from 'croner';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CronTrigger } from '../../src/triggers/cron/cron.ts';
import { randomText } from '../triggers/cron/random-spec.ts';

// The same schedules asked of other schedulers, in UTC: how they treat changes of the clock is known to differ.
// Needs Debian's python3-apscheduler and python3-croniter.

const count = 12;
const from = Date.UTC(2026, 0, 15, 10, 20, 30);

/** Printed with every failure; put it here to see the same schedules again. */
const seed = fc.sample(fc.integer(), 1)[0] ?? 0;

function python(script: string, cases: readonly object[]): unknown[] {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const input = cases.map((each) => JSON.stringify(each)).join('\n');
  const output = execFileSync('/usr/bin/python3', [path], { input, encoding: 'utf8', maxBuffer: 1 << 28 });
  return output
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}

function firstTimes(trigger: CronTrigger): number[] {
  const times: number[] = [];
  for (let time = trigger.next(from); time !== undefined && times.length < count; time = trigger.next(time)) times.push(time);
  return times;
}

const iso = (times: readonly number[]): string => times.map((time) => new Date(time).toISOString()).join(' ');

interface Difference {
  readonly schedule: string;
  readonly ours: string;
  readonly theirs: string;
}

const weekdayNames = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** Five standard fields, and `L` and `#`, which croniter has too. */
const croniterText = fc
  .tuple(
    field(0, 59),
    field(0, 23),
    fc.oneof({ weight: 5, arbitrary: field(1, 28) }, { weight: 1, arbitrary: fc.constant('L') }),
    field(1, 12),
    fc.oneof(
      { weight: 5, arbitrary: field(0, 6) },
      { weight: 1, arbitrary: fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 1, max: 5 })).map((parts) => parts.join('#')) },
    ),
  )
  .map((fields) => fields.join(' '));

function field(low: number, high: number): fc.Arbitrary<string> {
  const value = fc.integer({ min: low, max: high });
  const range = fc
    .tuple(value, value, fc.integer({ min: 1, max: 5 }))
    .map(([a, b, step]) => `${Math.min(a, b)}-${Math.max(a, b)}${step > 1 ? `/${step}` : ''}`);
  const every = fc.integer({ min: 2, max: high - low }).map((step) => `*/${step}`);
  const list = fc.array(fc.oneof(value.map(String), range, every), { minLength: 1, maxLength: 3 }).map((items) => items.join(','));
  return fc.oneof({ weight: 1, arbitrary: fc.constant('*') }, { weight: 2, arbitrary: list });
}

/** An expression that APScheduler 3 reads too: no names with steps, nothing that runs over the end. */
function expression(low: number, high: number, name: (value: number) => string = String): fc.Arbitrary<string> {
  const value = fc.integer({ min: low, max: high });
  const numeric = name === String;
  const item = fc.oneof(
    value.map(name),
    fc.tuple(value, value).map(([a, b]) => `${name(Math.min(a, b))}-${name(Math.max(a, b))}`),
    ...(numeric
      ? [
          fc.integer({ min: 1, max: high - low }).map((step) => `*/${step}`),
          value.filter((n) => n < high).chain((n) => fc.integer({ min: 1, max: high - n }).map((step) => `${n}/${step}`)),
        ]
      : []),
  );
  return fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => items.join(','));
}

const weekday = fc.constantFrom(...weekdayNames);
const optional = (arbitrary: fc.Arbitrary<string>): fc.Arbitrary<string | undefined> => fc.option(arbitrary, { nil: undefined, freq: 2 });
const apschedulerFields = fc
  .record({
    year: fc.option(fc.constantFrom('2026-2040', '2027', '*/2', '2028/4'), { nil: undefined, freq: 1 }),
    month: optional(expression(1, 12)),
    day: optional(
      fc.oneof(
        expression(1, 28),
        fc.tuple(fc.constantFrom('1st', '2nd', '3rd', '4th', 'last'), weekday).map((words) => words.join(' ')),
        fc.constant('last'),
      ),
    ),
    week: fc.option(expression(1, 52), { nil: undefined, freq: 1 }),
    dayOfWeek: optional(expression(0, 6, (at) => weekdayNames[at] ?? '')),
    hour: optional(expression(0, 23)),
    minute: optional(expression(0, 59)),
    second: optional(expression(0, 59)),
  })
  .filter((fields) => Object.values(fields).some((field) => field !== undefined));

describe('away from changes of the clock', () => {
  it("fields fire as APScheduler's", () => {
    const specs = fc
      .sample(apschedulerFields, { numRuns: 1000, seed })
      // Week and month, or week and a date, may exclude each other; it then searches to the year 9999, for seconds.
      .filter(({ week, month, day }) => week === undefined || (month === undefined && (day === undefined || /[a-z]/.test(day))));
    const answers = python(
      './apscheduler_times.py',
      specs.map(({ dayOfWeek, ...fields }) => ({
        fields: Object.fromEntries(Object.entries({ ...fields, day_of_week: dayOfWeek }).filter(([, value]) => value !== undefined)),
        from: from + 1000,
        count,
      })),
    );
    const differences = specs.flatMap((fields, at): Difference[] => {
      const ours = iso(firstTimes(new CronTrigger({ ...fields, timezone: 'UTC' })));
      const theirs = iso(answers[at] as number[]);
      return ours === theirs ? [] : [{ schedule: JSON.stringify(fields), ours, theirs }];
    });
    expect(differences, `seed ${seed}`).toEqual([]);
    expect(specs.length).toBeGreaterThan(500);
  });

  it('texts fire as in croniter', () => {
    const specs = fc.sample(croniterText, { numRuns: 2500, seed });
    const answers = python(
      './croniter_times.py',
      specs.map((text) => ({ text, from, count })),
    );
    const differences: Difference[] = [];
    let compared = 0;
    for (const [at, text] of specs.entries()) {
      const answer = answers[at];
      if (typeof answer === 'string' || croniterIsWrong(text)) continue;
      compared++;
      const ours = iso(firstTimes(CronTrigger.fromCrontab(text, { timezone: 'UTC' })));
      const theirs = iso(answer as number[]);
      if (ours !== theirs) differences.push({ schedule: text, ours, theirs });
    }
    expect(differences, `seed ${seed}`).toEqual([]);
    expect(compared).toBeGreaterThan(1500);
  });

  it('texts fire as in croner', () => {
    const texts = fc.sample(randomText, { numRuns: 6000, seed }).flatMap(({ text }) => (text === undefined ? [] : [text]));
    const differences: Difference[] = [];
    let compared = 0;
    for (const text of texts) {
      let cron: Cron;
      try {
        cron = new Cron(text, { timezone: 'UTC', paused: true });
      } catch {
        // Ranges over the end and L-n are ours alone.
        continue;
      }
      if (cronerIsWrong(text)) continue;
      compared++;
      const ours = iso(firstTimes(CronTrigger.fromCrontab(text, { timezone: 'UTC' })).filter((time) => time < Date.UTC(2040, 0, 1)));
      const theirs = iso(
        cron
          .nextRuns(count, new Date(from))
          .map((time) => time.getTime())
          .filter((time) => time < Date.UTC(2040, 0, 1)),
      );
      if (ours !== theirs) differences.push({ schedule: text, ours, theirs });
    }
    expect(differences, `seed ${seed}`).toEqual([]);
    expect(compared).toBeGreaterThan(1500);
  });
});

/** It takes a range from Sunday to Sunday for the whole week: one end is read as 0, the other as 7. */
function cronerIsWrong(text: string): boolean {
  return /sun-sun/i.test(text);
}

/**
 * With a restricted day of month, OCPS 1.1 section 6.1 and Vixie cron join the two day fields by OR. croniter joins
 * them by AND when the weekday has a `#`, and takes a list that happens to name all seven weekdays for `*`.
 */
function croniterIsWrong(text: string): boolean {
  const [, , day, , weekday = ''] = text.split(' ');
  if (day === '*' || weekday === '*') return false;
  return weekday.includes('#') || namesAllWeekdays(weekday);
}

function namesAllWeekdays(weekday: string): boolean {
  const named: Set<number> = new Set();
  for (const item of weekday.split(',')) {
    const [range = '', step = '1'] = item.split('/');
    const [low = 0, high = low] = range === '*' ? [0, 6] : range.split('-').map(Number);
    for (let value = low; value <= high; value += Number(step)) named.add(value);
  }
  return named.size === 7;
}
