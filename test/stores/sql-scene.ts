import { createRequire } from 'node:module';
import { CompiledQuery, type Dialect, Kysely, MysqlDialect, PostgresDialect, SqliteDialect } from 'kysely';
import { createPool } from 'mysql2';
import pg from 'pg';
import type { StoreContext } from '../../src/core/store.ts';
import { SqlJobStore, type SqlJobStoreOptions } from '../../src/stores/sql/index.ts';
import { StoreProbe } from '../../src/testing/store-contract/probe.ts';
import { context, freshPrefix } from './sql-under-test.ts';

/** One database with a prefix of its own, any number of stores on it, and a door beside them. Everything is closed with it. */
export class SqlScene {
  readonly url: string;
  readonly prefix: string = freshPrefix();
  readonly #stores: SqlJobStore[] = [];
  readonly #lent = new Set<Dialect>();
  #time = Date.UTC(2030, 0, 1);
  #door: Kysely<Record<string, never>> | undefined;

  constructor(url: string) {
    this.url = url;
  }

  /** An open store, and short words for it; its clock stands still. */
  async probe(options: Partial<SqlJobStoreOptions> = {}): Promise<StoreProbe & { readonly sql: SqlJobStore }> {
    const sql = await this.store({ now: () => this.#time, ...options });
    const clock = { now: () => this.#time, advance: (ms: number) => this.advance(ms) };
    return Object.assign(new StoreProbe({ store: sql, context, clock }), { sql });
  }

  /** An open store with the server's clock. */
  async store(options: Partial<SqlJobStoreOptions> = {}, more: Partial<StoreContext> = {}): Promise<SqlJobStore> {
    const source = options.dialect === undefined ? { url: this.url } : {};
    const store = new SqlJobStore({ ...source, prefix: this.prefix, ...options });
    this.#stores.push(store);
    if (options.dialect !== undefined) this.#lent.add(options.dialect);
    await store.open({ ...context, ...more });
    return store;
  }

  advance(ms: number): void {
    this.#time += ms;
  }

  /** The user's own way to the database. */
  get door(): Kysely<Record<string, never>> {
    this.#door ??= openKysely(this.url);
    return this.#door;
  }

  /** A driver or pool of the user's own. */
  dialect(): Dialect {
    return dialectOf(this.url);
  }

  /** One statement through the door; `jobs` and `runs` in it are this scene's tables. */
  async change(statement: string): Promise<void> {
    const named = statement.replace(/\b(jobs|runs|meta)\b/g, (table) => `${this.prefix}${table}`);
    await this.door.executeQuery(CompiledQuery.raw(named));
  }

  async close(): Promise<void> {
    await Promise.all(this.#stores.map((store) => store.close()));
    await this.#door?.destroy();
    for (const dialect of this.#lent) await closeDialect(dialect);
  }
}

/** What was lent to a store is left open by it. */
export async function closeDialect(dialect: Dialect): Promise<void> {
  const driver = dialect.createDriver();
  await driver.init();
  await driver.destroy();
}

export function openKysely(url: string): Kysely<Record<string, never>> {
  return new Kysely({ dialect: dialectOf(url) });
}

/** A pool of the user's own, whose errors are listened to, as `pg` asks: a server that stops tells so also to connections that are just being closed. */
export function poolOf(url: string, options: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, ...options });
  pool.on('error', () => undefined);
  return pool;
}

function dialectOf(url: string): Dialect {
  if (url.startsWith('postgres:')) return new PostgresDialect({ pool: poolOf(url) });
  if (url.startsWith('mysql:')) return new MysqlDialect({ pool: createPool({ uri: url }) });
  const Sqlite = createRequire(import.meta.url)('libsql');
  const database = new Sqlite(url.slice('sqlite:'.length));
  database.pragma('busy_timeout = 2000');
  return new SqliteDialect({ database });
}
