import type { KeepRuns } from '../core/run-store.ts';
import { InvalidOptionError } from '../errors.ts';
import { checkNames } from '../nearest.ts';
import { type DurationInput, parseDuration } from '../time/duration.ts';

/** What a store that processes share is told, whatever its server. */
export interface SharingOptions {
  /**
   * How often to look for what other processes did; default 1 s, and half as often
   * while nothing is due within a minute. Where the server tells at once, this is the safety net.
   */
  readonly pollInterval?: DurationInput;
  /** How long a run stays with a process that is not heard of; default 15 s. */
  readonly lease?: DurationInput;
  /** Runs that are over: how many of each job to keep (default 1,000), and for how long (default 30 days). */
  readonly keepRuns?: { readonly count?: number | undefined; readonly age?: DurationInput | undefined };
  /** For tests only: stands in for the server's clock, in epoch milliseconds. */
  readonly now?: () => number;
}

/** The same after validation. */
export interface Sharing {
  readonly pollInterval: number;
  readonly lease: number;
  readonly keepRuns: KeepRuns;
  readonly now: (() => number) | undefined;
}

const sharingNames: readonly string[] = ['pollInterval', 'lease', 'keepRuns', 'now'];

/** Looks at the names alone; `own` are those that the store has besides. @throws InvalidOptionError */
export function checkStoreOptions(options: object, own: readonly string[]): void {
  if (typeof options === 'string')
    throw new InvalidOptionError('options', withoutPassword(options), 'an object, which has the address as `url`');
  checkNames(options, [...own, ...sharingNames], '');
}

/** @throws InvalidOptionError */
export function sharingOf({ pollInterval = 1000, lease = 15_000, keepRuns = {}, now }: SharingOptions): Sharing {
  checkNames(keepRuns, ['count', 'age'], 'keepRuns');
  const { count = 1000, age = { days: 30 } } = keepRuns;
  if (!Number.isSafeInteger(count) || count < 0) throw new InvalidOptionError('keepRuns.count', count, 'a whole number, 0 or more');
  if (now !== undefined && typeof now !== 'function') throw new InvalidOptionError('now', now, 'a function that gives epoch milliseconds');
  return {
    pollInterval: parseDuration(pollInterval, 'pollInterval', { min: 10 }),
    lease: parseDuration(lease, 'lease', { min: 100 }),
    keepRuns: { count, age: parseDuration(age, 'keepRuns.age') },
    now,
  };
}

/** An address without its password, for messages; what is no text has its kind shown and nothing of what it holds. */
export function withoutPassword(url: unknown): unknown {
  if (typeof url === 'object' && url !== null) return Object.prototype.toString.call(url);
  if (typeof url !== 'string') return url;
  return url.replace(/^([a-z+]*:\/\/)?.*@/is, '$1***@').replace(/([?&][^=&]*pass[^=&]*=)[^&]*/gi, '$1***');
}
