import { sql } from 'kysely';
import type { Fire, Fired } from '../../core/job-store.ts';
import type { Claimant } from '../../core/store.ts';
import type { Database, Session } from './database.ts';
import { progressValues, readCounters, settled } from './job-row.ts';
import { idSource, lockJobs } from './locking.ts';
import { type Numbered, newRunInsert, newRunRow, numbered, startedRuns } from './new-runs.ts';
import { type Columns, rowSource } from './statements.ts';
import { supersede } from './superseding.ts';
import { integer, type JobRow, jobColumns, pick, type RunRow } from './tables.ts';

/** What a step changes in the row of its job. */
const stepColumns: Columns = pick(jobColumns, [
  ...(['id', 'version', 'next_run_time', 'due_at', 'state', 'reason', 'run_count', 'active', 'queued'] as const),
]);

export interface Firing {
  readonly batch: readonly Fire[];
  readonly claimant: Claimant;
}

export const refused: Fired = Object.freeze({ won: false, started: [], recorded: [] });

/**
 * Moves cursors and records runs in one transaction of a fixed number of statements, however long the batch is:
 * hold the jobs, see which runs are there already, write the jobs, write the runs. Takes every case.
 */
export async function fireJobs(database: Database, session: Session, { batch, claimant }: Firing): Promise<readonly Fired[]> {
  const { statements, tables } = database;
  const locked = await lockJobs(database, session, {
    ids: batch.map((step) => step.job.id),
    columns: ['uid', 'version', 'max_instances', 'active', 'queued'],
  });
  const steps = batch.map((step) => ({ step, row: holder(step, locked.byId), runs: numbered(step) }));
  const ids = steps.flatMap(({ row, runs }) => (row === undefined ? [] : runs.flatMap((one) => one?.id ?? [])));
  const taken = await takenIds(database, session, ids);

  const decided = new Map<string, Decided>();
  const answers = steps.map(({ step, row, runs }): Fired => {
    // A second step for the same job has a version that the first one has just made old.
    if (row === undefined || decided.has(step.job.id)) return refused;
    const recorded = runs.map((one) => (one === undefined || taken.has(one.id) ? undefined : one));
    const decision = decide(step, row, recorded);
    if (decision === undefined) return refused;
    decided.set(step.job.id, decision);
    return {
      won: true,
      recorded: recorded.map((one) => one?.id),
      started: startedRuns(step, decision.recorded, { claimant, counters: decision }),
    };
  });
  if (decided.size === 0) return answers;

  const won = [...decided.values()];
  const superseding = won.filter(({ step }) => step.cancelRunning).map(({ step }) => step.job);
  const dropped = await supersede(database, session, superseding);
  const jobRows = won.map(({ step, active, queued }) => {
    const left = queued - (dropped.get(step.job.id) ?? 0);
    const counters = { version: step.job.version + 1, active, queued: left };
    return { id: step.job.id, ...counters, ...progressValues(step), state: settled(step.state, active, left) };
  });
  await session.change(
    statements.update(tables.jobs, {
      source: rowSource(stepColumns, jobRows),
      set: Object.keys(stepColumns).filter((name) => name !== 'id'),
    }),
  );
  const runRows = won.flatMap(({ step, recorded }) => recorded.map((one) => newRunRow(step, one, claimant)));
  if (runRows.length > 0) await session.change(statements.insert(tables.runs, newRunInsert(runRows, statements, claimant)));
  return answers;
}

/** When the earliest of the runs that a batch leaves waiting is due. */
export function firstWaiting(batch: readonly Fire[]): number | undefined {
  let first: number | undefined;
  for (const { runs } of batch) {
    for (const run of runs) if (run.outcome === 'waiting' && (first === undefined || run.dueAt < first)) first = run.dueAt;
  }
  return first;
}

async function takenIds(database: Database, session: Session, ids: readonly string[]): Promise<ReadonlySet<string | null>> {
  if (ids.length === 0) return new Set();
  const { statements, tables } = database;
  const rows = await session.all<Pick<RunRow, 'id'>>(sql`select t.id from ${statements.joinById(tables.runs, idSource(ids))}`);
  return new Set(rows.map((row) => row.id));
}

type HeldJob = Pick<JobRow, 'id' | 'uid' | 'version' | 'max_instances' | 'active' | 'queued'>;

/** The row of the step's job, if it still is what the step was made from. */
function holder(step: Fire, rows: ReadonlyMap<string, HeldJob>): HeldJob | undefined {
  const row = rows.get(step.job.id);
  return row !== undefined && integer(row.uid) === step.job.uid && integer(row.version) === step.job.version ? row : undefined;
}

interface Decided {
  readonly step: Fire;
  readonly recorded: readonly Numbered[];
  readonly active: number;
  readonly queued: number;
}

function decide(step: Fire, row: HeldJob, runs: readonly (Numbered | undefined)[]): Decided | undefined {
  const recorded = runs.filter((one) => one !== undefined);
  const counters = readCounters(row);
  const starts = recorded.filter(({ run }) => run.outcome === 'running').length;
  const active = counters.active + starts;
  if (starts > 0 && active > integer(row.max_instances)) return undefined;
  const queued = counters.queued + recorded.filter(({ run }) => run.outcome === 'waiting').length;
  return { step, recorded, active, queued };
}
