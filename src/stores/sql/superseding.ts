import { sql } from 'kysely';
import type { JobRecord } from '../../core/job.ts';
import type { Database, Session } from './database.ts';
import { idSource } from './locking.ts';
import { rowSource } from './statements.ts';
import { integer, type RunRow, runColumns, text } from './tables.ts';

/** What a run is told that gives way to a later fire time. */
export const superseded = 'superseded by a later fire time';

/**
 * Asks the running runs of these jobs, which the caller holds, to stop, and records their waiting scheduled ones as skipped.
 * Answers with how many of each job those were.
 */
export async function supersede(database: Database, session: Session, jobs: readonly JobRecord[]): Promise<ReadonlyMap<string, number>> {
  const dropped = new Map<string, number>();
  if (jobs.length === 0) return dropped;
  const { statements, tables } = database;
  const uids = new Map(jobs.map((job) => [job.id, job.uid]));
  const executors = new Set(jobs.map((job) => job.executor));
  const live = await session.all<Pick<RunRow, 'id' | 'job_id' | 'uid' | 'outcome'>>(
    sql`select t.id, t.job_id, t.uid, t.outcome from ${tables.runs} as t
      where t.executor in (${sql.join([...executors])}) and t.wake_at is not null and t.manual = 0 and t.job_id in (${sql.join([...uids.keys()])})`,
  );
  const ours = live.filter((run) => uids.get(text(run.job_id)) === integer(run.uid));
  const waiting = ours.filter((run) => run.outcome === 'waiting');
  for (const run of waiting) dropped.set(text(run.job_id), (dropped.get(text(run.job_id)) ?? 0) + 1);
  const running = ours.filter((run) => run.outcome === 'running');
  if (waiting.length > 0) {
    const source = idSource(waiting.map((run) => text(run.id)));
    await session.change(
      statements.update(tables.runs, {
        source,
        set: [],
        also: () => ({ outcome: sql`'skipped'`, reason: sql`${superseded}`, wake_at: sql`null`, finished_at: statements.now }),
      }),
    );
  }
  if (running.length > 0) {
    const columns = { id: runColumns.id };
    const rows = running.map((run) => ({ id: text(run.id) }));
    await session.change(
      statements.update(tables.runs, { source: rowSource(columns, rows), set: [], also: () => ({ cancel_reason: sql`${superseded}` }) }),
    );
  }
  return dropped;
}
