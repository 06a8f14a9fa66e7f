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

const write: WriteConstant = ({ value }) => sql`${value}`;

/** SQLite 3.38 and later. One writer at a time, so a transaction that begins as a writer holds everything. */
export const sqliteStatements: Statements = {
  kind: 'sqlite',
  // All its processes are on one host, whose clock this is; exact to the millisecond.
  now: sql`cast(round((julianday('now') - 2440587.5) * 86400000) as integer)`,
  begin: [sql`begin immediate`],
  forUpdate: nothing,
  skipLocked: nothing,
  joinById: (table, source) => sql`${rows(source)} cross join ${table} as t on t.id = i.id`,
  // Each cell that a driver hands over costs more than the whole text. A blob, which JSON cannot hold, is made a text or a 0, so that
  // a row that somebody spoiled is read like any other.
  packed: (columns) =>
    sql`json_array(${sql.join(
      Object.entries(columns).map(([name, type]) => sql`${sql.ref(`t.${name}`)} ${type === 'text' ? sql`|| ''` : sql`+ 0`}`),
    )})`,
  update: (table, change) => {
    const cell = cellsOf(change.source, write);
    const set = assignments(change, cell, sql.ref);
    // Joined to other rows, what is to be written is first put aside as a table.
    if (onlyIds(change.source))
      return sql`update ${table} as t set ${set} where t.id in ${idList(change.source)}${narrowing(change, cell)}`;
    return sql`update ${table} as t set ${set} from ${rows(change.source)} where t.id = i.id${narrowing(change, cell)}`;
  },
  insert: (table, given) => {
    const { columns, cells } = insertion(given, cellsOf(given.source, write));
    // `where true` keeps the parser from reading "on conflict" as a join condition.
    const ignore = given.taken === 'ignore' ? sql` on conflict do nothing` : nothing;
    return sql`insert into ${table} (${columns}) select ${cells} from ${rows(given.source)} where true${ignore}`;
  },
  isTransient: (error) =>
    errorCode(error).startsWith('SQLITE_BUSY') || (error instanceof Error && /database is locked/.test(error.message)),
  isDuplicate: (error) => error instanceof Error && /UNIQUE constraint failed/.test(error.message),
};

/** Brings its alias `i` along. */
function rows(source: RowSource): RawBuilder<unknown> {
  if (onlyIds(source)) return sql`${idList(source)} as i`;
  const columns = Object.keys(source.columns).map((name, index) => sql`value ->> ${sql.lit(index)} as ${sql.ref(name)}`);
  // Rows as arrays: half the text of objects, and no names to match.
  return sql`(select ${sql.join(columns)} from json_each(${rowArrays(source)})) as i`;
}

/** Often all else is the same in all rows. */
function onlyIds(source: RowSource): boolean {
  return Object.keys(source.columns).length === 1;
}

/** The ids are the array then, which spares SQLite to read each row of it as JSON. */
function idList(source: RowSource): RawBuilder<unknown> {
  return sql`(select value as id from json_each(${JSON.stringify(source.rows.map((row) => row['id']))}))`;
}
