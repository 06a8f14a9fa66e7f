import { type RawBuilder, sql } from 'kysely';
import {
  assignments,
  cellsOf,
  errorCode,
  insertion,
  narrowing,
  rowArrays,
  type RowSource,
  type Statements,
  type WriteConstant,
} from './statements.ts';

const nothing: RawBuilder<unknown> = sql``;

/** Deadlock, lock wait time-out, record changed since last read. */
const transient: ReadonlySet<string> = new Set(['ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT', 'ER_CHECKREAD']);

const write: WriteConstant = ({ value }) => sql`${value}`;

/**
 * MariaDB 10.6 and MySQL 8.0, and later. Rows are locked by primary key only, one after the other in the order of their ids:
 * InnoDB locks every row it scans, so a locking read over an index range would hold rows that were never asked for.
 */
export const mysqlStatements: Statements = {
  kind: 'mysql',
  // From UTC, since the server's zone repeats an hour in autumn.
  now: sql`timestampdiff(microsecond, '1970-01-01', utc_timestamp(3)) div 1000`,
  begin: [sql`set transaction isolation level read committed`, sql`start transaction`],
  // MySQL alone asks which table, and alone reads this comment.
  forUpdate: sql`for update /*!80000 of t */`,
  skipLocked: sql`for update /*!80000 of t */ skip locked`,
  joinById: (table, source) => sql`${rows(source)} straight_join ${table} as t on t.id = i.id`,
  update: (table, change) => {
    const cell = cellsOf(change.source, write);
    const set = assignments(change, cell, (column) => sql.ref(`t.${column}`));
    return sql`update ${rows(change.source)} straight_join ${table} as t on t.id = i.id${narrowing(change, cell)} set ${set}`;
  },
  insert: (table, given) => {
    const { columns, cells } = insertion(given, cellsOf(given.source, write));
    return sql`insert ${given.taken === 'ignore' ? sql`ignore ` : nothing}into ${table} (${columns}) select ${cells} from ${rows(given.source)}`;
  },
  isTransient: (error) => transient.has(errorCode(error)),
  isDuplicate: (error) => errorCode(error) === 'ER_DUP_ENTRY',
};

/** Brings its alias `i` along. */
function rows(source: RowSource): RawBuilder<unknown> {
  // Rows as arrays: half the text of objects. The server's own character set may lack letters that a job's text has.
  const text = rowArrays(source);
  const columns = Object.entries(source.columns).map(
    ([name, type], index) =>
      sql`${sql.ref(name)} ${sql.raw(type === 'integer' ? 'bigint' : 'mediumtext character set utf8mb4')} path ${sql.lit(`$[${index}]`)}`,
  );
  return sql`json_table(${text}, '$[*]' columns (${sql.join(columns)})) as i`;
}
