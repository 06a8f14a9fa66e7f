import { InvalidTriggerError } from '../../errors.ts';
import { noDays } from './fields.ts';
import { hashOf } from './hash.ts';
import { expectedIn, type FieldSpec, type Stretch, valueOf } from './names.ts';
import type { DayPattern } from './rule.ts';

/** One field of a crontab text, checked. */
export interface FieldText {
  /** The field for cron-parser, where it is standard and neither `*` nor naming a value twice. */
  readonly standard: string | undefined;
  /** The values, except those in `special`. */
  readonly stretches: readonly Stretch[];
  /** Days that are not values: `L`, `W`, `#`. */
  readonly special: DayPattern;
  /** It begins with `*` or `?`: unrestricted, as Vixie cron and OCPS 1.1 section 6.1 have it. */
  readonly any: boolean;
  /** Only single values. */
  readonly singles: boolean;
  /** It begins with `+`. */
  readonly and: boolean;
}

/** A word of a text and where it starts. */
export interface Word {
  readonly text: string;
  readonly offset: number;
}

/** The whole text, for errors, and what `H` is derived from. */
export interface TextSource {
  readonly text: string;
  readonly seed: string;
}

interface Draft {
  readonly spec: FieldSpec;
  readonly word: Word;
  readonly source: TextSource;
  readonly stretches: Stretch[];
  special: { -readonly [Name in keyof DayPattern]: DayPattern[Name] };
  singles: boolean;
  /** What cron-parser could read so far. */
  standard: boolean;
}

const standardItem = /^(\*|[a-z]{3}|\d{1,4})(?:-([a-z]{3}|\d{1,4}))?(?:\/(\d{1,4}))?$/i;
const hashedItem = /^H(?:\((\d{1,4})-(\d{1,4})\))?(?:\/(\d{1,4}))?$/i;
const lastDayItem = /^L(?:-(\d{1,2})|(W))?$/i;
const workdayItem = /^(\d{1,2})W$/i;
const positionItem = /^([a-z]{3}|\d)(?:#([\dL])|L)$/i;

/** What a five-field text says of seconds. */
export const zeroSecond: FieldText = {
  standard: undefined,
  stretches: [{ low: 0, high: 0, step: 1 }],
  special: noDays,
  any: false,
  singles: true,
  and: false,
};

/** Reads one field. Throws `InvalidTriggerError` with the offset of the item that cannot be meant. */
export function readFieldText(spec: FieldSpec, word: Word, source: TextSource): FieldText {
  const and = spec.name === 'dayOfWeek' && word.text.startsWith('+');
  const body = and ? word.text.slice(1) : word.text;
  if (body === '*') {
    return {
      standard: undefined,
      stretches: [{ low: spec.low, high: spec.high, step: 1 }],
      special: noDays,
      any: true,
      singles: false,
      and,
    };
  }
  const draft: Draft = { spec, word, source, stretches: [], special: noDays, singles: true, standard: true };
  let at = word.offset + (and ? 1 : 0);
  if (!body.includes(',')) {
    readItem(draft, body, at);
    const standard = draft.standard ? body : undefined;
    return { standard, stretches: draft.stretches, special: draft.special, any: body === '?', singles: draft.singles, and };
  }
  const items = body.split(',');
  for (const item of items) {
    readItem(draft, item, at);
    at += item.length + 1;
  }
  const any = items[0] === '*' || items[0] === '?';
  // Lists with a range in them may name a value twice, which cron-parser refuses.
  const standard = draft.standard && draft.singles && distinct(draft.stretches, spec);
  return { standard: standard ? body : undefined, stretches: draft.stretches, special: draft.special, any, singles: draft.singles, and };
}

function distinct(stretches: readonly Stretch[], spec: FieldSpec): boolean {
  return new Set(stretches.map(({ low }) => (low > spec.high ? spec.low : low))).size === stretches.length;
}

function readItem(draft: Draft, item: string, at: number): void {
  const { spec } = draft;
  const match = standardItem.exec(item);
  if (match !== null) readStretch(draft, match, at);
  else if (item === '?' && (spec.name === 'day' || spec.name === 'dayOfWeek')) {
    draft.stretches.push({ low: spec.low, high: spec.high, step: 1 });
    draft.singles = false;
    draft.standard = false;
  } else {
    draft.standard = false;
    if (!readHashed(draft, item, at) && !readSpecial(draft, item, at)) throw refuse(draft, item, at, reasonFor(spec, item));
  }
}

function readStretch(draft: Draft, match: RegExpExecArray, at: number): void {
  const { spec } = draft;
  const [item, from = '', to, stepText] = match;
  const size = spec.high - spec.low + 1;
  const step = stepText === undefined ? 1 : Number(stepText);
  if (stepText !== undefined && (step < 1 || step > size)) {
    throw refuse(draft, item, at, `the step ${step} must be between 1 and ${size}, as ${fieldLabel(spec)} has ${size} values`);
  }
  if (from === '*') {
    if (to !== undefined) throw refuse(draft, item, at, 'a range runs between two values, not from "*"');
    draft.stretches.push({ low: spec.low, high: spec.high, step });
    draft.singles = false;
    return;
  }
  const low = bound(draft, item, from, at);
  if (to === undefined) {
    if (stepText !== undefined) throw refuse(draft, item, at, `a step follows "*" or a range; write ${from}-${spec.high}/${step}`);
    draft.stretches.push({ low, high: low, step: 1 });
    return;
  }
  const high = bound(draft, item, to, at);
  draft.singles = false;
  if (low <= high) {
    draft.stretches.push({ low, high, step });
    return;
  }
  if (!spec.wraps) throw refuse(draft, item, at, 'the range runs backwards; write it from low to high');
  draft.standard = false;
  draft.stretches.push({ low: low > spec.high ? spec.low : low, high, step });
}

function bound(draft: Draft, item: string, word: string, at: number): number {
  const value = valueOf(draft.spec, word);
  if (value === undefined) throw refuse(draft, item, at, `${JSON.stringify(word)} is not ${expectedIn(draft.spec)}`);
  return value;
}

/** `H`: one value of the field, the same for the same seed; `H/n`: every n-th from such a value on. */
function readHashed(draft: Draft, item: string, at: number): boolean {
  const { spec, source } = draft;
  const match = spec.name === 'year' ? null : hashedItem.exec(item);
  if (match === null) return false;
  const [, from, to, stepText] = match;
  const low = from === undefined ? spec.low : bound(draft, item, from, at);
  // Every month has a 28th: a hashed day is one that comes every month.
  const high = to === undefined ? (spec.name === 'day' ? 28 : spec.high) : bound(draft, item, to, at);
  if (low > high) throw refuse(draft, item, at, 'the range runs backwards; write it from low to high');
  const hash = hashOf(source.seed, spec.name);
  const size = high - low + 1;
  if (stepText === undefined) {
    const value = low + (hash % size);
    draft.stretches.push({ low: value, high: value, step: 1 });
    return true;
  }
  const step = Number(stepText);
  if (step < 1 || step > size)
    throw refuse(draft, item, at, `the step ${step} must be between 1 and ${size}, the number of values it steps over`);
  draft.stretches.push({ low: low + (hash % step), high, step });
  draft.singles = false;
  return true;
}

/** `L`, `L-n`, `LW` and `nW` in the day field; `w#n`, `w#L` and `wL` in the weekday field. */
function readSpecial(draft: Draft, item: string, at: number): boolean {
  const { spec } = draft;
  if (spec.name === 'day') {
    const last = lastDayItem.exec(item);
    if (last !== null) {
      const back = last[1] === undefined ? 0 : Number(last[1]);
      if (back > 30 || (back === 0 && last[1] !== undefined))
        throw refuse(draft, item, at, 'L- is followed by 1 to 30, the days before the last one');
      draft.special =
        last[2] === undefined
          ? { ...draft.special, fromEnd: draft.special.fromEnd | (1 << back) }
          : { ...draft.special, lastWorkday: true };
      return true;
    }
    const workday = workdayItem.exec(item);
    if (workday === null) return false;
    const date = bound(draft, item, workday[1] ?? '', at);
    draft.special = { ...draft.special, nearest: draft.special.nearest | (1 << date) };
    return true;
  }
  const match = spec.name === 'dayOfWeek' ? positionItem.exec(item) : null;
  if (match === null) return false;
  const weekday = bound(draft, item, match[1] ?? '', at) % 7;
  const last = match[2] === undefined || match[2].toUpperCase() === 'L';
  const nth = last ? 6 : Number(match[2]);
  if (!last && (nth < 1 || nth > 5)) throw refuse(draft, item, at, '# is followed by 1 to 5, or L for the last');
  const positions = [...(draft.special.positions ?? [0, 0, 0, 0, 0, 0])];
  positions[nth - 1] = (positions[nth - 1] ?? 0) | (1 << weekday);
  draft.special = { ...draft.special, positions };
  return true;
}

function refuse(draft: Draft, item: string, at: number, reason: string): InvalidTriggerError {
  const what = item === draft.word.text ? '' : `${JSON.stringify(item)}: `;
  return new InvalidTriggerError(draft.spec.name, draft.source.text, `${what}${reason}`, at);
}

function reasonFor(spec: FieldSpec, item: string): string {
  if (item === '') return 'an item of the list is empty';
  if (item.includes('?')) return '"?" stands alone, in the day and day of week fields only';
  if (item.includes('+')) return '"+" is only allowed as the first character of the day of week field';
  if (/W/i.test(item) && spec.name === 'day') return '"W" follows a single date: 15W, or LW for the last working day';
  if (/^L$/i.test(item) && spec.name === 'dayOfWeek') return '"L" follows a weekday: friL or fri#L for the last Friday';
  if (item.includes('#')) return '"#" stands between a weekday and 1 to 5 or L, in the day of week field only: fri#2';
  if (item.startsWith('/')) return `a step follows "*" or a range: *${item}`;
  const special = spec.name === 'day' ? ', or L, L-3, LW, 15W' : spec.name === 'dayOfWeek' ? ', or fri#2, fri#L, friL' : '';
  return `not understood; expected "*", a value, a range a-b, or a step */n or a-b/n over ${expectedIn(spec)}${special}`;
}

function fieldLabel(spec: FieldSpec): string {
  return spec.name === 'dayOfWeek' ? 'the day of week' : `the ${spec.name} field`;
}
