import type { JobProgress, JobRecord, JobState, NewJob } from '../../core/job.ts';
import { lastInstant } from '../../time/instants.ts';
import { type Decoded, decodeJob, encodeJob, plainText, rowFormat } from '../codec.ts';
import { integer, type JobRow, optionalInteger, text } from './tables.ts';

/** What a job is made of beside what it was given: kept by the store. */
export interface JobCounters {
  readonly uid: number;
  readonly version: number;
  readonly active: number;
  readonly queued: number;
}

/** All columns of a job. Throws what the codec throws. */
export function jobValues(job: NewJob, { uid, version, active, queued }: JobCounters): JobRow {
  const { format, task, executor, body, policy, trigger, registration } = encodeJob(job);
  return {
    id: job.id,
    uid,
    version,
    format,
    task,
    executor,
    max_instances: Math.min(job.policy.maxInstances, Number.MAX_SAFE_INTEGER),
    one_by_one: job.policy.coalesce === 'all' ? 1 : 0,
    body,
    policy,
    schedule: trigger,
    registration: registration === trigger ? null : registration,
    next_run_time: job.nextRunTime ?? null,
    due_at: job.dueAt ?? null,
    state: job.state,
    reason: plainText(job.reason) ?? null,
    run_count: job.runCount,
    active,
    queued,
  };
}

export function registrationOf(row: Pick<JobRow, 'schedule' | 'registration'>): string {
  return row.registration ?? text(row.schedule);
}

export function progressValues(progress: JobProgress): Pick<JobRow, 'next_run_time' | 'due_at' | 'state' | 'reason' | 'run_count'> {
  return {
    next_run_time: progress.nextRunTime ?? null,
    due_at: progress.dueAt ?? null,
    state: progress.state,
    reason: plainText(progress.reason) ?? null,
    run_count: progress.runCount,
  };
}

/** The columns that make a record. */
export type ReadableRow = Omit<JobRow, 'format' | 'max_instances' | 'one_by_one'>;

/** The job of a row of a format that is known, or why it cannot be read. */
export function readJob(row: ReadableRow): Decoded<JobRecord> {
  const decoded = decodeJob(text(row.id), {
    format: rowFormat,
    task: text(row.task),
    executor: text(row.executor),
    body: text(row.body),
    policy: text(row.policy),
    trigger: text(row.schedule),
    registration: registrationOf(row),
  });
  if (!decoded.ok) return decoded;
  const [nextRunTime, dueAt] = [optionalInteger(row.next_run_time), optionalInteger(row.due_at)];
  const [runCount, active, queued] = [integer(row.run_count), integer(row.active), integer(row.queued)];
  // SQLite puts any text into any column, and PostgreSQL takes numbers that are none here; written back they would fail all that goes with them.
  const [uid, version] = [integer(row.uid), integer(row.version)];
  const isWhole = Number.isSafeInteger(runCount + active + queued) && Number.isSafeInteger(uid) && Number.isSafeInteger(version);
  if (!(isWhole && isInstant(nextRunTime) && isInstant(dueAt)))
    return { ok: false, reason: 'a column for numbers holds something else, or a number out of range' };
  const { id, name, task, args, executor, executorOptions, policy, metadata, trigger, registration } = decoded.value;
  // Field by field: this is read for every fire, and spreading costs several times as much.
  return {
    ok: true,
    value: {
      id,
      name,
      task,
      args,
      executor,
      executorOptions,
      policy,
      metadata,
      trigger,
      registration,
      nextRunTime,
      dueAt,
      state: readState(row.state),
      reason: row.reason ?? undefined,
      runCount,
      uid,
      version,
      active,
      queued,
    },
  };
}

function isInstant(time: number | undefined): boolean {
  return time === undefined || (Number.isInteger(time) && Math.abs(time) <= lastInstant);
}

export function readProgress(row: Pick<JobRow, 'next_run_time' | 'due_at' | 'state' | 'reason' | 'run_count'>): JobProgress {
  return {
    nextRunTime: optionalInteger(row.next_run_time),
    dueAt: optionalInteger(row.due_at),
    state: readState(row.state),
    reason: row.reason ?? undefined,
    runCount: integer(row.run_count),
  };
}

export function readCounters(row: Pick<JobRow, 'uid' | 'version' | 'active' | 'queued'>): JobCounters {
  return { uid: integer(row.uid), version: integer(row.version), active: integer(row.active), queued: integer(row.queued) };
}

function readState(value: string | null): JobState {
  switch (value) {
    case 'waiting':
    case 'paused':
    case 'ending':
    case 'finished':
      return value;
    default:
      return 'parked';
  }
}

/** A job that is ending is finished as soon as none of its runs waits or runs. */
export function settled(state: JobState, active: number, queued: number): JobState {
  return state === 'ending' && active === 0 && queued === 0 ? 'finished' : state;
}
