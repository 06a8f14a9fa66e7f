import type { JobRecord } from '../../core/job.ts';
import type { Finish, NewRun, RunRecord, RunState } from '../../core/run.ts';
import { decodeError, decodeValue, encodeError, encodeValue, rowFormat } from '../codec.ts';
import { line, readReason, readTime, reasonLine, sortable, unline } from './line.ts';

/**
 * A run to be recorded, as `lua/fire.ts` takes it, put at the end of a list: its kind and place, then its row, cut in two where the script has something to put in.
 * `lua/prelude.ts` shows the whole row.
 */
export function pushNewRun(list: string[], run: NewRun, { id, job, owner }: { id: string; job: JobRecord; owner: string }): void {
  const { outcome, scheduledAt, dueAt } = run;
  const key = line(id);
  const place = sortable(scheduledAt) + key;
  const manual = run.manual === undefined ? 0 : 1;
  const fixed = `${manual}|${job.uid}|${scheduledAt}\n${line(job.id)}`;
  const rest = `${reasonLine(run.reason)}\n${newBody(run)}`;
  if (outcome === 'running') list.push(`r${place}`, '1|running|', `|0|0|${dueAt}||${fixed}\n${line(owner)}\n${rest}`);
  else if (outcome === 'waiting')
    list.push(`w${place}`, `1|waiting|0|0|0|${dueAt}||${fixed}\n\n${rest}`, `${job.uid}:${sortable(dueAt)}:${key}`);
  else list.push(`o${place}`, `1|${outcome}|0|0|0|${dueAt}|`, `|${fixed}\n\n${rest}`);
}

/** The row that a held run becomes. */
export function finishedRow(item: Finish): string {
  const { run, outcome } = item;
  const finished = outcome === 'waiting' ? '' : (item.finishedAt ?? '');
  const head = `1|${outcome}|${run.fence}|${run.crashes}|0|${item.dueAt}|${finished}|${run.manual ? 1 : 0}|${run.uid}|${run.scheduledAt}`;
  return `${head}\n${line(run.jobId)}\n\n${reasonLine(item.reason)}\n${finishedBody(item)}`;
}

/** The body is what only readers need: `[startedAt, attempt, coalesced, coalescedFrom, value, error]`. */
function newBody(run: NewRun): string {
  return run.coalesced === 1 && run.coalescedFrom === undefined ? '[null,0,1]' : `[null,0,${run.coalesced},${run.coalescedFrom ?? 'null'}]`;
}

function finishedBody(item: Finish): string {
  const { coalesced, coalescedFrom } = item.run;
  const value = encodeValue(item.value);
  const error = encodeError(item.error);
  const start = `[${item.startedAt ?? 'null'},${item.attempt},${coalesced}`;
  if (value === undefined && error === undefined && coalescedFrom === undefined) return `${start}]`;
  return `${start},${coalescedFrom ?? 'null'},${textOrNull(value)},${textOrNull(error)}]`;
}

/** A run of its row; `undefined` for one that this release cannot read. A body that was damaged shows as if it said nothing. */
export function readRun(id: string, row: string, progress: string): RunRecord | undefined {
  const [head = '', jobId = '', owner = '', reason = '', body = ''] = row.split('\n');
  const [format, outcome = '', fence, crashes, cancel, due, finished = '', manual, uid, scheduled] = head.split('|');
  if (Number(format) !== rowFormat || !isRunState(outcome)) return undefined;
  const [startedAt, attempt, coalesced, coalescedFrom, value, error] = readBody(body);
  return {
    id: unline(id),
    jobId: unline(jobId),
    uid: Number(uid),
    manual: manual === '1',
    scheduledAt: Number(scheduled),
    dueAt: Number(due),
    startedAt: numberOr(startedAt, undefined),
    finishedAt: readTime(finished),
    attempt: numberOr(attempt, 0),
    crashes: Number(crashes),
    outcome,
    // Of one that was asked to stop and still runs, it is the reason of that.
    reason: outcome === 'running' && cancel === '1' ? undefined : readReason(reason),
    value: typeof value === 'string' ? decodeValue(value) : undefined,
    error: typeof error === 'string' ? decodeError(error) : undefined,
    coalesced: numberOr(coalesced, 1),
    coalescedFrom: numberOr(coalescedFrom, undefined),
    owner: owner === '' ? undefined : unline(owner),
    fence: Number(fence),
    progress: progress === '' ? undefined : decodeValue(progress),
  };
}

function readBody(body: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(body);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function textOrNull(text: string | undefined): string {
  return text === undefined ? 'null' : JSON.stringify(text);
}

function numberOr<T>(value: unknown, otherwise: T): number | T {
  return typeof value === 'number' ? value : otherwise;
}

const states: ReadonlySet<string> = new Set<RunState>([
  'waiting',
  'running',
  'succeeded',
  'failed',
  'missed',
  'skipped',
  'cancelled',
  'lost',
]);

function isRunState(text: string): text is RunState {
  return states.has(text);
}
