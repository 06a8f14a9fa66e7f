import type { OnCrash, RetryPolicy } from '../core/job.ts';
import { InvalidOptionError } from '../errors.ts';
import { oneOf } from '../nearest.ts';
import { type DurationInput, parseDuration } from '../time/duration.ts';
import type { Priority } from './engine.ts';
import { checkQueue, defaultQueue } from './task-id.ts';

/** How often a task may be tried again, and after what wait: `delay * backoff^(n - 1)` before retry n, at most `maxDelay`. */
export interface RetryInput {
  /** How many attempts may follow the first. */
  readonly limit: number;
  /** Default: 1 s. */
  readonly delay?: DurationInput | undefined;
  /** Default: 2. */
  readonly backoff?: number | undefined;
  /** Default: 1 h. */
  readonly maxDelay?: DurationInput | undefined;
}

/** What a task says of itself. `timeout`, `retry` and `onCrash` count where it runs; the others where it is sent. */
export interface TaskOptions {
  /** How long one attempt may take; default: no limit. */
  readonly timeout?: DurationInput | undefined;
  /** Default: no retry. */
  readonly retry?: RetryInput | undefined;
  /** What becomes of it when its worker dies: `rerun` (default, at most three times), or `fail`, so that it never begins twice. */
  readonly onCrash?: OnCrash | undefined;
  /** Default: `default`. */
  readonly queue?: string | undefined;
  /** Default: `normal`. */
  readonly priority?: Priority | undefined;
  /** Keep neither the task nor its result once it has succeeded; default: false. */
  readonly ignoreResult?: boolean | undefined;
}

/** The same with the defaults filled in; lengths in milliseconds. */
export interface TaskPolicy {
  readonly timeout: number | undefined;
  readonly retry: RetryPolicy | undefined;
  readonly onCrash: OnCrash;
  readonly queue: string;
  readonly priority: Priority;
  readonly ignoreResult: boolean;
}

/** From first to last. */
export const priorities: readonly Priority[] = ['highest', 'high', 'normal', 'low', 'lowest'];

const known: readonly string[] = ['timeout', 'retry', 'onCrash', 'queue', 'priority', 'ignoreResult'] satisfies (keyof TaskOptions)[];

/** @throws InvalidOptionError naming the option */
export function taskPolicy(options: TaskOptions): TaskPolicy {
  checkNames(options, known);
  const { timeout, retry, onCrash = 'rerun', queue = defaultQueue, priority = 'normal', ignoreResult = false } = options;
  if (onCrash !== 'rerun' && onCrash !== 'fail') throw new InvalidOptionError('onCrash', onCrash, "'rerun' or 'fail'");
  return {
    timeout: timeout === undefined ? undefined : parseDuration(timeout, 'timeout'),
    retry: retry === undefined ? undefined : retryPolicy(retry),
    onCrash,
    queue: checkQueue(queue, 'queue'),
    priority: checkPriority(priority),
    ignoreResult: checkBoolean(ignoreResult, 'ignoreResult'),
  };
}

export function retryPolicy(retry: RetryInput): RetryPolicy {
  if (typeof retry !== 'object' || retry === null) throw new InvalidOptionError('retry', retry, 'such as { limit: 3 }');
  checkNames(retry, ['limit', 'delay', 'backoff', 'maxDelay'] satisfies (keyof RetryInput)[]);
  const { limit, delay = 1_000, backoff = 2, maxDelay = 3_600_000 } = retry;
  if (!Number.isSafeInteger(limit) || limit < 0) throw new InvalidOptionError('retry.limit', limit, 'a whole number from 0');
  if (!(Number.isFinite(backoff) && backoff >= 1)) throw new InvalidOptionError('retry.backoff', backoff, 'a factor of at least 1');
  return {
    limit,
    delay: parseDuration(delay, 'retry.delay', { allowZero: true }),
    backoff,
    maxDelay: parseDuration(maxDelay, 'retry.maxDelay', { allowZero: true }),
  };
}

export function checkPriority(priority: unknown, option = 'priority'): Priority {
  const found = priorities.find((each) => each === priority);
  if (found === undefined) throw new InvalidOptionError(option, priority, oneOf(priority, priorities));
  return found;
}

export function checkBoolean(value: unknown, option: string): boolean {
  if (typeof value !== 'boolean') throw new InvalidOptionError(option, value, 'true or false');
  return value;
}

/** @throws InvalidOptionError for what are no options, and for an option that does not exist, with the one that was most likely meant */
export function checkNames(options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new InvalidOptionError('options', options, `an object with any of ${names.join(', ')}`);
  }
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw new InvalidOptionError(name, Reflect.get(options, name), oneOf(name, names));
  }
}
