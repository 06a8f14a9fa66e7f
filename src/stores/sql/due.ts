import { type RawBuilder, sql } from 'kysely';
import type { JobRecord } from '../../core/job.ts';
import type { DueJobs, NextDue } from '../../core/job-store.ts';
import type { Room } from '../../core/store.ts';
import { rowFormat } from '../codec.ts';
import type { Database } from './database.ts';
import { type ReadableRow, readJob } from './job-row.ts';
import type { Columns } from './statements.ts';
import { type Poison, parkPoison } from './poison.ts';
import { knownFormat, knownTask, mayFire, shelvesOf } from './room.ts';
import { integer, jobColumns, optionalInteger, pick, selection } from './tables.ts';

/** What a job's record is made of. */
const recordColumns: Columns = pick(jobColumns, [
  ...(['id', 'uid', 'version', 'task', 'executor', 'body', 'policy', 'schedule', 'registration'] as const),
  ...(['next_run_time', 'due_at', 'state', 'reason', 'run_count', 'active', 'queued'] as const),
]);

/** One plain `select` gives the store's time in every row, and a job in its columns or packed; neither where nothing is due. */
type DueRow = ReadableRow & { readonly now: number | string; readonly packed?: string | null };

/**
 * One plain `select`: the first rows of each executor's stretch of the schedule index, so that what one executor has
 * no room for is never read. Rows that cannot be read are parked.
 */
export async function due(database: Database, room: Room): Promise<DueJobs> {
  const { statements, tables } = database;
  const selected =
    statements.packed === undefined ? selection(recordColumns) : sql`t.due_at, ${statements.packed(recordColumns)} as packed`;
  const stretches = shelvesOf(room).map(
    (shelf) => sql`select * from (
      select ${selected} from ${tables.jobs} as t
      where t.executor = ${shelf.name} and t.due_at <= ${statements.now} and ${knownTask(room)} and ${knownFormat} and ${mayFire}
      order by t.due_at limit ${shelf.limit}) as e`,
  );
  const rows = await database.all<DueRow>(withNow(statements.now, stretches, sql`order by t.due_at limit ${room.limit}`));
  const jobs: JobRecord[] = [];
  const poison: Poison[] = [];
  for (const given of rows) {
    const row = typeof given.packed === 'string' ? unpacked(given.packed) : given;
    if (row.id == null) continue;
    const read = readJob(row);
    if (read.ok) jobs.push(read.value);
    else poison.push({ row, reason: read.reason });
  }
  // What was parked took the places of others that are due.
  if (poison.length > 0 && (await parkPoison(database, database, poison)) > 0) return due(database, room);
  return { now: integer(rows[0]?.now), jobs };
}

/** What the database has packed is JSON of just these columns. */
function unpacked(text: string): ReadableRow {
  return JSON.parse(text) as ReadableRow;
}

/** One row at least, so that the time is told when nothing is due. */
function withNow(now: RawBuilder<number>, selects: readonly RawBuilder<unknown>[], end: RawBuilder<unknown>): RawBuilder<unknown> {
  if (selects.length === 0) return sql`select ${now} as now, null as id`;
  return sql`select c.now, t.* from (select ${now} as now) as c left join (${sql.join(selects, sql` union all `)}) as t on 1 = 1 ${end}`;
}

/** The first entry of each stretch of the two indexes. */
export async function nextDue(database: Database, room: Room): Promise<NextDue> {
  const { statements, tables } = database;
  const shelves = shelvesOf(room);
  const after = room.jobsAfter === undefined ? sql`t.due_at is not null` : sql`t.due_at > ${room.jobsAfter}`;
  const jobs = shelves.map(
    ({ name }) => sql`(select t.due_at from ${tables.jobs} as t
      where t.executor = ${name} and ${after} and ${knownTask(room)} and ${knownFormat} and ${mayFire}
      order by t.due_at limit 1)`,
  );
  const runs = shelves.map(
    ({ name }) => sql`(select t.wake_at from ${tables.runs} as t
      where t.executor = ${name} and t.wake_at is not null and ${knownTask(room)}
        and exists (select 1 from ${tables.jobs} as j where j.id = t.job_id and j.format <= ${sql.lit(rowFormat)}
          and (t.outcome = 'running' or j.active < j.max_instances))
      order by t.wake_at limit 1)`,
  );
  const orphans = sql`(select t.wake_at from ${tables.runs} as t where t.executor = '' and t.wake_at is not null order by t.wake_at limit 1)`;
  const columns = [
    ...jobs.map((job, index) => sql`${job} as ${sql.ref(`j${index}`)}`),
    ...[...runs, orphans].map((run, index) => sql`${run} as ${sql.ref(`r${index}`)}`),
  ];
  const [row] = await database.all<Readonly<Record<string, number | string | null>>>(
    sql`select ${statements.now} as now, ${sql.join(columns)}`,
  );
  return {
    now: integer(row?.['now']),
    jobs: earliest(row, 'j'),
    runs: earliest(row, 'r'),
  };
}

function earliest(row: Readonly<Record<string, number | string | null>> | undefined, prefix: string): number | undefined {
  let time: number | undefined;
  for (const [name, value] of Object.entries(row ?? {})) {
    const candidate = name.startsWith(prefix) ? optionalInteger(value) : undefined;
    if (candidate !== undefined && (time === undefined || candidate < time)) time = candidate;
  }
  return time;
}
