import { sql } from 'kysely';
import type { Fire, Fired } from '../../core/job-store.ts';
import { plainText } from '../codec.ts';
import type { Database } from './database.ts';
import { type Firing, refused } from './firing.ts';
import { type NewRunRow, type Numbered, newRunInsert, newRunRow, numbered, startedRuns } from './new-runs.ts';
import { type Columns, rowSource, type Update, type WrittenRow } from './statements.ts';
import { Surprise, unlessSurprised } from './surprise.ts';
import { integer, jobColumns, pick } from './tables.ts';

/** What a step says of its job; `starts` and `waits` are how many of its runs do. */
const stepColumns: Columns = {
  ...pick(jobColumns, ['id', 'uid', 'version', 'next_run_time', 'due_at', 'state', 'reason', 'run_count']),
  starts: 'integer',
  waits: 'integer',
};

/**
 * `fire` in the fewest statements, for the batches that nearly all are: conditions and counters are left to the database, nothing is
 * read first. PostgreSQL does it in one statement, the others in two, which are taken back where a step was not won.
 * Answers `undefined` for what needs `fireJobs`, and has then changed nothing.
 */
export async function fireAtOnce(database: Database, { batch, claimant }: Firing): Promise<readonly Fired[] | undefined> {
  const steps = new Map<string, readonly Numbered[]>();
  for (const step of batch) {
    const runs = plainRuns(step);
    if (runs === undefined || steps.has(step.job.id)) return undefined;
    steps.set(step.job.id, runs);
  }
  const ordered = [...batch].sort((a, b) => (a.job.id < b.job.id ? -1 : 1));
  const runRows: NewRunRow[] = [];
  for (const step of ordered) for (const one of steps.get(step.job.id) ?? []) runRows.push(newRunRow(step, one, claimant));

  const { statements, tables } = database;
  const jobs = stepUpdate(ordered);
  const runs = newRunInsert(runRows, statements, claimant);
  const fire = statements.fire?.(tables, jobs, runs);
  const won = await unlessSurprised(statements, async (): Promise<ReadonlySet<string> | 'all'> => {
    if (fire !== undefined) return writtenOf(await database.all<WrittenRow>(fire), batch.length);
    return database.transaction(async (session): Promise<'all'> => {
      if ((await session.change(statements.update(tables.jobs, jobs))) !== batch.length) throw new Surprise();
      await session.change(statements.insert(tables.runs, runs));
      return 'all';
    });
  });
  if (won === undefined) return undefined;
  return batch.map((step) => {
    if (won !== 'all' && !won.has(step.job.id)) return refused;
    const recorded = steps.get(step.job.id) ?? [];
    return {
      won: true,
      recorded: recorded.map((one) => one.id),
      started: startedRuns(step, recorded, { claimant, counters: expected(step) }),
    };
  });
}

/** Which of `size` rows a statement wrote. */
export function writtenOf(rows: readonly WrittenRow[], size: number): ReadonlySet<string> | 'all' {
  return integer(rows[0]?.written) === size ? 'all' : new Set(rows.flatMap((row) => row.id ?? []));
}

/** The runs of a step under their ids, or `undefined` for a step that `fireJobs` has to take. */
function plainRuns(step: Fire): readonly Numbered[] | undefined {
  if (step.cancelRunning || step.runs.length === 0) return undefined;
  const runs: Numbered[] = [];
  for (const one of numbered(step)) {
    if (one === undefined) return undefined;
    runs.push(one);
  }
  return runs;
}

function stepUpdate(steps: readonly Fire[]): Update {
  const rows = steps.map((step) => ({
    id: step.job.id,
    uid: step.job.uid,
    version: step.job.version,
    next_run_time: step.nextRunTime ?? null,
    due_at: step.dueAt ?? null,
    state: step.state,
    reason: plainText(step.reason) ?? null,
    run_count: step.runCount,
    starts: count(step, 'running'),
    waits: count(step, 'waiting'),
  }));
  return {
    source: rowSource(stepColumns, rows),
    set: ['next_run_time', 'due_at', 'reason', 'run_count'],
    // MySQL sets one after the other: the state comes first, while the counters are still the old ones.
    also: (cell) => ({
      state: sql`case when ${cell('state')} = 'ending' and t.active + ${cell('starts')} = 0 and t.queued + ${cell('waits')} = 0
        then 'finished' else ${cell('state')} end`,
      version: sql`t.version + 1`,
      active: sql`t.active + ${cell('starts')}`,
      queued: sql`t.queued + ${cell('waits')}`,
    }),
    where: (cell) => sql`t.uid = ${cell('uid')} and t.version = ${cell('version')}
      and (${cell('starts')} = 0 or t.active + ${cell('starts')} <= t.max_instances)`,
  };
}

/** The counters as they were read, and what this step adds. */
function expected(step: Fire): { readonly active: number; readonly queued: number } {
  return { active: step.job.active + count(step, 'running'), queued: step.job.queued + count(step, 'waiting') };
}

function count(step: Fire, outcome: 'running' | 'waiting'): number {
  let counted = 0;
  for (const run of step.runs) if (run.outcome === outcome) counted += 1;
  return counted;
}
