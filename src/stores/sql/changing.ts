import { rowSource } from './statements.ts';
import { sql } from 'kysely';
import type { JobChanges, JobRecord } from '../../core/job.ts';
import { rowFormat } from '../codec.ts';
import { moveRuns } from './adding.ts';
import type { Database, Session } from './database.ts';
import { jobGone } from './finishing.ts';
import { jobValues, readCounters, readJob, settled } from './job-row.ts';
import { lockJobs } from './locking.ts';
import { integer, type JobRow, jobColumns, selection, text, allOfJob } from './tables.ts';

/** Ids in one statement. */
const chunkSize = 1000;

/** Writes a job if it still has the version that was read. */
export async function updateJob(
  database: Database,
  session: Session,
  { job, changes }: { readonly job: JobRecord; readonly changes: JobChanges },
): Promise<JobRecord | undefined> {
  const { statements, tables } = database;
  const locked = await lockJobs(database, session, { ids: [job.id], columns: allOfJob });
  const stored = locked.byId.get(job.id);
  if (stored === undefined || integer(stored.uid) !== job.uid || integer(stored.version) !== job.version) return undefined;
  const counters = readCounters(stored);
  const merged = { ...job, ...changes };
  const state = settled(merged.state, counters.active, counters.queued);
  const row = jobValues({ ...merged, state }, { ...counters, version: counters.version + 1 });
  await session.change(
    statements.update(tables.jobs, {
      source: rowSource(jobColumns, [row]),
      set: Object.keys(jobColumns).filter((column) => column !== 'id'),
    }),
  );
  await moveRuns(database, session, { from: stored, to: row });
  if (statements.notify !== undefined && row.due_at !== null) await session.all(statements.notify(String(row.due_at)));
  const read = readJob(row);
  return read.ok ? read.value : undefined;
}

/** Removes jobs; their waiting runs are recorded as cancelled, those under way go on without a job. */
export async function removeJobs(database: Database, session: Session, ids: readonly string[] | undefined): Promise<readonly string[]> {
  const { tables } = database;
  const wanted = ids ?? (await session.all<Pick<JobRow, 'id'>>(sql`select t.id from ${tables.jobs} as t`)).map((row) => text(row.id));
  const gone: string[] = [];
  for (let start = 0; start < wanted.length; start += chunkSize) {
    const { byId } = await lockJobs(database, session, {
      ids: wanted.slice(start, start + chunkSize),
      columns: ['executor', 'active', 'queued'],
    });
    if (byId.size === 0) continue;
    const there = sql.join([...byId.keys()]);
    await session.change(sql`delete from ${tables.jobs} where id in (${there})`);
    const live = [...byId.values()].filter((row) => integer(row.active) + integer(row.queued) > 0);
    if (live.length > 0) await orphanRuns(database, session, live);
    gone.push(...byId.keys());
  }
  const order = new Map(wanted.map((id, index) => [id, index]));
  return gone.sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
}

async function orphanRuns(database: Database, session: Session, jobs: readonly Pick<JobRow, 'id' | 'executor'>[]): Promise<void> {
  const { statements, tables } = database;
  const theirs = sql`wake_at is not null and executor in (${sql.join([...new Set(jobs.map((job) => job.executor))])}) and job_id in (${sql.join(jobs.map((job) => job.id))})`;
  await session.change(
    sql`update ${tables.runs} set outcome = 'cancelled', reason = ${jobGone}, wake_at = null, finished_at = ${statements.now}
      where outcome = 'waiting' and ${theirs}`,
  );
  // Without an executor they are handed out to anyone, once their claims have run out.
  await session.change(sql`update ${tables.runs} set executor = '' where outcome = 'running' and ${theirs}`);
}

export async function getJob(database: Database, id: string): Promise<JobRecord | undefined> {
  const { tables } = database;
  const [row] = await database.all<JobRow>(sql`select ${selection(jobColumns)} from ${tables.jobs} as t where t.id = ${id}`);
  return row === undefined ? undefined : readable(row);
}

/** Jobs that wait, are paused or parked. Rows that cannot be read, or are of a newer release, are named by `health` instead. */
export async function listJobs(database: Database): Promise<readonly JobRecord[]> {
  const { tables } = database;
  const rows = await database.all<JobRow>(
    sql`select ${selection(jobColumns)} from ${tables.jobs} as t where t.state in ('waiting', 'paused', 'parked')
      order by case when t.due_at is null or t.next_run_time is null then 1 else 0 end, case when t.due_at is null then null else t.next_run_time end, t.id`,
  );
  return rows.flatMap((row) => readable(row) ?? []);
}

function readable(row: JobRow): JobRecord | undefined {
  if (integer(row.format) > rowFormat) return undefined;
  const read = readJob(row);
  return read.ok ? read.value : undefined;
}
