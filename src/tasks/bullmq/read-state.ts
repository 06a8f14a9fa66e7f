import type { Redis } from 'ioredis';
import { WorkerCrashedError } from '../../errors.ts';
import type { TaskState, TaskStatus } from '../engine.ts';
import { TaskChildError, TaskRevokedError } from '../errors.ts';
import { revive } from '../failure.ts';
import { queueOf } from '../task-id.ts';
import type { OwnKeys } from './keys.ts';

/** What states are read with. */
export interface StateSource {
  readonly redis: Redis;
  readonly keys: OwnKeys;
  /** BullMQ's word for where a job is. */
  stateOf(queue: string, id: string): Promise<string>;
  /** Whether the tombstone of a task sent at this time may have expired. */
  forgotten(sent: number): boolean;
}

/** The members of a BullMQ job's hash that tell where it stands. The data is left out: it may be large. */
const fields = ['timestamp', 'finishedOn', 'returnvalue', 'failedReason', 'stacktrace', 'ats', 'atm', 'progress'] as const;

/** How deep the failures of a flow are followed to the first of them. */
const maxDepth = 20;

const revokedPrefix = 'revoked: ';

/** What a revoked task's failure says, for `readState` to know it again. */
export function revokedText(reason: string): string {
  return revokedPrefix + reason;
}

/** Where a task stands, or `undefined` if Redis does not know it. */
export async function readState(id: string, source: StateSource, depth = 0): Promise<TaskState | undefined> {
  const queue = queueOf(id);
  const { redis, keys } = source;
  const [values, tombstone] = await Promise.all([redis.hmget(keys.job(queue, id), ...fields), redis.get(keys.revoked(id))]);
  const [timestamp, finishedOn, returned, failed, stacktrace, started, made, progress] = values;
  const state = (status: TaskStatus, more: { value?: unknown; error?: unknown }): TaskState => ({
    id,
    status,
    value: more.value,
    error: more.error,
    attempts: Math.max(Number(started ?? 0), Number(made ?? 0)),
    progress: progress == null ? undefined : parse(progress),
  });
  const revoked = (reason: string): TaskState => state('REVOKED', { error: new TaskRevokedError(id, reason) });

  if (timestamp == null && finishedOn == null) return tombstone === null ? undefined : revoked(tombstone);
  if (finishedOn != null && returned != null) return state('SUCCESS', { value: parse(returned) });
  if (tombstone !== null) return revoked(tombstone);
  const stack = lastOf(parse(stacktrace ?? '[]'));
  if (finishedOn != null) {
    const message = failed ?? '';
    if (message.startsWith(revokedPrefix) && stack.startsWith('TaskRevokedError [')) return revoked(message.slice(revokedPrefix.length));
    return state('FAILURE', { error: await failureOf(id, { message, stack }, { source, depth }) });
  }
  const place = await source.stateOf(queue, id);
  if (place === 'active') return state('STARTED', {});
  // It may have ended while we asked.
  if ((place === 'completed' || place === 'failed') && depth < maxDepth) return readState(id, source, depth + 1);
  if (source.forgotten(Number(timestamp))) {
    const reason = revocationIn(await redis.hget(keys.job(queue, id), 'data'));
    if (reason !== undefined) return revoked(reason);
  }
  if (Number(made ?? 0) > 0) return state('RETRY', { error: revive({ message: failed ?? '', stack }) });
  return state('PENDING', {});
}

/** BullMQ's own failures under our names; every other is the task's. */
async function failureOf(
  id: string,
  failure: { message: string; stack: string },
  at: { source: StateSource; depth: number },
): Promise<unknown> {
  if (failure.stack === '' || failure.stack.startsWith('UnrecoverableError: ')) {
    const child = /^child (.+) failed$/.exec(failure.message)?.[1];
    if (child !== undefined) {
      const childId = child.slice(child.lastIndexOf(':') + 1);
      const state = at.depth < maxDepth ? await readState(childId, at.source, at.depth + 1) : undefined;
      return new TaskChildError(id, childId, state?.error ?? 'its result has expired');
    }
    if (/stalled more than/.test(failure.message)) {
      return new WorkerCrashedError('its workers died under it, again and again, so it is not run any more');
    }
  }
  return revive(failure);
}

/** A task that no worker came for outlives its tombstone, and still says that it was revoked. */
function revocationIn(data: string | null): string | undefined {
  const value = parse(data ?? '{}');
  const reason: unknown = typeof value === 'object' && value !== null && 'revoked' in value ? value.revoked : undefined;
  return typeof reason === 'string' ? reason : undefined;
}

function lastOf(traces: unknown): string {
  const last: unknown = Array.isArray(traces) ? traces.at(-1) : undefined;
  return typeof last === 'string' ? last : '';
}

/** Text that was written by others; what is not JSON is given as it is. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
