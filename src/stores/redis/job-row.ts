import type { JobChanges, JobDefinition, JobProgress, JobRecord, JobState } from '../../core/job.ts';
import { lastInstant } from '../../time/instants.ts';
import { decodeJob, encodeJob, rowFormat } from '../codec.ts';
import { line, readReason, readTime, reasonLine, unline } from './line.ts';

/** The parts of a job as the scripts take them; `lua/prelude.ts` shows the rows that they become. */
export interface JobArguments {
  readonly lane: string;
  /** `max|all|state|next|due|runCount` */
  readonly head: string;
  /** Id and reason, each on a line. */
  readonly tail: string;
  /** Registration, trigger (empty where it is the same), policy, task, executor and body, each on a line. */
  readonly definition: string;
}

/** Throws what the codec throws for a job that cannot be stored. */
export function jobArguments(job: JobDefinition & JobProgress): JobArguments {
  const text = encodeJob(job);
  const { task, executor, registration } = text;
  const trigger = text.trigger === registration ? '' : text.trigger;
  return {
    lane: laneLabel(executor, task),
    head: `${job.policy.maxInstances}|${job.policy.coalesce === 'all' ? 1 : 0}|${progressHead(job)}`,
    tail: jobTail(job.id, job.reason),
    definition: `${registration}\n${trigger}\n${text.policy}\n${line(task)}\n${line(executor)}\n${text.body}`,
  };
}

function laneLabel(executor: string, task: string): string {
  return `${rowFormat}[${JSON.stringify(executor)},${JSON.stringify(task)}]`;
}

/** `state|next|due|runCount` */
export function progressHead(progress: JobProgress): string {
  return `${progress.state}|${progress.nextRunTime ?? ''}|${progress.dueAt ?? ''}|${progress.runCount}`;
}

export function jobTail(id: string, reason: string | undefined): string {
  return reason === undefined ? `${line(id)}\n` : `${line(id)}\n${reasonLine(reason)}`;
}

/** Whether a change touches more than where the job stands. */
export function changesDefinition(changes: JobChanges): boolean {
  return Object.keys(changes).some((key) => !['nextRunTime', 'dueAt', 'state', 'reason', 'runCount'].includes(key));
}

/** A job read back; or, for one that cannot be read, whose it is as far as that is known, and why. */
export type ReadJob =
  | { readonly ok: true; readonly job: JobRecord }
  | {
      readonly ok: false;
      readonly uid: number;
      readonly id: string;
      readonly version: number | undefined;
      readonly state: string;
      readonly reason: string;
    };

/** A job of its row and its definition. */
export function readJob(row: string, text: string): ReadJob {
  const [head = '', id = '', reason = ''] = row.split('\n');
  const [format, uid, version, active, queued, , , , state = '', next = '', due = '', runCount] = head.split('|');
  if (Number(format) !== rowFormat || !isState(state)) {
    const known = Number(format) === rowFormat ? Number(version) : undefined;
    return { ok: false, uid: Number(uid), id: `job number ${uid}`, version: known, state, reason: 'its row is not readable' };
  }
  const [registration = '', trigger = '', policy = '', task = '', executor = '', body = ''] = text.split('\n');
  const name = unline(id);
  const decoded = decodeJob(name, {
    format: rowFormat,
    task: unline(task),
    executor: unline(executor),
    body,
    policy,
    trigger: trigger === '' ? registration : trigger,
    registration,
  });
  if (!decoded.ok) return { ok: false, uid: Number(uid), id: name, version: Number(version), state, reason: decoded.reason };
  if (![next, due].every(isTime) || !Number.isSafeInteger(Number(runCount)))
    return { ok: false, uid: Number(uid), id: name, version: Number(version), state, reason: 'a number in it is out of range' };
  const progress = { nextRunTime: readTime(next), dueAt: readTime(due), state, reason: readReason(reason), runCount: Number(runCount) };
  const counters = { uid: Number(uid), version: Number(version), active: Number(active), queued: Number(queued) };
  return { ok: true, job: jobRecord(decoded.value, progress, counters) };
}

/** A record of its parts. Written out, as this is made for every job of every step and all should have one shape. */
export function jobRecord(
  definition: JobDefinition,
  progress: JobProgress,
  counters: Pick<JobRecord, 'uid' | 'version' | 'active' | 'queued'>,
): JobRecord {
  return {
    id: definition.id,
    name: definition.name,
    task: definition.task,
    args: definition.args,
    executor: definition.executor,
    executorOptions: definition.executorOptions,
    policy: definition.policy,
    metadata: definition.metadata,
    trigger: definition.trigger,
    registration: definition.registration,
    nextRunTime: progress.nextRunTime,
    dueAt: progress.dueAt,
    state: progress.state,
    reason: progress.reason,
    runCount: progress.runCount,
    uid: counters.uid,
    version: counters.version,
    active: counters.active,
    queued: counters.queued,
  };
}

const states: ReadonlySet<string> = new Set<JobState>(['waiting', 'paused', 'parked', 'ending', 'finished']);

/** A time that is none would fail all that is decided with it. */
function isTime(text: string): boolean {
  return text === '' || Math.abs(Number(text)) <= lastInstant;
}

function isState(text: string): text is JobState {
  return states.has(text);
}
