import { sql } from 'kysely';
import type { Finish, RunRecord } from '../../core/run.ts';
import type { Taken } from '../../core/run-store.ts';
import { encodeError, encodeValue, plainText } from '../codec.ts';
import { takenAs } from '../taken-as.ts';
import { type CounterRow, counterColumns } from './claiming.ts';
import type { Database, Session } from './database.ts';
import { settled } from './job-row.ts';
import { lockJobs, lockRuns } from './locking.ts';
import { runStateOf } from './run-row.ts';
import { type Columns, rowSource, type Update } from './statements.ts';
import { integer, pick, type RunRow, runColumns, text } from './tables.ts';

/** What an end changes in the row of its run, and the fence under which it may. */
const endColumns: Columns = pick(runColumns, [
  ...(['id', 'outcome', 'reason', 'result', 'failure', 'started_at', 'finished_at', 'attempt', 'due_at'] as const),
  ...(['wake_at', 'cancel_reason', 'progress', 'fence'] as const),
]);

type EndRow = Pick<
  RunRow,
  | ('id' | 'outcome' | 'reason' | 'result' | 'failure' | 'started_at' | 'finished_at' | 'attempt' | 'due_at')
  | ('wake_at' | 'cancel_reason' | 'progress' | 'fence')
>;

export const jobGone = 'the job was removed';

/** Writes how runs ended in one transaction of four statements: hold the jobs, hold the runs, write the runs, write the jobs. */
export async function finishRuns(database: Database, session: Session, list: readonly Finish[]): Promise<readonly Taken[]> {
  const { statements, tables } = database;
  const jobs = await lockJobs(database, session, { ids: list.map(({ run }) => run.jobId), columns: ['uid', 'state', 'active', 'queued'] });
  const spoken = list.some((finish) => finish.progress !== undefined);
  const runs = await lockRuns(database, session, {
    ids: list.map(({ run }) => run.id),
    columns: ['outcome', 'reason', 'fence', 'cancel_reason', ...(spoken ? (['progress'] as const) : [])],
  });
  const ends = new Map<string, EndRow>();
  const counters = new Map<string, { active: number; queued: number; state: string }>();
  const taken = list.map((finish): Taken => {
    const run = runs.byId.get(finish.run.id);
    if (run === undefined || integer(run.fence) !== finish.run.fence) return false;
    const row = jobs.byId.get(finish.run.jobId);
    const job = row !== undefined && integer(row.uid) === finish.run.uid ? row : undefined;
    const end = endRow(finish, { stopped: job === undefined ? jobGone : run.cancel_reason, progress: run.progress });
    // The same write again: its first answer was lost on the way.
    const before = ends.get(finish.run.id) ?? run;
    if (before.outcome !== 'running') return takenAs(finish, standing(before));
    ends.set(finish.run.id, end);
    if (job !== undefined) {
      const count = counters.get(finish.run.jobId) ?? { active: integer(job.active), queued: integer(job.queued), state: text(job.state) };
      count.active -= 1;
      if (end.outcome === 'waiting') count.queued += 1;
      counters.set(finish.run.jobId, count);
    }
    return takenAs(finish, standing(end));
  });
  if (ends.size === 0) return taken;
  await session.change(statements.update(tables.runs, endUpdate([...ends.values()], spoken)));
  const jobRows = [...counters].map(([id, { active, queued, state }]): CounterRow => {
    return { id, active, queued, state: state === 'ending' ? settled(state, active, queued) : state };
  });
  if (jobRows.length > 0) {
    await session.change(
      statements.update(tables.jobs, { source: rowSource(counterColumns, jobRows), set: Object.keys(counterColumns).slice(1) }),
    );
  }
  // What now waits, and what waited for room, may be for any process.
  const due = [...ends.values()].filter((end) => end.wake_at !== null).map((end) => integer(end.wake_at));
  const room = jobRows.some((job) => integer(job.queued) > 0);
  if (statements.notify !== undefined && (due.length > 0 || room))
    await session.all(statements.notify(room ? '' : String(Math.min(...due))));
  return taken;
}

function standing({ outcome, reason }: Pick<RunRow, 'outcome' | 'reason'>): Pick<RunRecord, 'outcome' | 'reason'> {
  return { outcome: runStateOf(outcome), reason: reason ?? undefined };
}

/** The write of ends; `withProgress` if the rows say how far the runs were. */
export function endUpdate(rows: readonly EndRow[], withProgress: boolean): Update {
  return {
    source: rowSource(endColumns, rows),
    set: Object.keys(endColumns).filter((name) => name !== 'id' && name !== 'fence' && (withProgress || name !== 'progress')),
    where: (cell) => sql`t.outcome = 'running' and t.fence = ${cell('fence')}`,
  };
}

interface Known {
  /** Why it does not wait again, if it does not. */
  readonly stopped: string | null | undefined;
  /** What was noted before. */
  readonly progress: string | null | undefined;
}

export function endRow(finish: Finish, { stopped, progress }: Known): EndRow {
  const isStopped = finish.outcome === 'waiting' && typeof stopped === 'string';
  const waits = finish.outcome === 'waiting' && !isStopped;
  return {
    id: finish.run.id,
    outcome: isStopped ? 'cancelled' : finish.outcome,
    reason: isStopped ? stopped : (plainText(finish.reason) ?? null),
    result: encodeValue(finish.value) ?? null,
    failure: encodeError(finish.error) ?? null,
    started_at: finish.startedAt ?? null,
    finished_at: waits ? null : (finish.finishedAt ?? finish.dueAt),
    attempt: finish.attempt,
    due_at: finish.dueAt,
    wake_at: waits ? finish.dueAt : null,
    cancel_reason: null,
    progress: encodeValue(finish.progress) ?? progress ?? null,
    fence: finish.run.fence,
  };
}

/** Ends a waiting run, or asks the owner of a running one to. */
export async function cancelRun(
  database: Database,
  session: Session,
  { id, reason }: { readonly id: string; readonly reason: string },
): Promise<'cancelled' | 'requested' | undefined> {
  const { statements, tables } = database;
  const [seen] = await session.all<Pick<RunRow, 'job_id'>>(sql`select t.job_id from ${tables.runs} as t where t.id = ${id}`);
  if (seen === undefined) return undefined;
  const jobs = await lockJobs(database, session, { ids: [text(seen.job_id)], columns: ['uid', 'state', 'active', 'queued'] });
  const runs = await lockRuns(database, session, { ids: [id], columns: ['job_id', 'uid', 'outcome'] });
  const run = runs.byId.get(id);
  if (run?.outcome === 'running') {
    await session.change(sql`update ${tables.runs} set cancel_reason = ${plainText(reason)} where id = ${id}`);
    return 'requested';
  }
  if (run?.outcome !== 'waiting') return undefined;
  await session.change(
    sql`update ${tables.runs} set outcome = 'cancelled', reason = ${plainText(reason)}, wake_at = null, finished_at = ${statements.now} where id = ${id}`,
  );
  const job = jobs.byId.get(text(run.job_id));
  if (job !== undefined && integer(job.uid) === integer(run.uid)) {
    const [active, queued] = [integer(job.active), integer(job.queued) - 1];
    const state = job.state === 'ending' ? settled(job.state, active, queued) : job.state;
    await session.change(sql`update ${tables.jobs} set queued = ${queued}, state = ${state} where id = ${job.id}`);
  }
  return 'cancelled';
}
