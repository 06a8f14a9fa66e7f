import { sql } from 'kysely';
import type { JobRecord } from '../../core/job.ts';
import type { ClaimedRun } from '../../core/run.ts';
import type { Claimed } from '../../core/run-store.ts';
import type { Claimant, Room } from '../../core/store.ts';
import { type Decoded, rowFormat } from '../codec.ts';
import type { Database, Session } from './database.ts';
import { readJob, settled } from './job-row.ts';
import { type Locked, lockJobs, lockRuns } from './locking.ts';
import { type Poison, parkPoison, poisonReason } from './poison.ts';
import { knownTask, shelvesOf } from './room.ts';
import { readRun } from './run-row.ts';
import { type Columns, rowSource } from './statements.ts';
import { integer, type JobRow, jobColumns, optionalInteger, pick, type RunRow, runColumns, text, allOfJob, allOfRun } from './tables.ts';

export const counterColumns: Columns = pick(jobColumns, ['id', 'active', 'queued', 'state']);

export type CounterRow = Pick<JobRow, 'id' | 'active' | 'queued' | 'state'>;

/**
 * Hands out what is due: first a plain look at each executor's stretch of the index, and only if something is there a transaction
 * that holds the jobs, then the runs, and looks again.
 */
export async function claimRuns(database: Database, room: Room, claimant: Claimant): Promise<Claimed> {
  const { now, candidates } = await look(database, room);
  if (candidates.length === 0) return { now, runs: [] };
  const runs = await database.transaction((session) => take({ database, session, claimant }, candidates));
  return { now, runs };
}

type Candidate = Pick<RunRow, 'id' | 'job_id' | 'uid'>;

async function look(database: Database, room: Room): Promise<{ readonly now: number; readonly candidates: readonly Candidate[] }> {
  const { statements, tables } = database;
  const { now } = statements;
  const columns = sql`t.id, t.job_id, t.uid, t.wake_at`;
  const stretches = shelvesOf(room).map(
    ({ name, limit }) => sql`select * from (select ${columns} from ${tables.runs} as t
      where t.executor = ${name} and t.wake_at <= ${now} and ${knownTask(room)} and exists (
        select 1 from ${tables.jobs} as j where j.id = t.job_id and j.uid = t.uid and j.format <= ${sql.lit(rowFormat)}
          and (t.outcome = 'running' or j.active < j.max_instances))
      order by t.wake_at limit ${limit}) as e`,
  );
  const orphans = sql`select * from (select ${columns} from ${tables.runs} as t
    where t.executor = '' and t.wake_at <= ${now} order by t.wake_at limit ${room.limit}) as e`;
  const rows = await database.all<Candidate & { now: number | string }>(
    sql`select c.now, t.* from (select ${now} as now) as c left join (${sql.join([...stretches, orphans], sql` union all `)}) as t on 1 = 1
      order by t.wake_at limit ${room.limit}`,
  );
  return { now: integer(rows[0]?.now), candidates: rows.filter((row) => row.id !== null) };
}

interface Taking {
  readonly database: Database;
  readonly session: Session;
  readonly claimant: Claimant;
}

const takenColumns: Columns = pick(runColumns, ['id', 'outcome', 'reason', 'wake_at', 'finished_at', 'crashes', 'owner', 'fence']);

type TakenRow = Pick<RunRow, 'id' | 'outcome' | 'reason' | 'wake_at' | 'finished_at' | 'crashes' | 'owner' | 'fence'>;

async function take({ database, session, claimant }: Taking, candidates: readonly Candidate[]): Promise<readonly ClaimedRun[]> {
  const { statements, tables } = database;
  const jobs = await lockJobs(database, session, {
    ids: candidates.map((candidate) => text(candidate.job_id)),
    columns: allOfJob,
    skip: true,
  });
  const runs = await lockRuns(database, session, { ids: candidates.map((candidate) => text(candidate.id)), columns: allOfRun });
  const desk = new ClaimDesk(jobs, runs.now, claimant);
  for (const candidate of candidates) {
    const run = runs.byId.get(text(candidate.id));
    if (run !== undefined) desk.decide(run);
  }
  if (desk.rows.length > 0) {
    await session.change(
      statements.update(tables.runs, { source: rowSource(takenColumns, desk.rows), set: Object.keys(takenColumns).slice(1) }),
    );
  }
  const counters = desk.counters();
  if (counters.length > 0) {
    await session.change(
      statements.update(tables.jobs, { source: rowSource(counterColumns, counters), set: Object.keys(counterColumns).slice(1) }),
    );
  }
  if (desk.poison.length > 0) await parkPoison(database, session, desk.poison);
  return desk.claimed();
}

/** Decides which of the runs that are held are taken, with the jobs' counters in hand. */
class ClaimDesk {
  readonly rows: TakenRow[] = [];
  readonly poison: Poison[] = [];
  readonly #jobs: Locked<JobRow>;
  readonly #now: number;
  readonly #claimant: Claimant;
  readonly #taken: { readonly run: RunRow; readonly row: TakenRow; readonly jobId: string | undefined }[] = [];
  readonly #counters = new Map<string, { active: number; queued: number }>();
  readonly #read = new Map<string, Decoded<JobRecord>>();

  constructor(jobs: Locked<JobRow>, now: number, claimant: Claimant) {
    this.#jobs = jobs;
    this.#now = now;
    this.#claimant = claimant;
  }

  decide(run: RunRow): void {
    const wakeAt = optionalInteger(run.wake_at);
    // Another process took it, or its heartbeat came, since it was seen.
    if (wakeAt === undefined || wakeAt > this.#now) return;
    if (run.executor === '') {
      this.#take(run, undefined);
      return;
    }
    const job = this.#jobs.byId.get(text(run.job_id));
    // Somebody else holds the job just now; the next look finds the run again.
    if (job === undefined || integer(job.uid) !== integer(run.uid)) return;
    if (this.#readable(job)) this.#offer(run, job);
    else this.#giveUp(run, job);
  }

  #offer(run: RunRow, job: JobRow): void {
    const counters = this.#countersOf(job);
    if (run.outcome === 'waiting') {
      if (counters.active >= integer(job.max_instances)) return;
      counters.active += 1;
      counters.queued -= 1;
    }
    this.#take(run, text(job.id));
  }

  #take(run: RunRow, jobId: string | undefined): void {
    const row = {
      id: run.id,
      outcome: 'running',
      reason: run.reason,
      wake_at: this.#now + this.#claimant.lease,
      finished_at: null,
      crashes: integer(run.crashes) + (run.outcome === 'running' ? 1 : 0),
      owner: this.#claimant.owner,
      fence: integer(run.fence) + 1,
    };
    this.rows.push(row);
    this.#taken.push({ run, row, jobId });
  }

  /** Nobody can run it: its job's row says nothing that can be understood. */
  #giveUp(run: RunRow, job: JobRow): void {
    const counters = this.#countersOf(job);
    if (run.outcome === 'waiting') counters.queued -= 1;
    else counters.active -= 1;
    const read = this.#read.get(text(job.id));
    const reason = poisonReason + (read?.ok === false ? read.reason : '');
    const { id, crashes, owner, fence } = run;
    this.rows.push({ id, outcome: 'failed', reason, wake_at: null, finished_at: this.#now, crashes, owner, fence: integer(fence) + 1 });
  }

  #readable(job: JobRow): boolean {
    const id = text(job.id);
    let read = this.#read.get(id);
    if (read === undefined) {
      read = readJob(job);
      this.#read.set(id, read);
      if (!read.ok) this.poison.push({ row: job, reason: read.reason });
    }
    return read.ok;
  }

  #countersOf(job: JobRow): { active: number; queued: number } {
    const id = text(job.id);
    const known = this.#counters.get(id);
    if (known !== undefined) return known;
    const counters = { active: integer(job.active), queued: integer(job.queued) };
    this.#counters.set(id, counters);
    return counters;
  }

  counters(): readonly CounterRow[] {
    return [...this.#counters].map(([id, { active, queued }]) => {
      const state = this.#jobs.byId.get(id)?.state ?? 'waiting';
      return { id, active, queued, state: state === 'ending' ? settled(state, active, queued) : state };
    });
  }

  claimed(): readonly ClaimedRun[] {
    return this.#taken.map(({ run, row, jobId }) => ({
      run: readRun({ ...run, ...row }),
      job: jobId === undefined ? undefined : this.#job(jobId),
    }));
  }

  #job(id: string): JobRecord | undefined {
    const read = this.#read.get(id);
    const counters = this.#counters.get(id);
    return read?.ok === true ? { ...read.value, ...counters } : undefined;
  }
}
