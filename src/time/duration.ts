import type { DurationLike } from 'luxon';
import { InvalidOptionError } from '../errors.ts';
import { oneOf } from '../nearest.ts';

/** A length of time, as users give it: milliseconds, text such as `'2h 30m'` or `'PT5M'`, or luxon's `{ minutes: 5 }`. */
export type DurationInput = number | string | DurationLike;

/** The units of fixed length, in milliseconds. */
export const unitLengths: Readonly<Record<'weeks' | 'days' | 'hours' | 'minutes' | 'seconds' | 'milliseconds', number>> = {
  weeks: 604_800_000,
  days: 86_400_000,
  hours: 3_600_000,
  minutes: 60_000,
  seconds: 1000,
  milliseconds: 1,
};

type Unit = keyof typeof unitLengths;

const wordsOfUnits: readonly (readonly [Unit, string])[] = [
  ['weeks', 'w wk wks week weeks'],
  ['days', 'd day days'],
  ['hours', 'h hr hrs hour hours'],
  ['minutes', 'm min mins minute minutes'],
  ['seconds', 's sec secs second seconds'],
  ['milliseconds', 'ms msec msecs millisecond milliseconds'],
];
const unitOfWord: ReadonlyMap<string, Unit> = new Map(
  wordsOfUnits.flatMap(([unit, words]) => words.split(' ').map((word): [string, Unit] => [word, unit])),
);

const expected = 'milliseconds, text such as "90s", "2h 30m" or "PT5M", or an object such as { minutes: 5 }';
const noFixedLength = 'a unit of fixed length (months and years vary; the calendar-interval trigger counts in them)';
const calendarUnits: ReadonlySet<string> = new Set(['month', 'months', 'quarter', 'quarters', 'year', 'years', 'mo', 'y', 'yr', 'yrs']);

/**
 * The length of time that `value` means, in integer milliseconds.
 * A number is milliseconds; a day is 24 hours, a week seven days. Months, quarters and years have no fixed length and are refused.
 * @param limits zero is refused unless `allowZero`, a negative length unless `allowNegative` (text never has one); `min` is the least that is accepted, in milliseconds
 * @throws InvalidOptionError naming `option`
 */
export function parseDuration(
  value: DurationInput,
  option: string,
  limits: { min?: number; allowZero?: boolean; allowNegative?: boolean } = {},
): number {
  const ms = Math.round(lengthOf(value, option));
  if (!Number.isSafeInteger(ms)) throw new InvalidOptionError(option, value, `a finite duration: ${expected}`);
  if (ms < 0 && limits.allowNegative !== true) throw new InvalidOptionError(option, value, `a duration that is not negative: ${expected}`);
  if (ms === 0 && limits.allowZero !== true) throw new InvalidOptionError(option, value, 'a duration of at least 1 millisecond');
  if (limits.min !== undefined && ms < limits.min) throw new InvalidOptionError(option, value, `at least ${limits.min} milliseconds`);
  return ms;
}

function lengthOf(value: unknown, option: string): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string') return lengthOfText(value, option);
  if (typeof value === 'object' && value !== null) return lengthOfObject(value, option);
  throw new InvalidOptionError(option, value, expected);
}

function lengthOfObject(value: object, option: string): number {
  // A luxon Duration keeps its units behind toObject(); by its members, as an application may hold another copy of luxon.
  const isDuration = 'isValid' in value && 'toObject' in value;
  if (isDuration && value.isValid !== true) throw new InvalidOptionError(option, String(value), 'a valid Duration');
  const units: unknown = isDuration && typeof value.toObject === 'function' ? value.toObject() : value;
  let ms = 0;
  let given = false;
  for (const [name, amount] of Object.entries(units ?? {})) {
    if (amount === undefined) continue;
    if (calendarUnits.has(name) && amount !== 0) throw new InvalidOptionError(`${option}.${name}`, amount, noFixedLength);
    if (calendarUnits.has(name)) continue;
    const unit = name.length > 3 ? unitOfWord.get(name) : undefined;
    if (unit === undefined) throw new InvalidOptionError(`${option}.${name}`, amount, oneOf(name, Object.keys(unitLengths)));
    if (typeof amount !== 'number' || !Number.isFinite(amount))
      throw new InvalidOptionError(`${option}.${name}`, amount, 'a finite number');
    ms += amount * unitLengths[unit];
    given = true;
  }
  if (!given && !isDuration) throw new InvalidOptionError(option, value, expected);
  return ms;
}

const isoPattern =
  /^P(?:(\d+(?:[.,]\d+)?)Y)?(?:(\d+(?:[.,]\d+)?)M)?(?:(\d+(?:[.,]\d+)?)W)?(?:(\d+(?:[.,]\d+)?)D)?(?:T(?=\d)(?:(\d+(?:[.,]\d+)?)H)?(?:(\d+(?:[.,]\d+)?)M)?(?:(\d+(?:[.,]\d+)?)S)?)?$/i;
const part = /(\d+(?:\.\d+)?) ?([a-z]+)(?:$|(?:\s*,\s*|\s+and\s+|\s*)(?=\d))/y;

function lengthOfText(text: string, option: string): number {
  const plain = text.trim().toLowerCase();
  if (plain.length === 0 || plain.length > 200) throw new InvalidOptionError(option, text, expected);
  if (plain.startsWith('p')) return lengthOfIso(plain, text, option);
  if (/^-/.test(plain)) throw new InvalidOptionError(option, text, `a duration that is not negative: ${expected}`);
  if (/^\d+(\.\d+)?$/.test(plain))
    throw new InvalidOptionError(option, text, `a unit after the number, such as "${plain}s"; or a number for milliseconds`);
  let ms = 0;
  const seen = new Set<Unit>();
  part.lastIndex = 0;
  for (let position = 0; position < plain.length; position = part.lastIndex) {
    const match = part.exec(plain);
    const word = match?.[2];
    if (match === null || word === undefined) throw new InvalidOptionError(option, text, expected);
    if (calendarUnits.has(word)) throw new InvalidOptionError(option, text, noFixedLength);
    const unit = unitOfWord.get(word);
    if (unit === undefined)
      throw new InvalidOptionError(option, text, `a unit it knows after the number: ${oneOf(word, Object.keys(unitLengths))}`);
    if (seen.has(unit)) throw new InvalidOptionError(option, text, `each unit once, but ${unit} came twice`);
    seen.add(unit);
    ms += Number(match[1]) * unitLengths[unit];
  }
  return ms;
}

function lengthOfIso(plain: string, text: string, option: string): number {
  const match = isoPattern.exec(plain);
  if (match === null || plain.length < 3)
    throw new InvalidOptionError(option, text, 'an ISO 8601 duration such as "PT5M", "PT1H30M" or "P1D"');
  const amounts = match.slice(1).map((amount) => Number((amount ?? '0').replace(',', '.')));
  const [years = 0, months = 0, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = amounts;
  if (years !== 0 || months !== 0) throw new InvalidOptionError(option, text, noFixedLength);
  const { weeks: week, days: day, hours: hour, minutes: minute, seconds: second } = unitLengths;
  return weeks * week + days * day + hours * hour + minutes * minute + seconds * second;
}

/** A length in words, for descriptions: `2 hours 30 minutes`. */
export function durationText(ms: number): string {
  const words: string[] = [];
  let rest = ms;
  for (const [unit, length] of Object.entries(unitLengths)) {
    const amount = Math.floor(rest / length);
    rest -= amount * length;
    if (amount > 0) words.push(`${amount} ${amount === 1 ? unit.slice(0, -1) : unit}`);
  }
  return words.length > 0 ? words.join(' ') : '0 milliseconds';
}
