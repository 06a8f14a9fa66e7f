import type { JobPolicy, RetryPolicy } from './core/job.ts';
import { InvalidOptionError } from './errors.ts';
import { checkNames, oneOf } from './nearest.ts';
import { type DurationInput, parseDuration } from './time/duration.ts';
import type { TimeInput } from './time/instants.ts';

/** How often and how soon a failed run is tried again. */
export interface RetryOptions {
  /** How many attempts may follow the first. */
  limit: number;
  /** Wait before the second attempt; default 1 s. */
  delay?: DurationInput;
  /** What each further wait is multiplied with: `'exponential'` (2, the default), `'fixed'` (1), or a number from 1. */
  backoff?: 'exponential' | 'fixed' | number;
  /** The longest wait; default 1 hour. */
  maxDelay?: DurationInput;
}

/** How fire times become runs. Each is an option of a job, and of `jobDefaults` for all jobs that do not say it. */
export interface PolicyOptions {
  /** How late a run may start: later it is recorded as `missed`. Default `null`: no limit, late runs still run. */
  misfireGraceTime?: DurationInput | null;
  /** What several due fire times become: a run for the `'latest'` (default), for the `'earliest'`, or a run for each, one after the other: `'all'`. */
  coalesce?: 'latest' | 'earliest' | 'all';
  /** How many runs of the job may be under way at once; default 1. */
  maxInstances?: number;
  /** A fire time that finds `maxInstances` under way is recorded as skipped (`'skip'`, default), waits (`'queue'`), or stops them (`'cancel-running'`). */
  overlap?: 'skip' | 'queue' | 'cancel-running';
  /** Each run is delayed by a fixed pseudo-random time up to this, which never reaches the next fire time. Default 0. */
  jitter?: DurationInput;
  /** After so many scheduled runs the job is finished. Default `null`: no limit. */
  maxRuns?: number | null;
  /** A run that takes longer is told to stop and fails with `JobTimeoutError`. Default `null`: no limit. */
  timeout?: DurationInput | null;
  /** A number is short for `{ limit }`. Default: a failed run is not tried again. */
  retry?: RetryOptions | number;
  /** What becomes of a run whose process died: `'rerun'` (default; at least once, at most three crashes) or `'fail'` (at most once). */
  onCrash?: 'rerun' | 'fail';
}

/** What a job can be given beside its trigger. */
export interface JobOptions<Args extends readonly unknown[] = readonly unknown[]> extends PolicyOptions {
  /**
   * Default: a random one. A persistent store needs one for every recurring job, and remembers by it that a one-shot ran; a one-shot without
   * is forgotten when its run is.
   */
  id?: string;
  /** For people; default: the task's name. */
  name?: string;
  args?: Args;
  /** Default: `'inline'` for functions, `'threads'` for module references. */
  executor?: string;
  /** Name of the job store; default `'default'`. */
  jobStore?: string;
  /** Overrides the first fire time, and with it the only one of a date; `null` adds the job paused. */
  nextRunTime?: TimeInput | null;
  /** What registering a known id again does; default `'replace'`, which keeps where the job stands if its trigger is the same. */
  onConflict?: 'replace' | 'keep' | 'error';
  /** Calendars, by the names `setCalendar` gave them, on whose days the job does not run. */
  calendars?: string | readonly string[];
  /** What becomes of a fire time on such a day: left out (`'skip'`, default), or moved at the same time of day. */
  calendarPolicy?: 'skip' | 'next-working-day' | 'previous-working-day';
  /** Anything of yours, kept with the job. */
  metadata?: Readonly<Record<string, unknown>>;
  /** An open transaction of the store's database: the job is there if and only if it commits. */
  transaction?: unknown;
  /** Task engines: the queue that workers take the run from. */
  queue?: string;
  /** Task engines: `'highest'`, `'high'`, `'normal'`, `'low'` or `'lowest'`. */
  priority?: string;
  /** Task engines: a run not begun by then is revoked. */
  expires?: DurationInput;
}

export const policyOptionNames: readonly string[] = [
  'misfireGraceTime',
  'coalesce',
  'maxInstances',
  'overlap',
  'jitter',
  'maxRuns',
  'timeout',
  'retry',
  'onCrash',
];
const policyNames: ReadonlySet<string> = new Set(policyOptionNames);
export const executorOptionNames: readonly string[] = ['queue', 'priority', 'expires'];
export const jobOptionNames: readonly string[] = [
  ...policyOptionNames,
  ...executorOptionNames,
  ...[
    'trigger',
    'id',
    'name',
    'args',
    'executor',
    'jobStore',
    'nextRunTime',
    'onConflict',
    'metadata',
    'transaction',
    'calendars',
    'calendarPolicy',
  ],
];

export const defaultPolicy: JobPolicy = Object.freeze({
  misfireGraceTime: undefined,
  coalesce: 'latest',
  maxInstances: 1,
  overlap: 'skip',
  jitter: 0,
  maxRuns: undefined,
  timeout: undefined,
  retry: undefined,
  onCrash: 'rerun',
});

/** Whether any of the options is a policy, so that a job without one can share its scheduler's defaults. */
export function hasPolicy(options: object): boolean {
  for (const name in options) if (policyNames.has(name)) return true;
  return false;
}

/** Whether two policies say the same; each `retry` of its own is another. */
export function isSamePolicy(a: JobPolicy, b: JobPolicy): boolean {
  return (
    a.misfireGraceTime === b.misfireGraceTime &&
    a.coalesce === b.coalesce &&
    a.maxInstances === b.maxInstances &&
    a.overlap === b.overlap &&
    a.jitter === b.jitter &&
    a.maxRuns === b.maxRuns &&
    a.timeout === b.timeout &&
    a.retry === b.retry &&
    a.onCrash === b.onCrash
  );
}

/** The policy that `options` mean, over `base`. @throws InvalidOptionError */
export function parsePolicy(options: PolicyOptions, base: JobPolicy, path = ''): JobPolicy {
  const { misfireGraceTime: grace, coalesce, maxInstances, overlap, jitter, maxRuns, timeout, retry, onCrash } = options;
  return Object.freeze({
    misfireGraceTime:
      grace === undefined
        ? base.misfireGraceTime
        : grace === null || grace === Infinity
          ? undefined
          : parseDuration(grace, `${path}misfireGraceTime`),
    coalesce: coalesce === undefined ? base.coalesce : choice(coalesce, `${path}coalesce`, ['latest', 'earliest', 'all'] as const),
    maxInstances: maxInstances === undefined ? base.maxInstances : wholeNumber(maxInstances, `${path}maxInstances`, 1),
    overlap: overlap === undefined ? base.overlap : choice(overlap, `${path}overlap`, ['skip', 'queue', 'cancel-running'] as const),
    jitter: jitter === undefined ? base.jitter : parseDuration(jitter, `${path}jitter`, { allowZero: true }),
    maxRuns: maxRuns === undefined ? base.maxRuns : maxRuns === null ? undefined : wholeNumber(maxRuns, `${path}maxRuns`, 1),
    timeout: timeout === undefined ? base.timeout : timeout === null ? undefined : parseDuration(timeout, `${path}timeout`),
    retry: retry === undefined ? base.retry : parseRetry(retry, `${path}retry`),
    onCrash: onCrash === undefined ? base.onCrash : choice(onCrash, `${path}onCrash`, ['rerun', 'fail'] as const),
  });
}

function parseRetry(retry: RetryOptions | number, path: string): RetryPolicy | undefined {
  const options: RetryOptions = typeof retry === 'number' ? { limit: retry } : checkedRetry(retry, path);
  const limit = wholeNumber(options.limit, typeof retry === 'number' ? path : `${path}.limit`, 0);
  if (limit === 0) return undefined;
  return Object.freeze({
    limit,
    delay: options.delay === undefined ? 1000 : parseDuration(options.delay, `${path}.delay`, { allowZero: true }),
    backoff: parseBackoff(options.backoff, `${path}.backoff`),
    maxDelay: options.maxDelay === undefined ? 3_600_000 : parseDuration(options.maxDelay, `${path}.maxDelay`, { allowZero: true }),
  });
}

function checkedRetry(retry: unknown, path: string): RetryOptions {
  if (typeof retry !== 'object' || retry === null)
    throw new InvalidOptionError(path, retry, 'a number of further attempts, or { limit, delay, backoff, maxDelay }');
  checkNames(retry, ['limit', 'delay', 'backoff', 'maxDelay'], path);
  return retry as RetryOptions;
}

function parseBackoff(backoff: RetryOptions['backoff'], path: string): number {
  if (backoff === undefined || backoff === 'exponential') return 2;
  if (backoff === 'fixed') return 1;
  if (typeof backoff === 'number' && backoff >= 1 && backoff <= 1000) return backoff;
  throw new InvalidOptionError(path, backoff, "'exponential', 'fixed', or a factor from 1 to 1000");
}

export function choice<Choice extends string>(value: unknown, option: string, choices: readonly Choice[]): Choice {
  const found = choices.find((each) => each === value);
  if (found === undefined) throw new InvalidOptionError(option, value, oneOf(value, choices));
  return found;
}

export function wholeNumber(value: unknown, option: string, least: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value;
  throw new InvalidOptionError(option, value, `a whole number, ${least} or more`);
}

export function nonEmptyText(value: unknown, option: string): string {
  if (typeof value === 'string' && value.length > 0) return value;
  throw new InvalidOptionError(option, value, 'a text that is not empty');
}
