import { type Dialect, MysqlAdapter, PostgresAdapter, SqliteAdapter } from 'kysely';
import type { KeepRuns } from '../../core/run-store.ts';
import { InvalidOptionError } from '../../errors.ts';
import { type DurationInput, parseDuration } from '../../time/duration.ts';
import { type Address, parseAddress } from './connect.ts';
import type { DatabaseKind } from './statements.ts';

export interface SqlJobStoreOptions {
  /** `'sqlite:jobs.db'`, `'sqlite::memory:'`, `'postgres://...'` or `'mysql://...'`; needs the driver installed. Either this or `dialect`. */
  readonly url?: string;
  /** A kysely dialect made from your own driver or pool; the store leaves its settings alone, and never closes it. */
  readonly dialect?: Dialect;
  /** What the names of the tables begin with; default `'punctual_'`. */
  readonly prefix?: string;
  /** PostgreSQL: the schema of the tables; default: the connection's first. Made if it is not there. */
  readonly schema?: string;
  /** How often to look for what other processes did; default 1 s. PostgreSQL tells at once, and this is the safety net. */
  readonly pollInterval?: DurationInput;
  /** How long a run stays with a process that is not heard of; default 15 s. */
  readonly lease?: DurationInput;
  /** Runs that are over: how many of each job to keep (default 1,000), and for how long (default 30 days). */
  readonly keepRuns?: { readonly count?: number | undefined; readonly age?: DurationInput | undefined };
  /** PostgreSQL with `dialect`: the URL of a connection of its own for LISTEN. Without it the store looks every `pollInterval`. */
  readonly listenUrl?: string;
  /** For tests only: stands in for the server's clock, in epoch milliseconds. */
  readonly now?: () => number;
}

/** The options after the one validation step. */
export interface SqlSettings {
  readonly kind: DatabaseKind;
  readonly source: Address | Dialect;
  readonly prefix: string;
  readonly schema: string | undefined;
  readonly pollInterval: number;
  readonly lease: number;
  readonly keepRuns: KeepRuns;
  readonly listenUrl: string | undefined;
  readonly now: (() => number) | undefined;
}

const known: ReadonlySet<string> = new Set(['url', 'dialect', 'prefix', 'schema', 'pollInterval', 'lease', 'keepRuns', 'listenUrl', 'now']);

export function settingsOf(options: SqlJobStoreOptions): SqlSettings {
  for (const name of Object.keys(options)) {
    if (!known.has(name))
      throw new InvalidOptionError(name, Reflect.get(options, name), `no such option; the SQL store has ${[...known].join(', ')}`);
  }
  const { url, dialect, prefix = 'punctual_', schema, keepRuns = {} } = options;
  if ((url === undefined) === (dialect === undefined)) throw new InvalidOptionError('url', url, 'either `url` or `dialect`, and not both');
  if (!/^[a-z_][a-z0-9_]{0,39}$/i.test(prefix)) throw new InvalidOptionError('prefix', prefix, 'up to 40 letters, digits and underscores');
  const address = url === undefined ? undefined : parseAddress(url);
  const source = address ?? dialect;
  if (source === undefined) throw new InvalidOptionError('url', url, 'either `url` or `dialect`');
  const kind = address?.kind ?? kindOf(dialect);
  if (schema !== undefined && kind !== 'postgres') throw new InvalidOptionError('schema', schema, 'PostgreSQL; elsewhere use `prefix`');
  if (schema !== undefined && (schema === '' || schema.length > 63)) throw new InvalidOptionError('schema', schema, 'the name of a schema');
  const { count = 1000, age = { days: 30 } } = keepRuns;
  if (!Number.isSafeInteger(count) || count < 0) throw new InvalidOptionError('keepRuns.count', count, 'a whole number, 0 or more');
  return {
    kind,
    source,
    prefix,
    schema,
    pollInterval: parseDuration(options.pollInterval ?? 1000, 'pollInterval', { min: 10 }),
    lease: parseDuration(options.lease ?? 15_000, 'lease', { min: 100 }),
    keepRuns: { count, age: parseDuration(age, 'keepRuns.age') },
    listenUrl: options.listenUrl ?? (address?.kind === 'postgres' ? address.place : undefined),
    now: options.now,
  };
}

function kindOf(dialect: Dialect | undefined): DatabaseKind {
  const adapter: unknown = dialect?.createAdapter();
  if (adapter instanceof SqliteAdapter) return 'sqlite';
  if (adapter instanceof PostgresAdapter) return 'postgres';
  if (adapter instanceof MysqlAdapter) return 'mysql';
  throw new InvalidOptionError('dialect', dialect, 'a kysely dialect for SQLite, PostgreSQL or MySQL, from the same copy of kysely');
}
