import { type RawBuilder, sql } from 'kysely';
import type { Database, Session } from './database.ts';
import { type Cell, rowSource, type Values } from './statements.ts';
import { type JobRow, text } from './tables.ts';

/** A job's row that cannot be read, and why. */
export interface Poison {
  readonly row: Pick<JobRow, 'id' | 'uid' | 'version'>;
  readonly reason: string;
}

/** What the reason of a parked row begins with. */
export const poisonReason = 'the stored job cannot be read: ';

/** Parks rows that cannot be read, each by itself, so that they stand in nobody's way and `health` names them; answers with how many it parked. */
export async function parkPoison(database: Database, session: Session, poison: readonly Poison[]): Promise<number> {
  const rows: Values[] = poison.map(({ row, reason }) => ({
    id: text(row.id),
    // As they are: a number may be what is wrong with them.
    uid: row.uid,
    version: row.version,
    reason: poisonReason + reason,
  }));
  const columns = { id: 'text', uid: 'integer', version: 'integer', reason: 'text' } as const;
  const count = await session.change(
    database.statements.update(database.tables.jobs, {
      source: rowSource(columns, rows),
      set: ['reason'],
      also: () => ({
        state: sql`'parked'`,
        due_at: sql`null`,
        version: sql`case when t.version < ${sql.lit(Number.MAX_SAFE_INTEGER)} then t.version + 1 else 1 end`,
      }),
      where: (cell) => sql`${asSeen('uid', cell)} and ${asSeen('version', cell)}`,
    }),
  );
  // Another process may have come first.
  if (count === 0) return 0;
  for (const { row, reason } of poison)
    database.logger.error({ jobId: text(row.id), reason }, 'a stored job cannot be read and is parked; register it again or remove it');
  return count;
}

/** Whether a number is what was read; one out of range does not come back from SQLite's JSON as what it was. */
function asSeen(name: 'uid' | 'version', cell: Cell): RawBuilder<unknown> {
  const column = sql.ref(`t.${name}`);
  return sql`(${column} = ${cell(name)} or ${column} not between ${sql.lit(Number.MIN_SAFE_INTEGER)} and ${sql.lit(Number.MAX_SAFE_INTEGER)})`;
}
