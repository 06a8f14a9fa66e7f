import type { Cluster, Redis } from 'ioredis';
import type { KeepRuns } from '../../core/run-store.ts';
import { InvalidOptionError } from '../../errors.ts';
import { oneOf } from '../../nearest.ts';
import { type DurationInput, parseDuration } from '../../time/duration.ts';
import type { RedisTarget } from './connection.ts';

export interface RedisJobStoreOptions {
  /** The server, such as `redis://localhost:6379/0`: the store makes its own connections. Either this or `client`. */
  readonly url?: string;
  /** The application's ioredis client, of a server or a cluster; the store adds one connection to listen on, and closes only that. */
  readonly client?: Redis | Cluster;
  /** Begins every key, in braces, so that a cluster keeps the store in one slot; default `'punctual'`. */
  readonly prefix?: string;
  /** How often to look for what other processes did; default 1 s. Redis tells at once, and this is the safety net. */
  readonly pollInterval?: DurationInput;
  /** How long a run stays with a process that is not heard of; default 15 s. */
  readonly lease?: DurationInput;
  /** Runs that are over: how many of each job to keep (default 1,000), and for how long (default 30 days). */
  readonly keepRuns?: { readonly count?: number | undefined; readonly age?: DurationInput | undefined };
  /** For tests only: stands in for the server's clock, in epoch milliseconds. */
  readonly now?: () => number;
}

/** The options after the one validation step. */
export interface RedisSettings {
  readonly target: RedisTarget;
  readonly prefix: string;
  readonly pollInterval: number;
  readonly lease: number;
  readonly keepRuns: KeepRuns;
  readonly now: (() => number) | undefined;
}

const known: readonly string[] = ['url', 'client', 'prefix', 'pollInterval', 'lease', 'keepRuns', 'now'];

export function settingsOf(options: RedisJobStoreOptions): RedisSettings {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw new InvalidOptionError(name, Reflect.get(options, name), oneOf(name, known));
  }
  const { prefix = 'punctual', pollInterval = 1000, lease = 15_000, keepRuns = {} } = options;
  if (typeof prefix !== 'string' || !/^[^{}\s]{1,100}$/.test(prefix)) {
    throw new InvalidOptionError('prefix', prefix, 'a text of 1 to 100 characters without braces and blanks');
  }
  const { count = 1000, age = { days: 30 } } = keepRuns;
  if (!Number.isSafeInteger(count) || count < 0) throw new InvalidOptionError('keepRuns.count', count, 'a whole number, 0 or more');
  return {
    target: targetOf(options),
    prefix,
    pollInterval: parseDuration(pollInterval, 'pollInterval', { min: 10 }),
    lease: parseDuration(lease, 'lease', { min: 100 }),
    keepRuns: { count, age: parseDuration(age, 'keepRuns.age') },
    now: options.now,
  };
}

function targetOf({ url, client }: RedisJobStoreOptions): RedisTarget {
  if (client !== undefined && url !== undefined) throw new InvalidOptionError('url', url, 'either `url` or `client`, and not both');
  if (client !== undefined) {
    if (typeof client !== 'object' || client === null || typeof client.call !== 'function' || typeof client.duplicate !== 'function') {
      throw new InvalidOptionError('client', client, 'a client of ioredis: new Redis(...) or new Cluster(...)');
    }
    return { client };
  }
  if (typeof url !== 'string' || !/^rediss?:\/\/./.test(url)) {
    throw new InvalidOptionError('url', url, "an address such as 'redis://localhost:6379/0', or a client of ioredis as `client`");
  }
  return { url };
}
