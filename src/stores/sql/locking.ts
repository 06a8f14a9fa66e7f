import { type RawBuilder, sql } from 'kysely';
import type { Database, Session } from './database.ts';
import { type RowSource, rowSource } from './statements.ts';
import { integer, type JobRow, type RunRow } from './tables.ts';

/*
 * The row of a job is the lock of its runs: whoever moves a run on locks the job first, then the run. Locks are taken in the
 * order of ids, so that two batches that meet wait for one another instead of around a circle.
 */

export interface Locked<Row> {
  /** The store's time, or 0 if nothing was there. */
  readonly now: number;
  readonly byId: ReadonlyMap<string, Row>;
}

/** Holds jobs until the transaction ends, and reads the columns named; with `skip`, only those that nobody else holds. */
export function lockJobs<Name extends keyof JobRow>(
  database: Database,
  session: Session,
  { ids, columns, skip = false }: { readonly ids: Iterable<string>; readonly columns: readonly Name[]; readonly skip?: boolean },
): Promise<Locked<Pick<JobRow, Name | 'id'>>> {
  return lock(database, session, { table: database.tables.jobs, ids, columns, skip });
}

/** Holds runs until the transaction ends, and reads the columns named. */
export function lockRuns<Name extends keyof RunRow>(
  database: Database,
  session: Session,
  { ids, columns }: { readonly ids: Iterable<string>; readonly columns: readonly Name[] },
): Promise<Locked<Pick<RunRow, Name | 'id'>>> {
  return lock(database, session, { table: database.tables.runs, ids, columns, skip: false });
}

/** Ids in order, each once. */
export function idSource(ids: Iterable<string>): RowSource {
  return rowSource(
    { id: 'text' },
    [...new Set(ids)].sort().map((id) => ({ id })),
  );
}

interface Wanted {
  readonly table: RawBuilder<unknown>;
  readonly ids: Iterable<string>;
  readonly columns: readonly string[];
  /** Leave out rows that others hold, instead of waiting for them. */
  readonly skip: boolean;
}

async function lock<Row extends { readonly id: string | null }>(
  database: Database,
  session: Session,
  { table, ids, columns, skip }: Wanted,
): Promise<Locked<Row>> {
  const { statements } = database;
  const names = [...new Set(['id', ...columns])].map((name) => sql.ref(`t.${name}`));
  const rows = await session.all<Row & { readonly now: number | string }>(
    sql`select ${statements.now} as now, ${sql.join(names)} from ${statements.joinById(table, idSource(ids))} ${skip ? statements.skipLocked : statements.forUpdate}`,
  );
  const byId = new Map<string, Row>();
  for (const row of rows) if (row.id !== null) byId.set(row.id, row);
  return { now: integer(rows[0]?.now), byId };
}
