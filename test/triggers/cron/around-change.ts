import { TimeZone } from '../../../src/time/time-zone.ts';
import { CronTrigger } from '../../../src/triggers/cron/cron.ts';
import { type BrutePolicy, bruteForce, fromStamp, type Matches, type WallTime, type Window } from './brute-force.ts';

/** A change of the clock as Intl shows it, with the offsets on both sides. */
export interface Change {
  readonly zone: string;
  readonly at: number;
  readonly before: number;
  readonly after: number;
}

const formats: Map<string, Intl.DateTimeFormat> = new Map();

/** The offset at an instant, in milliseconds, from Intl alone. */
export function intlOffset(zone: string, instant: number): number {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
    formats.set(zone, format);
  }
  const match = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(format.format(instant));
  if (match === null) throw new Error(`no offset in ${format.format(instant)}`);
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = match;
  return (sign === '-' ? -1000 : 1000) * (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds));
}

/** The changes of a zone between two instants, each confirmed by Intl to the second. */
export function changesOf(zone: string, from: number, until: number): Change[] {
  const found: Change[] = [];
  for (let at = TimeZone.of(zone).nextTransition(from - 1); at !== undefined && at < until; at = TimeZone.of(zone).nextTransition(at)) {
    const before = intlOffset(zone, at - 1000);
    const after = intlOffset(zone, at);
    if (before === after) throw new Error(`${zone}: Intl knows no change at ${new Date(at).toISOString()}`);
    found.push({ zone, at, before, after });
  }
  return found;
}

interface Case {
  readonly text: string;
  readonly matches: Matches;
  readonly policy?: BrutePolicy;
}

const fixed: BrutePolicy = { gap: 'next', fold: 'first' };
const literal: BrutePolicy = { gap: 'skip', fold: 'both' };
const overrides: readonly BrutePolicy[] = [
  { gap: 'next', fold: 'last' },
  { gap: 'skip', fold: 'first' },
  { gap: 'next', fold: 'both' },
  { gap: 'skip', fold: 'last' },
];

/**
 * Compares triggers that meet a change of the clock with trying every instant around it. Gives what differs, or
 * undefined. Two spans of constant offset are all that is needed: no other change comes within the window.
 */
export function disagreement(change: Change): string | undefined {
  const { zone, at, before, after } = change;
  const step = [before, after, at].every((time) => time % 60_000 === 0) ? 60_000 : 1000;
  const reach = Math.abs(after - before) + 2 * 3_600_000;
  const window = windowAround(change, reach, step);
  const middle = fromStamp(at + Math.floor((before + after) / 2 / 60_000) * 60_000);
  const midText = `${middle.minute} ${middle.hour} * * *`;
  const atMiddle: Matches = (wall) => wall.second === 0 && wall.minute === middle.minute && wall.hour === middle.hour;
  const quarter = (wall: WallTime): boolean => wall.second === 0 && wall.minute % 15 === 0;
  const override = overrides[Math.floor(at / 3_600_000) % overrides.length] ?? fixed;
  const cases: readonly Case[] = [
    { text: midText, matches: atMiddle },
    { text: midText, matches: atMiddle, policy: override },
    { text: '0 0,1,2,3,23 * * *', matches: (wall) => wall.second === 0 && wall.minute === 0 && [0, 1, 2, 3, 23].includes(wall.hour) },
    { text: '*/15 * * * *', matches: quarter },
    { text: '*/15 * * * *', matches: quarter, policy: override },
    { text: '0 * * * *', matches: (wall) => wall.second === 0 && wall.minute === 0 },
    { text: '0 0 * * *', matches: (wall) => wall.second === 0 && wall.minute === 0 && wall.hour === 0 },
  ];
  for (const { text, matches, policy } of cases) {
    const trigger = CronTrigger.fromCrontab(text, { timezone: zone, ...policy });
    const expected = bruteForce(matches, window, policy ?? (text.includes('*/') || text.startsWith('0 * ') ? literal : fixed));
    const actual: number[] = [];
    for (let time = trigger.next(at - reach - 1); time !== undefined && time < at + reach; time = trigger.next(time)) actual.push(time);
    const back: number[] = [];
    for (let time = trigger.previous(at + reach); time !== undefined && time >= at - reach; time = trigger.previous(time))
      back.unshift(time);
    if (String(actual) !== String(expected) || String(back) !== String(expected)) {
      const iso = (times: readonly number[]): string => times.map((time) => new Date(time).toISOString()).join(' ');
      return `${zone} ${new Date(at).toISOString()} ${text} ${JSON.stringify(policy)}: ${iso(actual)}, backwards ${iso(back)}, should be ${iso(expected)}`;
    }
  }
  return undefined;
}

function windowAround({ at, before, after }: Change, reach: number, step: number): Window {
  const instants: { instant: number; wall: WallTime; stamp: number }[] = [];
  for (let instant = at - reach; instant < at + reach; instant += step) {
    const stamp = instant + (instant < at ? before : after);
    instants.push({ instant, wall: fromStamp(stamp), stamp });
  }
  return { step, instants };
}
