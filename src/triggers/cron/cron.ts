import type { DateTime } from 'luxon';
import type { Json, TriggerJson } from '../../core/trigger.ts';
import { InvalidOptionError, InvalidTriggerError } from '../../errors.ts';
import { checkEpochMs, parseInstant, type TimeInput } from '../../time/instants.ts';
import { TimeZone } from '../../time/time-zone.ts';
import { type InspectableTrigger, matchesOf, momentText, type PreviewOptions, previewOf } from '../derived.ts';
import { checkOptionNames } from '../option-names.ts';
import { readCrontab } from './crontab.ts';
import { describeRule } from './describe.ts';
import { type CronFields, isList, readFields } from './fields.ts';
import { InstantWalk } from './next.ts';
import type { CronRule } from './rule.ts';

/** Options of both spellings of a cron trigger. */
export interface CronBounds {
  /** IANA zone the fields are read in. Default: the system's. */
  readonly timezone?: string | undefined;
  /** No fire time before this one. A wall time without an offset is read in `timezone`. */
  readonly startDate?: TimeInput | undefined;
  /** No fire time after this one; a fire time at it counts. */
  readonly endDate?: TimeInput | undefined;
  /** A wall time that a clock change skips: the first valid instant after the gap, or none. Default: see {@link CronTrigger}. */
  readonly gap?: 'next' | 'skip' | undefined;
  /** A wall time that a clock change repeats: its first pass, its last, or both. Default: see {@link CronTrigger}. */
  readonly fold?: 'first' | 'last' | 'both' | undefined;
  /** What `H` in a crontab text is derived from, such as the job's id. Default: the text itself. */
  readonly seed?: string | undefined;
}

/** Fields, or `expression`, a crontab text; never both. */
export interface CronTriggerOptions extends CronFields, CronBounds {
  readonly expression?: string | undefined;
}

const fieldNames = ['year', 'month', 'day', 'week', 'dayOfWeek', 'hour', 'minute', 'second'] as const;
const boundNames = ['timezone', 'startDate', 'endDate', 'gap', 'fold', 'seed'] as const;
const noFields: CronFields = {};
/** What may be given together with a crontab text, and that text. */
const besideText: ReadonlySet<string> = new Set(['expression', ...boundNames]);

/** Every option of a cron trigger. */
export const cronOptionNames: readonly string[] = [...fieldNames, 'expression', ...boundNames];

/**
 * Fires at wall times that match a pattern, in a time zone. The pattern is given in fields ({@link CronFields}) or as
 * crontab text ({@link CronTrigger.fromCrontab}).
 *
 * **Clock changes.** A schedule is *fixed-time* if second, minute and hour are each a single value or a list of them:
 * a time in the gap then runs at the first valid instant after it, a repeated time runs once, at the first pass, and
 * times that fall on the same instant run once. Any other schedule, with a `*`, a range or a step in one of the three,
 * is *interval-like*: it runs at every instant whose wall clock matches. `gap` and `fold` override either.
 *
 * In New York, where 02:00 to 03:00 did not exist on 8 March 2026 and 01:00 to 02:00 came twice on 1 November:
 *
 * | fields                  | 8 March                               | 1 November                                |
 * |-------------------------|---------------------------------------|-------------------------------------------|
 * | `30 2 * * *`            | 03:00-04:00                           | 02:30-05:00                               |
 * | `0,30 2 * * *`          | 03:00-04:00, once                     | 02:00-05:00, 02:30-05:00                  |
 * | `30 1 * * *`            | 01:30-05:00                           | 01:30-04:00                               |
 * | same, `fold: 'last'`    | 01:30-05:00                           | 01:30-05:00                               |
 * | same, `fold: 'both'`    | 01:30-05:00                           | 01:30-04:00, 01:30-05:00                  |
 * | `30 2`, `gap: 'skip'`   | none                                  | 02:30-05:00                               |
 * | `0 * * * *`             | ... 01:00-05:00, 03:00-04:00 ...      | ... 01:00-04:00, 01:00-05:00, 02:00-05:00 |
 * | `0-59/30 2 * * *`       | none                                  | 02:00-05:00, 02:30-05:00                  |
 * | `0 0 * * *`             | 00:00-05:00, next day 00:00-04:00     | 00:00-04:00, next day 00:00-05:00         |
 */
export class CronTrigger implements InspectableTrigger {
  /** IANA zone of the fields. */
  readonly timezone: string;
  readonly #zone: TimeZone;
  readonly #rule: CronRule;
  readonly #expression: string | undefined;
  readonly #fields: CronFields;
  readonly #start: number;
  readonly #end: number;
  readonly #gap: 'next' | 'skip' | undefined;
  readonly #fold: 'first' | 'last' | 'both' | undefined;
  readonly #seed: string | undefined;
  /** Its tables are made when the first time is asked for. */
  #walk: InstantWalk | undefined;

  /**
   * @throws InvalidTriggerError for a field or text that cannot be meant, and when there is none
   * @throws InvalidOptionError for an unknown option, time zone, date or policy
   */
  constructor(options: CronTriggerOptions) {
    checkOptions(options);
    this.#zone = TimeZone.of(options.timezone === undefined ? 'local' : options.timezone);
    this.timezone = this.#zone.name;
    if (options.expression === undefined) {
      this.#expression = undefined;
      this.#fields = pickFields(options);
      this.#rule = readFields(this.#fields);
      this.#seed = undefined;
    } else {
      const read = readCrontab(options.expression, options.seed);
      this.#expression = read.text;
      this.#fields = noFields;
      this.#rule = read.rule;
      this.#seed = read.hashed ? options.seed : undefined;
    }
    this.#gap = options.gap;
    this.#fold = options.fold;
    this.#start = options.startDate === undefined ? -Infinity : this.#instant('startDate', options.startDate);
    this.#end = options.endDate === undefined ? Infinity : this.#instant('endDate', options.endDate);
    if (this.#end < this.#start) throw new InvalidOptionError('endDate', options.endDate, 'a time not before startDate');
  }

  /**
   * A trigger from crontab text, to the Open Cron Pattern Specification 1.4: five fields (minute, hour, day of month,
   * month, day of week), six with the second first, seven with the year last, or a nickname such as `@daily`.
   *
   * Day of month and day of week are joined by OR when both are restricted; `+` before the day of week makes it AND.
   * `L` is the last day, `L-2` two days before, `15W` the working day nearest to the 15th, `LW` the last working day,
   * `fri#2` the second Friday, `fri#L` or `friL` the last.
   *
   * Beyond the specification: `H` is a value derived from `seed`, `H/15` every 15 from such a value on, `H(0-29)` one
   * in a range; ranges of weekdays, months, hours, minutes and seconds may run over the end (`fri-mon`, `22-2`), which
   * the specification refuses. A step larger than its field is refused, and so is `5/15`, as the specification asks.
   * @throws InvalidTriggerError with the field, the offset in the text and what would be right
   */
  static fromCrontab(text: string, options: CronBounds = {}): CronTrigger {
    return new CronTrigger({ ...options, expression: text });
  }

  /** The trigger that `toJSON` wrote. Throws as the constructor does. */
  static fromJSON(json: TriggerJson): CronTrigger {
    const { type, ...options } = json;
    if (type !== 'cron') throw new InvalidOptionError('type', type, "'cron'");
    // The constructor checks every member of what was stored.
    return new CronTrigger(options as CronTriggerOptions);
  }

  /** The first fire time later than `after`, in epoch milliseconds; undefined if there is none. */
  next(after: number): number | undefined {
    checkEpochMs(after, 'after');
    this.#walk ??= this.#makeWalk();
    const time = this.#walk.next(after < this.#start ? this.#start - 1 : after);
    return time !== undefined && time <= this.#end ? time : undefined;
  }

  /** The last fire time earlier than `before`, in epoch milliseconds; undefined if there is none. */
  previous(before: number): number | undefined {
    checkEpochMs(before, 'before');
    this.#walk ??= this.#makeWalk();
    const time = this.#walk.previous(before > this.#end ? this.#end + 1 : before);
    return time !== undefined && time >= this.#start ? time : undefined;
  }

  /** Whether an instant, in epoch milliseconds, is a fire time. */
  matches(instant: number): boolean {
    return matchesOf(this, instant);
  }

  preview(n: number, options?: PreviewOptions): DateTime[] {
    return previewOf(this, n, options);
  }

  describe(): string {
    const parts = [describeRule(this.#rule)];
    if (this.#start !== -Infinity) parts.push(`from ${momentText(this.#start, this.timezone)}`);
    if (this.#end !== Infinity) parts.push(`until ${momentText(this.#end, this.timezone)}`);
    return `${parts.join(', ')} (${this.timezone})`;
  }

  /** The crontab text, or the fields as `cron[hour='12', minute='30']`. */
  toString(): string {
    if (this.#expression !== undefined) return this.#expression;
    const given = fieldNames.filter((name) => this.#fields[name] !== undefined);
    return `cron[${given.map((name) => `${name}='${String(this.#fields[name])}'`).join(', ')}]`;
  }

  toJSON(): TriggerJson {
    const json: { type: string; [option: string]: Json } = { type: 'cron' };
    if (this.#expression !== undefined) json['expression'] = this.#expression;
    for (const name of fieldNames) {
      const value = this.#fields[name];
      if (value !== undefined) json[name] = value;
    }
    json['timezone'] = this.timezone;
    if (this.#start !== -Infinity) json['startDate'] = new Date(this.#start).toISOString();
    if (this.#end !== Infinity) json['endDate'] = new Date(this.#end).toISOString();
    if (this.#gap !== undefined) json['gap'] = this.#gap;
    if (this.#fold !== undefined) json['fold'] = this.#fold;
    if (this.#seed !== undefined) json['seed'] = this.#seed;
    return json;
  }

  #instant(option: string, value: TimeInput): number {
    return parseInstant(value, { timezone: this.timezone, option });
  }

  #makeWalk(): InstantWalk {
    const fixed = this.#rule.fixedTime;
    return new InstantWalk(this.#rule, this.#zone, {
      gap: this.#gap ?? (fixed ? 'next' : 'skip'),
      fold: this.#fold ?? (fixed ? 'first' : 'both'),
    });
  }
}

/** The fields alone, lists copied, so that a caller's later change does not reach the trigger. */
function pickFields(options: CronTriggerOptions): CronFields {
  const fields: { -readonly [Name in keyof CronFields]: CronFields[Name] } = {};
  for (const name of fieldNames) {
    const value = options[name];
    if (value !== undefined) fields[name] = isList(value) ? [...value] : value;
  }
  return fields;
}

function checkOptions(options: CronTriggerOptions): void {
  if (typeof options !== 'object' || options === null)
    throw new InvalidOptionError('trigger', options, 'an object with cron fields, or with an expression');
  checkOptionNames('cron', options, cronOptionNames);
  const { expression, gap, fold, seed } = options;
  if (expression !== undefined) {
    for (const name in options) {
      const value: unknown = Reflect.get(options, name);
      if (value !== undefined && !besideText.has(name)) {
        throw new InvalidTriggerError(name, value, 'fields and expression cannot be combined; the expression has all fields');
      }
    }
  }
  if (gap !== undefined && gap !== 'next' && gap !== 'skip') throw new InvalidOptionError('gap', gap, "'next' or 'skip'");
  if (fold !== undefined && fold !== 'first' && fold !== 'last' && fold !== 'both')
    throw new InvalidOptionError('fold', fold, "'first', 'last' or 'both'");
  if (seed !== undefined && typeof seed !== 'string') throw new InvalidOptionError('seed', seed, 'a text, such as the id of the job');
}
