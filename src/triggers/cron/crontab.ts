import { InvalidTriggerError } from '../../errors.ts';
import { type FieldText, readFieldText, type Word, zeroSecond } from './field-text.ts';
import { fieldSpecs, type FieldSpec, flag, flagsFor, type Stretch, stretchBits } from './names.ts';
import { allMonths, type CronRule } from './rule.ts';
import { readStandard } from './standard.ts';

const nicknames: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
]);

const textOrder: readonly FieldSpec[] = [
  fieldSpecs.second,
  fieldSpecs.minute,
  fieldSpecs.hour,
  fieldSpecs.day,
  fieldSpecs.month,
  fieldSpecs.dayOfWeek,
  fieldSpecs.year,
];
/** Longer than every value of every field written out. */
const longestText = 2048;

/** An `H` that is not the end of a month's or weekday's name. */
const hashMark = /(?:^|[\s,+])H/i;

/**
 * Reads a crontab text; see `CronTrigger.fromCrontab` for what it may hold. `text` in the answer is the same text
 * with one space between the fields, `hashed` whether it depends on `seed`.
 *
 * The standard fields are read by cron-parser. Ours is what it does not know or takes too lightly: the number of
 * fields, years, nicknames, `L-n`, `W`, `LW`, `#` in lists, `#L`, `+`, ranges over the end, `H`, steps too large,
 * lists that name a value twice, and days together with months (cron-parser drops the days that a month lacks).
 */
export function readCrontab(
  text: string,
  seed: string | undefined,
): { readonly text: string; readonly rule: CronRule; readonly hashed: boolean } {
  if (typeof text !== 'string') throw new InvalidTriggerError('expression', text, 'must be a crontab text such as "30 12 * * mon-fri"');
  if (text.length > longestText)
    throw new InvalidTriggerError('expression', text.slice(0, 80), `has ${text.length} characters; at most ${longestText} can be meant`);
  const words = wordsOf(text);
  const first = words[0];
  if (first?.text.startsWith('@')) {
    const meaning = words.length === 1 ? nicknames.get(first.text) : undefined;
    if (meaning === undefined) throw refuseNickname(text, first, words);
    return { text: first.text, rule: readWords(meaning, wordsOf(meaning), ''), hashed: false };
  }
  if (words.length < 5 || words.length > 7) {
    throw new InvalidTriggerError(
      'expression',
      text,
      `has ${words.length} ${words.length === 1 ? 'field' : 'fields'}; expected 5 (minute hour day month weekday), 6 (second first) or 7 (second first, year last)`,
    );
  }
  const tidy = words.map((word) => word.text).join(' ');
  return { text: tidy, rule: readWords(text, words, seed ?? tidy), hashed: hashMark.test(tidy) };
}

function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  const trimmed = text.trimEnd();
  for (let at = text.length - text.trimStart().length; at < trimmed.length; ) {
    let end = at;
    while (end < trimmed.length && trimmed.charCodeAt(end) !== 32 && trimmed.charCodeAt(end) !== 9) end++;
    if (end > at) words.push({ text: trimmed.slice(at, end), offset: at });
    at = end + 1;
  }
  return words;
}

function refuseNickname(text: string, first: Word, words: readonly Word[]): InvalidTriggerError {
  const known = [...nicknames.keys()].join(', ');
  const reason =
    first.text === '@reboot'
      ? '@reboot is an event, not a time, and unsupported here; run the task when the application starts'
      : words.length > 1
        ? 'a nickname stands alone'
        : `unknown nickname; known, in small letters: ${known}`;
  return new InvalidTriggerError('expression', text, reason, first.offset);
}

function readWords(text: string, words: readonly Word[], seed: string): CronRule {
  const source = { text, seed };
  const short = words.length === 5 ? 1 : 0;
  const read = (at: number): FieldText => {
    const word = words[at - short];
    return word === undefined ? zeroSecond : readFieldText(textOrder[at] ?? fieldSpecs.second, word, source);
  };
  const second = read(0);
  const minute = read(1);
  const hour = read(2);
  const day = read(3);
  const month = read(4);
  const weekday = read(5);
  const year = words.length === 7 ? read(6) : undefined;
  // cron-parser drops days that the month lacks, and refuses the text when none is left; so it never sees both.
  const dayText = month.any ? day.standard : undefined;
  const values = readStandard([second.standard, minute.standard, hour.standard, dayText, month.standard, weekday.standard]);
  return {
    seconds: flagsOf(fieldSpecs.second, second, values[0]),
    minutes: flagsOf(fieldSpecs.minute, minute, values[1]),
    hours: flagsOf(fieldSpecs.hour, hour, values[2]),
    months: month.any ? allMonths : bitsOf(fieldSpecs.month, month.stretches, values[4]),
    days: {
      day: day.any ? undefined : { ...day.special, dates: bitsOf(fieldSpecs.day, day.stretches, values[3]) },
      weekday: weekday.any ? undefined : { ...weekday.special, weekdays: bitsOf(fieldSpecs.dayOfWeek, weekday.stretches, values[5]) },
      either: !weekday.and,
    },
    weeks: undefined,
    years: year === undefined || year.any ? undefined : flagsOf(fieldSpecs.year, year, undefined),
    fixedTime: second.singles && minute.singles && hour.singles,
  };
}

/** Flags of a field from what cron-parser read of it, or from its stretches. */
function flagsOf(spec: FieldSpec, field: FieldText, values: readonly number[] | undefined): Uint8Array {
  const flags = flagsFor(spec);
  if (values !== undefined) for (const value of values) flags[value] = 1;
  else for (const stretch of field.stretches) flag(spec, stretch, flags);
  return flags;
}

/** The same as bits. */
function bitsOf(spec: FieldSpec, stretches: readonly Stretch[], values: readonly number[] | undefined): number {
  let bits = 0;
  if (values !== undefined) for (const value of values) bits |= 1 << (value > spec.high ? value - 7 : value);
  else for (const stretch of stretches) bits |= stretchBits(spec, stretch);
  return bits;
}
