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

/** What a job's record is made of; `PackedRow` has them in this order. */
const recordColumns: Columns = pick(jobColumns, [
  ...(['id', 'uid', 'version', 'task', 'executor', 'body', 'policy', 'schedule', 'registration'] as const),
  ...(['next_run_time', 'due_at', 'state', 'reason', 'run_count', 'active', 'queued'] as const),
]);

/**
 * One plain `select`: the first rows of each executor's stretch of the schedule index, so that what one executor has
 * no room for is never read. Rows that cannot be read are parked.
 */
export async function due(database: Database, room: Room): Promise<DueJobs> {
  const { now, rows } = await (database.statements.packed === undefined ? dueRows(database, room) : packedRows(database, room));
  const jobs: JobRecord[] = [];
  const poison: Poison[] = [];
  for (const row of rows) {
    const read = readJob(row);
    if (read.ok) jobs.push(read.value);
    else poison.push({ row, reason: read.reason });
  }
  // What was parked took the places of others that are due.
  if (poison.length > 0 && (await parkPoison(database, database, poison)) > 0) return due(database, room);
  return { now, jobs };
}

interface DueRows {
  readonly now: number;
  readonly rows: readonly ReadableRow[];
}

async function dueRows(database: Database, room: Room): Promise<DueRows> {
  const { now } = database.statements;
  const selects = stretches(database, room, selection(recordColumns));
  const rows = await database.all<ReadableRow & { readonly now: number | string }>(
    withNow(now, selects, sql`order by t.due_at limit ${room.limit}`),
  );
  return { now: integer(rows[0]?.now), rows: rows.filter((row) => row.id !== null) };
}

/** One cell a row: the store's time, then each executor's jobs. Putting those in order costs the database twice what it costs here. */
async function packedRows(database: Database, room: Room): Promise<DueRows> {
  const { now, packed } = database.statements;
  const selects = stretches(database, room, sql`${packed?.(recordColumns)} as packed`);
  const cells = await database.all<{ readonly packed: number | bigint | string }>(
    sql`select ${now} as packed ${sql.join([sql``, ...selects], sql` union all `)}`,
  );
  // Told apart by their types: nothing says that the time comes first. A driver may give numbers as BigInt.
  const time = cells.find(({ packed: cell }) => typeof cell !== 'string');
  const rows = cells.flatMap(({ packed: cell }) => (typeof cell === 'string' ? [unpacked(cell)] : []));
  if (selects.length > 1) rows.sort((a, b) => integer(a.due_at) - integer(b.due_at));
  return { now: integer(time?.packed), rows: rows.slice(0, room.limit) };
}

function stretches({ statements, tables }: Database, room: Room, selected: RawBuilder<unknown>): readonly RawBuilder<unknown>[] {
  return shelvesOf(room).map(
    (shelf) => sql`select * from (
      select ${selected} from ${tables.jobs} as t
      where t.executor = ${shelf.name} and t.due_at <= ${statements.now} and ${knownTask(room)} and ${knownFormat} and ${mayFire}
      order by t.due_at limit ${shelf.limit}) as e`,
  );
}

type Text = string | null;
type Integer = number | null;
type PackedRow = readonly [
  ...(readonly [id: Text, uid: Integer, version: Integer, task: Text, executor: Text, body: Text, policy: Text, schedule: Text]),
  ...(readonly [registration: Text, next_run_time: Integer, due_at: Integer, state: Text, reason: Text]),
  ...(readonly [run_count: Integer, active: Integer, queued: Integer]),
];

/** What the database has packed is a JSON array of just these columns, texts and numbers as they are declared. */
function unpacked(cell: string): ReadableRow {
  const c = JSON.parse(cell) as PackedRow;
  return {
    id: c[0],
    uid: c[1],
    version: c[2],
    task: c[3],
    executor: c[4],
    body: c[5],
    policy: c[6],
    schedule: c[7],
    registration: c[8],
    next_run_time: c[9],
    due_at: c[10],
    state: c[11],
    reason: c[12],
    run_count: c[13],
    active: c[14],
    queued: c[15],
  };
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
