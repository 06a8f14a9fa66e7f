import { type RawBuilder, sql } from 'kysely';
import type { Database, Session } from './database.ts';
import { type DatabaseKind, errorCode } from './statements.ts';

/** The version of the tables that this release makes. Later ones add to them, so that both releases can run beside each other. */
const tablesVersion = 1;

/** What PostgreSQL and MySQL say to who may not read a table. */
const denied: ReadonlySet<string> = new Set(['42501', 'ER_TABLEACCESS_DENIED_ERROR']);

export interface MigrationOptions {
  readonly prefix: string;
  readonly schema: string | undefined;
}

/**
 * Makes or extends the tables, if they are not up to date; processes that start together take turns. Where nothing is to be done it
 * is one `select`, so that a role without the right to create tables can run against tables made by another.
 */
export async function migrate(database: Database, options: MigrationOptions): Promise<void> {
  const version = await readVersion(database).catch((error: unknown) => {
    // Who may not read them will hardly make them; that they are not there yet is another error.
    if (denied.has(errorCode(error))) throw error;
    return 0;
  });
  if (version >= tablesVersion) return;
  switch (database.statements.kind) {
    case 'mysql':
      return database.connection((session) => migrateMysql(database, session, options));
    case 'postgres':
      return database.transaction(async (session) => {
        await session.all(sql`select pg_advisory_xact_lock(hashtext(${`${options.schema ?? ''}.${options.prefix}`}))`);
        if (options.schema !== undefined && !(await hasSchema(session, options.schema)))
          await session.all(sql`create schema ${sql.id(options.schema)}`);
        await createTables(database, session, options.prefix);
      });
    case 'sqlite':
      return database.transaction((session) => createTables(database, session, options.prefix));
  }
}

async function readVersion(database: Database): Promise<number> {
  const rows = await database.all<{ value: string }>(sql`select value from ${database.tables.meta} where name = 'tables'`);
  return Number(rows[0]?.value ?? 0);
}

async function hasSchema(session: Session, schema: string): Promise<boolean> {
  return (await session.all(sql`select 1 from pg_namespace where nspname = ${schema}`)).length > 0;
}

/** MySQL ends a transaction at each `create`, so the turn is held by a named lock of the connection. */
async function migrateMysql(database: Database, session: Session, options: MigrationOptions): Promise<void> {
  const name = `${options.prefix}migration`.slice(-64);
  const [got] = await session.all<{ got: number | string | null }>(sql`select get_lock(${name}, 60) as got`);
  if (Number(got?.got) !== 1) throw new Error(`the lock ${name} was not free for 60 s: another process is migrating the tables`);
  try {
    await createTables(database, session, options.prefix);
  } finally {
    await session.all(sql`select release_lock(${name})`);
  }
}

async function createTables(database: Database, session: Session, prefix: string): Promise<void> {
  for (const statement of await tableStatements(database, session, prefix)) await session.all(statement);
  const { tables } = database;
  const stored = await session.all(sql`select value from ${tables.meta} where name = 'tables'`);
  if (stored.length === 0) await session.all(sql`insert into ${tables.meta} (name, value) values ('tables', ${String(tablesVersion)})`);
}

async function tableStatements(
  { statements, tables }: Database,
  session: Session,
  prefix: string,
): Promise<readonly RawBuilder<unknown>[]> {
  const { key, name, long, end } = await dialectTypes(statements.kind, session);
  const partial = (column: string): RawBuilder<unknown> =>
    statements.kind === 'mysql' ? sql`` : sql` where ${sql.ref(column)} is not null`;
  // Jobs are updated all the time: with room in their pages, PostgreSQL leaves the indexes alone where it can.
  const roomy = statements.kind === 'postgres' ? sql` with (fillfactor = 70)` : sql``;
  const created: RawBuilder<unknown>[] = [
    sql`create table if not exists ${tables.meta} (name ${name} not null primary key, value ${long} not null)${end}`,
    sql`create table if not exists ${tables.jobs} (
      id ${name} not null primary key, uid bigint not null, version bigint not null, format integer not null,
      task ${name} not null, executor ${name} not null, max_instances bigint not null, one_by_one smallint not null,
      body ${long} not null, policy ${long} not null, schedule ${long} not null, registration ${long},
      next_run_time bigint, due_at bigint, state ${name} not null, reason ${long}, run_count bigint not null,
      active bigint not null, queued bigint not null)${end}${roomy}`,
    sql`create table if not exists ${tables.runs} (
      id ${key} not null primary key, job_id ${name} not null, uid bigint not null, manual smallint not null,
      scheduled_at bigint not null, due_at bigint not null, wake_at bigint, executor ${name} not null, task ${name} not null,
      started_at bigint, finished_at bigint, attempt bigint not null, crashes bigint not null,
      outcome ${name} not null, reason ${long}, result ${long}, failure ${long}, progress ${long},
      coalesced bigint not null, coalesced_from bigint, owner ${name}, fence bigint not null, cancel_reason ${long})${end}`,
  ];
  const indexes = [
    { name: 'jobs_due', table: tables.jobs, columns: sql`executor, due_at`, where: partial('due_at') },
    { name: 'runs_wake', table: tables.runs, columns: sql`executor, wake_at`, where: partial('wake_at') },
    { name: 'runs_time', table: tables.runs, columns: sql`scheduled_at`, where: sql`` },
  ];
  for (const index of indexes) {
    // MySQL knows no "if not exists" here; the caller holds the lock, and the table that is made last tells whether they are there.
    if (statements.kind === 'mysql' && (await mysqlHasIndex(session, `${prefix}${index.name}`))) continue;
    const guard = statements.kind === 'mysql' ? sql`` : sql`if not exists `;
    created.push(sql`create index ${guard}${sql.ref(`${prefix}${index.name}`)} on ${index.table} (${index.columns})${index.where}`);
  }
  return created;
}

async function mysqlHasIndex(session: Session, name: string): Promise<boolean> {
  const rows = await session.all(
    sql`select 1 from information_schema.statistics where table_schema = database() and index_name = ${name} limit 1`,
  );
  return rows.length > 0;
}

interface DialectTypes {
  /** The id of a run: a job's id, a time and a mark. */
  readonly key: RawBuilder<unknown>;
  readonly name: RawBuilder<unknown>;
  readonly long: RawBuilder<unknown>;
  readonly end: RawBuilder<unknown>;
}

/** Ids are compared byte by byte everywhere: case, accents and trailing spaces tell them apart, and keys sort alike. */
async function dialectTypes(kind: DatabaseKind, session: Session): Promise<DialectTypes> {
  switch (kind) {
    case 'postgres':
      return { key: sql`text collate "C"`, name: sql`text collate "C"`, long: sql`text`, end: sql`` };
    case 'sqlite':
      return { key: sql`text`, name: sql`text`, long: sql`text`, end: sql`` };
    case 'mysql': {
      const [server] = await session.all<{ version: string }>(sql`select version() as version`);
      const collation = /mariadb/i.test(server?.version ?? '') ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin';
      return {
        key: sql`varchar(400)`,
        name: sql`varchar(255)`,
        long: sql`mediumtext`,
        end: sql.raw(` engine = InnoDB default character set utf8mb4 collate ${collation}`),
      };
    }
  }
}
