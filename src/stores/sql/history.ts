import { type RawBuilder, sql } from 'kysely';
import { isMadeJobId } from '../../core/job.ts';
import type { KeepRuns, RunFilter, RunPage } from '../../core/run-store.ts';
import { InvalidOptionError } from '../../errors.ts';
import type { Database } from './database.ts';
import { readRun } from './run-row.ts';
import { type RunRow, runColumns, selection, text } from './tables.ts';

/** Rows that one call of `prune` removes at most. */
const pruneLimit = 1000;

/** Runs newest first. Those of one job are read off the key, which orders them; those of all jobs off the index on time. */
export async function listRuns(database: Database, filter: RunFilter): Promise<RunPage> {
  if (filter.outcome?.length === 0) return { runs: [], cursor: undefined };
  const conditions: RawBuilder<unknown>[] = [];
  if (filter.id !== undefined) conditions.push(sql`t.id = ${filter.id}`);
  if (filter.jobId !== undefined) conditions.push(sql`t.job_id = ${filter.jobId}`, runsOf(filter.jobId));
  if (filter.outcome !== undefined) conditions.push(sql`t.outcome in (${sql.join([...filter.outcome])})`);
  if (filter.from !== undefined) conditions.push(sql`t.scheduled_at >= ${filter.from}`);
  if (filter.to !== undefined) conditions.push(sql`t.scheduled_at <= ${filter.to}`);
  if (filter.cursor !== undefined) {
    const { time, id } = readCursor(filter.cursor);
    conditions.push(sql`(t.scheduled_at < ${time} or (t.scheduled_at = ${time} and t.id < ${id}))`);
  }
  const where = conditions.length === 0 ? sql`` : sql`where ${sql.join(conditions, sql` and `)}`;
  const order = filter.jobId === undefined ? sql`t.scheduled_at desc, t.id desc` : sql`t.id desc`;
  const rows = await database.all<RunRow>(
    sql`select ${selection(runColumns)} from ${database.tables.runs} as t ${where} order by ${order} limit ${filter.limit + 1}`,
  );
  const runs = rows.slice(0, filter.limit).map(readRun);
  const last = runs.at(-1);
  return { runs, cursor: rows.length > runs.length && last !== undefined ? `${last.scheduledAt} ${last.id}` : undefined };
}

/** The stretch of the key that holds a job's runs: `<job>@...`; another job's may lie in it, whose id goes on with an `@`. */
function runsOf(jobId: string): RawBuilder<unknown> {
  return sql`t.id >= ${`${jobId}@`} and t.id < ${`${jobId}A`}`;
}

function readCursor(cursor: string): { readonly time: number; readonly id: string } {
  const [, time, id] = /^(-?\d+) (.+)$/su.exec(cursor) ?? [];
  if (time === undefined || id === undefined) throw new InvalidOptionError('cursor', cursor, 'the cursor of an earlier page');
  return { time: Number(time), id };
}

/** Removes runs that are over and too old, or too many for their job; `jobIds` are jobs that had runs ending lately. */
export async function pruneRuns(database: Database, keep: KeepRuns, jobIds: Iterable<string>): Promise<PruneReport> {
  const full: string[] = [];
  let gone = 0;
  if (keep.age !== undefined) {
    const limit = sql`${database.statements.now} - ${keep.age}`;
    gone += await removeSome(database, sql`t.scheduled_at < ${limit} and t.finished_at < ${limit} order by t.scheduled_at`, pruneLimit);
  }
  if (keep.count !== undefined) {
    for (const jobId of jobIds) {
      if (gone >= pruneLimit) full.push(jobId);
      else {
        const removed = await removeBeyond(database, jobId, { count: keep.count, limit: pruneLimit - gone });
        gone += removed.count;
        if (removed.more) full.push(jobId);
      }
    }
  }
  return { gone, full };
}

export interface PruneReport {
  readonly gone: number;
  /** Jobs that have more to remove. */
  readonly full: readonly string[];
}

async function removeBeyond(
  database: Database,
  jobId: string,
  { count, limit }: { readonly count: number; readonly limit: number },
): Promise<{ readonly count: number; readonly more: boolean }> {
  const { tables } = database;
  const over = sql`t.job_id = ${jobId} and ${runsOf(jobId)} and t.wake_at is null`;
  const [oldest] = await database.all<Pick<RunRow, 'id'>>(
    sql`select t.id from ${tables.runs} as t where ${over} order by t.id desc limit 1 offset ${count}`,
  );
  if (oldest === undefined) return { count: 0, more: false };
  const removed = await removeSome(database, sql`${over} and t.id <= ${text(oldest.id)} order by t.id`, limit);
  return { count: removed, more: removed === limit };
}

/** Removes these runs, and with them the finished jobs that nobody can register again. */
async function removeSome(database: Database, which: RawBuilder<unknown>, limit: number): Promise<number> {
  const { tables } = database;
  const runs = await database.all<Pick<RunRow, 'id' | 'job_id'>>(
    sql`select t.id, t.job_id from ${tables.runs} as t where ${which} limit ${limit}`,
  );
  if (runs.length === 0) return 0;
  const spent = new Set(runs.map((run) => text(run.job_id)).filter(isMadeJobId));
  if (spent.size > 0) await database.change(sql`delete from ${tables.jobs} where state = 'finished' and id in (${sql.join([...spent])})`);
  return database.change(sql`delete from ${tables.runs} where id in (${sql.join(runs.map((run) => text(run.id)))})`);
}
