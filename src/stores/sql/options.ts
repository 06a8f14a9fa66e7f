import { type Dialect, MysqlAdapter, PostgresAdapter, SqliteAdapter } from 'kysely';
import { InvalidOptionError } from '../../errors.ts';
import { checkStoreOptions, type Sharing, type SharingOptions, sharingOf, withoutPassword } from '../sharing.ts';
import { type Address, parseAddress } from './connect.ts';
import type { DatabaseKind } from './statements.ts';

export interface SqlJobStoreOptions extends SharingOptions {
  /** `'sqlite:jobs.db'`, `'sqlite::memory:'`, `'postgres://...'` or `'mysql://...'`; needs the driver installed. Either this or `dialect`. */
  readonly url?: string;
  /** A kysely dialect made from your own driver or pool; the store leaves its settings alone, and never closes it. */
  readonly dialect?: Dialect;
  /** What the names of the tables begin with; default `'punctual_'`. */
  readonly prefix?: string;
  /** PostgreSQL: the schema of the tables; default: the connection's first. Made if it is not there. */
  readonly schema?: string;
  /** PostgreSQL: the URL of a connection of its own for LISTEN; default: `url`. With a `dialect` and without this the store looks every `pollInterval`. */
  readonly listenUrl?: string;
}

/** The options after the one validation step. */
export interface SqlSettings extends Sharing {
  readonly kind: DatabaseKind;
  readonly source: Address | Dialect;
  readonly prefix: string;
  readonly schema: string | undefined;
  readonly listenUrl: string | undefined;
}

export function settingsOf(options: SqlJobStoreOptions): SqlSettings {
  checkStoreOptions(options, ['url', 'dialect', 'prefix', 'schema', 'listenUrl']);
  const { prefix = 'punctual_', schema } = options;
  const { source, kind } = sourceOf(options);
  if (typeof prefix !== 'string' || !/^[a-z_][a-z0-9_]{0,39}$/i.test(prefix))
    throw new InvalidOptionError('prefix', prefix, 'up to 40 letters, digits and underscores');
  if (schema !== undefined) checkSchema(schema, kind);
  return { kind, source, prefix, schema, listenUrl: listenUrlOf(options, kind), ...sharingOf(options) };
}

function sourceOf({ url, dialect }: SqlJobStoreOptions): Pick<SqlSettings, 'source' | 'kind'> {
  if (url === undefined && dialect !== undefined) return { source: dialect, kind: kindOf(dialect) };
  if (url === undefined || dialect !== undefined)
    throw new InvalidOptionError('url', withoutPassword(url), 'either `url` or `dialect`, and not both');
  const source = parseAddress(url);
  return { source, kind: source.kind };
}

function checkSchema(schema: string, kind: DatabaseKind): void {
  if (kind !== 'postgres') throw new InvalidOptionError('schema', schema, 'PostgreSQL; elsewhere use `prefix`');
  if (typeof schema !== 'string' || schema === '' || Buffer.byteLength(schema) > 63)
    throw new InvalidOptionError('schema', schema, 'the name of a schema, of at most 63 bytes');
}

function listenUrlOf({ url, listenUrl }: SqlJobStoreOptions, kind: DatabaseKind): string | undefined {
  if (listenUrl === undefined) return kind === 'postgres' ? url : undefined;
  if (kind === 'postgres' && typeof listenUrl === 'string' && /^postgres(ql)?:\/\//i.test(listenUrl)) return listenUrl;
  throw new InvalidOptionError('listenUrl', withoutPassword(listenUrl), "'postgres://user@host/database', for PostgreSQL alone");
}

function kindOf(dialect: Dialect): DatabaseKind {
  const adapter: unknown = typeof dialect?.createAdapter === 'function' ? dialect.createAdapter() : undefined;
  if (adapter instanceof SqliteAdapter) return 'sqlite';
  if (adapter instanceof PostgresAdapter) return 'postgres';
  if (adapter instanceof MysqlAdapter) return 'mysql';
  throw new InvalidOptionError(
    'dialect',
    withoutPassword(dialect),
    'a kysely dialect for SQLite, PostgreSQL or MySQL, from the same copy of kysely',
  );
}
