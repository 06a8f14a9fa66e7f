import { sql } from 'kysely';
import type { Fire, Fired } from '../../core/job-store.ts';
import type { Database } from './database.ts';
import { type Firing, refused } from './firing.ts';
import { progressValues } from './job-row.ts';
import { type Numbered, newRunInsert, newRunRow, numbered, startedRuns } from './new-runs.ts';
import { type Columns, rowSource, type Update, type WonRow } from './statements.ts';
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
  const steps = new Map(batch.map((step) => [step.job.id, { step, runs: numbered(step) }]));
  if (steps.size < batch.length || batch.some((step) => step.cancelRunning || step.runs.length === 0)) return undefined;
  const ordered = [...steps.values()].sort((a, b) => (a.step.job.id < b.step.job.id ? -1 : 1));
  const runRows = ordered.flatMap(({ step, runs }) => runs.flatMap((one) => (one === undefined ? [] : [newRunRow(step, one, claimant)])));
  if (runRows.length < ordered.reduce((count, { step }) => count + step.runs.length, 0)) return undefined;

  const { statements, tables } = database;
  const jobs = stepUpdate(ordered.map(({ step }) => step));
  const runs = newRunInsert(runRows, statements, claimant);
  const fire = statements.fire?.(tables, jobs, runs);
  const won = await unlessSurprised(statements, async (): Promise<ReadonlyMap<string, WonRow> | 'all'> => {
    if (fire !== undefined) return new Map((await database.all<WonRow>(fire)).map((row) => [row.id, row]));
    return database.transaction(async (session): Promise<'all'> => {
      if ((await session.change(statements.update(tables.jobs, jobs))) !== batch.length) throw new Surprise();
      await session.change(statements.insert(tables.runs, runs));
      return 'all';
    });
  });
  if (won === undefined) return undefined;
  return batch.map((step) => {
    const row = won === 'all' ? expected(step) : won.get(step.job.id);
    const recorded = steps.get(step.job.id)?.runs.filter((one): one is Numbered => one !== undefined) ?? [];
    if (row === undefined) return refused;
    const counters = { active: integer(row.active), queued: integer(row.queued) };
    return { won: true, recorded: recorded.map((one) => one.id), started: startedRuns(step, recorded, { claimant, counters }) };
  });
}

function stepUpdate(steps: readonly Fire[]): Update {
  const rows = steps.map((step) => ({
    id: step.job.id,
    uid: step.job.uid,
    version: step.job.version,
    ...progressValues(step),
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
