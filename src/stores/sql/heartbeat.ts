import { sql } from 'kysely';
import type { Pulse } from '../../core/run-store.ts';
import type { Claimant } from '../../core/store.ts';
import { encodeValue } from '../codec.ts';
import type { Database } from './database.ts';
import type { HeldRuns } from './held-runs.ts';
import { type Columns, rowSource } from './statements.ts';
import { integer, pick, type RunRow, runColumns, text } from './tables.ts';

const heldColumns: Columns = pick(runColumns, ['id', 'fence', 'progress']);

/** One update of all that is held, then one look at what became of it. */
export async function beat(
  database: Database,
  held: HeldRuns,
  { claimant, progress }: { readonly claimant: Claimant; readonly progress: ReadonlyMap<string, unknown> },
): Promise<Pulse> {
  const { statements, tables } = database;
  const rows = [...held.of(claimant.owner)]
    .map(([id, fence]) => ({ id, fence, progress: encodeValue(progress.get(id)) ?? null }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  if (rows.length === 0) return { cancel: [], lost: [] };
  const source = rowSource(heldColumns, rows);
  await database.change(
    statements.update(tables.runs, {
      source,
      set: [],
      also: (cell) => ({ wake_at: sql`${statements.now} + ${claimant.lease}`, progress: sql`coalesce(${cell('progress')}, t.progress)` }),
      where: (cell) => sql`t.fence = ${cell('fence')} and t.outcome = 'running' and t.owner = ${claimant.owner}`,
    }),
  );
  const found = await database.all<Pick<RunRow, 'id' | 'outcome' | 'fence' | 'cancel_reason'>>(
    sql`select t.id, t.outcome, t.fence, t.cancel_reason from ${statements.joinById(tables.runs, source)}`,
  );
  const fences = held.of(claimant.owner);
  const ours = found.filter((run) => run.outcome === 'running' && integer(run.fence) === fences.get(text(run.id)));
  const kept = new Set(ours.map((run) => run.id));
  return {
    cancel: ours.filter((run) => run.cancel_reason !== null).map((run) => text(run.id)),
    lost: held.lose(
      claimant.owner,
      rows.map((row) => row.id).filter((id) => !kept.has(id)),
    ),
  };
}
