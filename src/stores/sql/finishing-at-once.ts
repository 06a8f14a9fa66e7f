import { sql } from 'kysely';
import type { Finish } from '../../core/run.ts';
import type { Database } from './database.ts';
import { endRow, endUpdate } from './finishing.ts';
import { writtenOf } from './firing-at-once.ts';
import { idSource } from './locking.ts';
import { type Columns, type EndedRow, type Ends, rowSource } from './statements.ts';
import { Surprise, unlessSurprised } from './surprise.ts';
import { integer, jobColumns, pick } from './tables.ts';

const easeColumns: Columns = { ...pick(jobColumns, ['id', 'uid']), ended: 'integer' };

/** What a job is told of which `ended` runs are over. */
const ease: Ends['jobs'] = {
  // MySQL sets one after the other: the state comes first, while the counter is still the old one.
  also: (cell) => ({
    state: sql`case when t.state = 'ending' and t.active - ${cell('ended')} = 0 and t.queued = 0 then 'finished' else t.state end`,
    active: sql`t.active - ${cell('ended')}`,
  }),
};

/**
 * `finish` in the fewest statements, for ends that are final, of runs that are still held: the rest needs `finishRuns`, which is
 * where those go that are not in the answer. Nothing is changed for them.
 */
export async function finishAtOnce(database: Database, list: readonly Finish[]): Promise<EndedAtOnce> {
  const finals = new Map<string, Finish>();
  const jobs = new Map<string, Eased>();
  for (const finish of list) {
    const { run } = finish;
    if (finish.outcome === 'waiting' || finish.progress !== undefined || finals.has(run.id)) continue;
    const job = jobs.get(run.jobId) ?? { id: run.jobId, uid: run.uid, ended: 0 };
    // A run of an earlier job of that id.
    if (job.uid !== run.uid) continue;
    job.ended += 1;
    jobs.set(run.jobId, job);
    finals.set(run.id, finish);
  }
  if (finals.size === 0) return nothing;
  const ordered = [...finals.values()].sort((a, b) => (a.run.id < b.run.id ? -1 : 1));
  const { statements, tables } = database;
  const runs = endUpdate(
    ordered.map((finish) => endRow(finish, { stopped: undefined, progress: undefined })),
    false,
  );
  const finish = statements.finish?.(tables, { runs, jobIds: idSource(jobs.keys()), jobs: ease });
  if (finish !== undefined) {
    const rows = await database.all<EndedRow>(finish);
    const written = writtenOf(rows, ordered.length);
    const ended = new Set(written === 'all' ? ordered : ordered.filter(({ run }) => written.has(run.id)));
    return { ended, roomFor: integer(rows[0]?.queued) > 0 };
  }
  const done = await unlessSurprised(statements, () =>
    database.transaction(async (session) => {
      await session.change(statements.update(tables.jobs, { ...ease, ...easing(jobs) }));
      if ((await session.change(statements.update(tables.runs, runs))) !== ordered.length) throw new Surprise();
      return true;
    }),
  );
  return done === undefined ? nothing : { ended: new Set(ordered), roomFor: false };
}

export interface EndedAtOnce {
  readonly ended: ReadonlySet<Finish>;
  /** Whether runs of these jobs wait for the room that came free. */
  readonly roomFor: boolean;
}

const nothing: EndedAtOnce = Object.freeze({ ended: new Set<Finish>(), roomFor: false });

/** How many runs of a job ended. */
type Eased = { readonly id: string; readonly uid: number; ended: number };

function easing(jobs: ReadonlyMap<string, Eased>): Pick<Ends['runs'], 'source' | 'set' | 'where'> {
  const rows = [...jobs.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  return { source: rowSource(easeColumns, rows), set: [], where: (cell) => sql`t.uid = ${cell('uid')}` };
}
