import { rowSource } from './statements.ts';
import { randomInt } from 'node:crypto';
import { sql } from 'kysely';
import type { NewJob } from '../../core/job.ts';
import type { Added, OnConflict } from '../../core/job-store.ts';
import { rowFormat } from '../codec.ts';
import type { Database, Session } from './database.ts';
import { type JobCounters, jobValues, readCounters, readJob, readProgress, registrationOf } from './job-row.ts';
import { idSource, lockJobs } from './locking.ts';
import { unlessSurprised } from './surprise.ts';
import { allOfJob, integer, type JobRow, jobColumns, text } from './tables.ts';

/** Rows in one statement: enough to make the round trip cheap, few enough for SQLite's event loop. */
const chunkSize = 1000;
/** UTF-16 units in one statement, so that it stays well under the 16 MB that MariaDB takes at once. */
const chunkText = 2_000_000;

/** A number that no earlier job of this id has had. */
export function newUid(): number {
  return randomInt(1, 2 ** 47);
}

/**
 * Stores jobs by the rules of `JobStore.add`, in one step. New ones, which most lists are, take one statement; where that meets
 * a stored job it changes nothing, and a transaction goes the long way.
 */
export async function addJobs(database: Database, { jobs, onConflict }: Adding): Promise<readonly Added[]> {
  const entries = entriesOf(jobs);
  const [chunk = [], second] = chunksOf(entries);
  if (second === undefined && entries.every(({ round }) => round === 0) && (await insertNew(database, chunk)))
    return entries.map(({ job, row }) => added(job, row));
  return database.transaction((session) => addInSession(database, session, { entries, onConflict }));
}

/** The same within a transaction of the caller. */
export async function addJobsWithin(database: Database, session: Session, { jobs, onConflict }: Adding): Promise<readonly Added[]> {
  return addInSession(database, session, { entries: entriesOf(jobs), onConflict });
}

export interface Adding {
  readonly jobs: readonly NewJob[];
  readonly onConflict: OnConflict;
}

/** Jobs that come together share a number, so that it is told once; those of one id have one each. */
function entriesOf(jobs: readonly NewJob[]): readonly Entry[] {
  const uid = newUid();
  const seen = new Map<string, number>();
  return jobs.map((job, index) => {
    const round = seen.get(job.id) ?? 0;
    seen.set(job.id, round + 1);
    return { job, index, round, row: jobValues(job, { uid: uid + round, version: 1, active: 0, queued: 0 }) };
  });
}

/** All of the rows, or none if one of them is there. */
async function insertNew(database: Database, entries: readonly Entry[]): Promise<boolean> {
  const { statements, tables } = database;
  const source = rowSource(
    jobColumns,
    entries.map(({ row }) => row),
  );
  const insert = statements.insert(tables.jobs, { source, taken: 'refuse' });
  return (await unlessSurprised(statements, () => database.change(insert))) === entries.length;
}

async function addInSession(
  database: Database,
  session: Session,
  { entries, onConflict }: { readonly entries: readonly Entry[]; readonly onConflict: OnConflict },
): Promise<readonly Added[]> {
  const answers: Added[] = new Array(entries.length);
  const conflicts: Entry[] = [];
  for (const round of roundsOf(entries)) {
    for (const chunk of chunksOf(round)) await addChunk({ database, session, onConflict, answers, conflicts }, chunk);
    if (onConflict === 'error' && (conflicts.length > 0 || round.length < entries.length)) {
      await withdraw(database, session, entries, answers);
      return answers;
    }
  }
  return answers;
}

/** Field by field: this is done for every job, and spreading costs several times as much. */
function added(job: NewJob, row: JobRow): Added {
  const { id, name, task, args, executor, executorOptions, policy, metadata, trigger, registration } = job;
  const { nextRunTime, dueAt, state, reason, runCount } = job;
  const { uid, version, active, queued } = readCounters(row);
  return {
    outcome: 'added',
    job: {
      id,
      name,
      task: { name: task.name },
      args,
      executor,
      executorOptions,
      policy,
      metadata,
      trigger,
      registration,
      nextRunTime,
      dueAt,
      state,
      reason,
      runCount,
      uid,
      version,
      active,
      queued,
    },
  };
}

interface Entry {
  readonly job: NewJob;
  readonly index: number;
  /** How many of its id stand before it. */
  readonly round: number;
  readonly row: JobRow;
}

interface Round {
  readonly database: Database;
  readonly session: Session;
  readonly onConflict: OnConflict;
  readonly answers: Added[];
  /** Those that stood in the way, where that matters. */
  readonly conflicts: Entry[];
}

function* chunksOf(round: readonly Entry[]): Generator<readonly Entry[]> {
  let chunk: Entry[] = [];
  let units = 0;
  for (const entry of round) {
    chunk.push(entry);
    units += text(entry.row.body).length + text(entry.row.schedule).length;
    if (chunk.length < chunkSize && units < chunkText) continue;
    yield chunk;
    chunk = [];
    units = 0;
  }
  if (chunk.length > 0) yield chunk;
}

/** Each id once in a round: a second job of the same id meets the first as a stored one. */
function roundsOf(given: readonly Entry[]): readonly (readonly Entry[])[] {
  const rounds: Entry[][] = [];
  for (const entry of given) {
    const list = rounds[entry.round] ?? [];
    list.push(entry);
    rounds[entry.round] = list;
  }
  return rounds;
}

/** New jobs, which most are, take one statement; for the others the stored ones are held and looked at. */
async function addChunk(round: Round, chunk: readonly Entry[]): Promise<void> {
  const { database, session, answers } = round;
  let left = chunk;
  while (left.length > 0) {
    const inserted = await insertFresh(database, session, left);
    for (const { job, index, row } of left) {
      if (inserted(job.id)) answers[index] = added(job, row);
    }
    const others = left.filter(({ job }) => !inserted(job.id));
    if (others.length === 0) return;
    const stored = await lockJobs(database, session, { ids: others.map(({ job }) => job.id), columns: allOfJob });
    const known: { readonly entry: Entry; readonly row: JobRow }[] = [];
    for (const entry of others) {
      const row = stored.byId.get(entry.job.id);
      if (row !== undefined) known.push({ entry, row });
    }
    await meet(round, known);
    // Those that another process removed in between are new after all.
    left = others.filter(({ job }) => !stored.byId.has(job.id));
  }
}

async function insertFresh(database: Database, session: Session, fresh: readonly Entry[]): Promise<(id: string) => boolean> {
  const { statements, tables } = database;
  const written = await session.change(
    statements.insert(tables.jobs, {
      source: rowSource(
        jobColumns,
        fresh.map(({ row }) => row),
      ),
      taken: 'ignore',
    }),
  );
  if (written === fresh.length) return () => true;
  const uids = await session.all<Pick<JobRow, 'id' | 'uid'>>(
    sql`select t.id, t.uid from ${statements.joinById(tables.jobs, idSource(fresh.map(({ job }) => job.id)))}`,
  );
  const uidOf = new Map(uids.map(({ id, uid }) => [id, integer(uid)]));
  const ours = new Set(fresh.filter(({ job, row }) => uidOf.get(job.id) === integer(row.uid)).map(({ job }) => job.id));
  return (id) => ours.has(id);
}

/** What becomes of jobs whose ids are taken. */
async function meet(
  { database, session, onConflict, answers, conflicts }: Round,
  known: readonly { readonly entry: Entry; readonly row: JobRow }[],
): Promise<void> {
  const changed: JobRow[] = [];
  for (const { entry, row } of known) {
    const next = onConflict === 'replace' ? replacement(entry, row) : undefined;
    if (next === undefined) answers[entry.index] = { outcome: onConflict === 'error' ? 'conflict' : 'kept', job: shown(entry.job, row) };
    else {
      changed.push(next);
      answers[entry.index] = { outcome: 'replaced', job: shown(entry.job, next) };
    }
    if (onConflict === 'error') conflicts.push(entry);
  }
  if (changed.length === 0) return;
  const set = Object.keys(jobColumns).filter((column) => column !== 'id');
  const { statements, tables } = database;
  await session.change(statements.update(tables.jobs, { source: rowSource(jobColumns, changed), set }));
  for (const { row, entry } of known) await moveRuns(database, session, { from: row, to: entry.row });
}

/** The row that a registration makes of a stored one; `undefined` if that stays as it is. */
function replacement(entry: Entry, stored: JobRow): JobRow | undefined {
  // A newer release wrote it, and runs beside this one: it knows better.
  if (integer(stored.format) > rowFormat) return undefined;
  const { uid, version, active, queued } = countersOf(stored) ?? readCounters(entry.row);
  const counters = { uid, version: version + 1, active, queued };
  const readable = readJob(stored).ok;
  const registration = registrationOf(entry.row);
  if (!readable || registrationOf(stored) !== registration) {
    const anew = stored.state === 'finished';
    return { ...entry.row, ...counters, uid: anew ? integer(entry.row.uid) : uid };
  }
  if (stored.state === 'finished') return undefined;
  const { schedule, next_run_time, due_at, state, reason, run_count } = stored;
  const kept = { ...entry.row, ...counters, schedule, registration: registration === schedule ? null : registration, run_count };
  if (state !== 'parked') return { ...kept, next_run_time, due_at, state, reason };
  return {
    ...kept,
    next_run_time: next_run_time ?? entry.row.next_run_time,
    due_at: next_run_time ?? entry.row.due_at,
    state: 'waiting',
    reason: null,
  };
}

/** `undefined` where they are no counters: the job begins anew then, and runs of the old one are those of a job that is gone. */
function countersOf(stored: JobRow): JobCounters | undefined {
  const counters = readCounters(stored);
  return Object.values(counters).every((count) => Number.isSafeInteger(count) && count >= 0) ? counters : undefined;
}

/** The stored job; of one that cannot be read, what was given, where the stored one stands. */
function shown(given: NewJob, row: JobRow): Added['job'] {
  const read = integer(row.format) > rowFormat ? undefined : readJob(row);
  return read?.ok === true ? read.value : { ...given, ...readProgress(row), ...readCounters(row) };
}

/** Runs that are not over follow their job to another executor or task. */
export async function moveRuns(
  database: Database,
  session: Session,
  { from, to }: { readonly from: JobRow; readonly to: JobRow },
): Promise<void> {
  if (from.executor === to.executor && from.task === to.task) return;
  if (integer(from.active) + integer(from.queued) === 0) return;
  await session.change(
    sql`update ${database.tables.runs} set executor = ${to.executor}, task = ${to.task}
      where executor = ${from.executor} and wake_at is not null and job_id = ${from.id} and uid = ${from.uid}`,
  );
}

/** Takes back what this call stored before it met a conflict. */
async function withdraw(database: Database, session: Session, given: readonly Entry[], answers: Added[]): Promise<void> {
  const ours = given.filter(({ index }) => answers[index]?.outcome === 'added');
  for (let start = 0; start < ours.length; start += chunkSize) {
    const pairs = ours.slice(start, start + chunkSize).map(({ row }) => sql`(id = ${row.id} and uid = ${row.uid})`);
    await session.change(sql`delete from ${database.tables.jobs} where ${sql.join(pairs, sql` or `)}`);
  }
  for (const { job, index, row } of given) {
    const before = answers[index]?.outcome;
    // What has no answer yet is the second of its id in this list.
    if (before !== 'conflict')
      answers[index] = { outcome: before === undefined ? 'conflict' : 'kept', job: { ...job, ...readCounters(row) } };
  }
}
