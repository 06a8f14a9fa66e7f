import { type RawBuilder, sql } from 'kysely';
import {
  assignments,
  type Cell,
  cellsOf,
  errorCode,
  insertion,
  type RowSource,
  type Statements,
  type Update,
  type WriteConstant,
} from './statements.ts';

/** Serialization failure, deadlock, lock not available, a transaction that stood still for too long. */
const transient: ReadonlySet<string> = new Set(['40001', '40P01', '55P03', '25P03']);

const write: WriteConstant = ({ type, value }) => (type === 'integer' ? sql`${value}::bigint` : sql`${value}::text`);

/**
 * PostgreSQL 12 and later. `channel` is where other processes listen. A process that stands still within a transaction for longer
 * than `idleMs` loses it.
 */
export function postgresStatements(channel: string, idleMs: number): Statements {
  return {
    kind: 'postgres',
    now: sql`floor(extract(epoch from statement_timestamp()) * 1000)::bigint`,
    begin: [sql`begin isolation level read committed; set local idle_in_transaction_session_timeout = ${sql.lit(Math.ceil(idleMs))}`],
    forUpdate: sql`order by t.id for update of t`,
    skipLocked: sql`order by t.id for update of t skip locked`,
    joinById: (table, source) => sql`${rows(source)} join ${table} as t on t.id = i.id`,
    update: (table, change) => {
      const cell = cellsOf(change.source, write);
      return sql`update ${table} as t set ${assignments(change, cell, sql.ref)} from ${rows(change.source)} where t.id = i.id${opaque(change, cell)}`;
    },
    insert: (table, given) => {
      const { columns, cells } = insertion(given, cellsOf(given.source, write));
      const into = sql`insert into ${table} (${columns}) select ${cells} from`;
      switch (given.taken) {
        case 'ignore':
          return sql`${into} ${rows(given.source)} on conflict do nothing`;
        case 'refuse':
          // Looks before it writes, since each error is a line in the server's log.
          return sql`with i as materialized (select * from ${rows(given.source)})
            ${into} i where not exists (select 1 from i join ${table} as t on t.id = i.id)`;
        default:
          return sql`${into} ${rows(given.source)}`;
      }
    },
    fire: (tables, jobs, runs) => {
      const cell = cellsOf(jobs.source, write);
      const runCell = cellsOf(runs.source, write);
      const { columns, cells } = insertion(runs, runCell);
      // The locks are taken in order first; the update then waits for nobody, so no two batches can wait for each other.
      return sql`with held as (
        select i.* from ${rows(jobs.source)} join ${tables.jobs} as t on t.id = i.id order by t.id for update of t
      ), won as (
        update ${tables.jobs} as t set ${assignments(jobs, cell, sql.ref)} from held as i where t.id = i.id${opaque(jobs, cell)}
        returning t.id
      ), recorded as (
        insert into ${tables.runs} (${columns}) select ${cells} from ${rows(runs.source)} join won on won.id = ${runCell('job_id')}
      ) select c.written, won.id from (select count(*) as written from won) as c left join won on c.written < ${jobs.source.rows.length}`;
    },
    finish: (tables, { runs, jobIds, jobs }) => {
      const cell = cellsOf(runs.source, write);
      return sql`with held as (
        select t.id from ${rows(jobIds)} join ${tables.jobs} as t on t.id = i.id order by t.id for update of t
      ), ended as (
        update ${tables.runs} as t set ${assignments(runs, cell, sql.ref)} from ${rows(runs.source)}
        where t.id = i.id and (select count(*) from held) >= 0${opaque(runs, cell)}
        returning t.id, t.job_id, t.uid
      ), counted as (
        select job_id as id, uid, count(*) as ended from ended group by job_id, uid
      ), eased as (
        update ${tables.jobs} as t set ${assignments({ ...jobs, source: runs.source, set: [] }, (name) => sql`i.${sql.ref(name)}`, sql.ref)}
        from counted as i where t.id = i.id and t.uid = i.uid returning t.queued
      ) select c.written, (select max(queued) from eased) as queued, ended.id
        from (select count(*) as written from ended) as c left join ended on c.written < ${runs.source.rows.length}`;
    },
    analyze: (table) => sql`analyze ${table}`,
    notify: (payload) => sql`select pg_notify(${channel}, ${payload})`,
    isTransient: (error) => transient.has(errorCode(error)),
    isDuplicate: (error) => errorCode(error) === '23505',
  };
}

/**
 * ` and <condition>` such that the planner does not judge by it how many rows of the table are meant. It would think of one, and compare
 * each of those that there are with each row of the source.
 */
function opaque(update: Update, cell: Cell): RawBuilder<unknown> {
  return update.where === undefined ? sql`` : sql` and case when ${update.where(cell)} then true else false end`;
}

/** Brings its alias `i` along, which names the columns. */
function rows(source: RowSource): RawBuilder<unknown> {
  const names = Object.keys(source.columns);
  const columns = Object.entries(source.columns).map(
    ([name, type]) => sql`${sql.ref(name)} ${sql.raw(type === 'integer' ? 'bigint' : 'text')}`,
  );
  return sql`json_to_recordset(${JSON.stringify(source.rows, names)}::json) as i(${sql.join(columns)})`;
}
