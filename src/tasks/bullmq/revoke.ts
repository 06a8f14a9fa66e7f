import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { queueOf } from '../task-id.ts';
import type { OwnKeys } from './keys.ts';

/** What revoking is done with. */
export interface RevokeSource {
  readonly redis: Redis;
  readonly keys: OwnKeys;
  /** Milliseconds that it is remembered. */
  readonly rememberMs: number;
  queue(name: string): Promise<Queue>;
}

/** What workers are told. */
export interface Revocation {
  readonly id: string;
  readonly reason: string;
}

/**
 * Revokes a task, wherever it is. BullMQ has no way to end a job that no worker holds but to remove it, which would let the parent in a
 * flow go on without it and, if it just ended, take its result away. So it is marked, in three places:
 *
 *   a tombstone   its status is REVOKED from now on, for everybody
 *   its data      whichever worker takes it, now or after a crash, ends it unrun, and its parent hears of a failed child
 *   the channel   the worker that runs it stops it
 *
 * Answers whether there was something to stop.
 */
export async function revokeTask(id: string, reason: string, source: RevokeSource): Promise<boolean> {
  const { redis, keys, rememberMs } = source;
  const queueName = queueOf(id);
  const jobKey = keys.job(queueName, id);
  const [timestamp, finishedOn] = await redis.hmget(jobKey, 'timestamp', 'finishedOn');
  if (timestamp == null || finishedOn != null) return false;
  const first = await redis.set(keys.revoked(id), reason, 'PX', rememberMs, 'NX');
  if (first === null) return false;

  const queue = await source.queue(queueName);
  const job = await queue.getJob(id);
  await job?.updateData({ ...job.data, revoked: reason });
  await redis.publish(keys.revocations, JSON.stringify({ id, reason } satisfies Revocation));
  await redis.xadd(`${keys.queue(queueName)}:events`, 'MAXLEN', '~', 10_000, '*', 'event', 'revoked', 'jobId', id);
  // So that it does not stay in the queue until its time has come.
  if ((await job?.getState()) === 'delayed') await job?.promote().catch(() => undefined);

  // What it waited for is not needed any more.
  for (const child of await redis.smembers(`${jobKey}:dependencies`)) {
    await revokeTask(child.slice(child.lastIndexOf(':') + 1), reason, source);
  }
  return true;
}

/** A message from the channel, which anybody may write to. */
export function readRevocation(text: string): Revocation | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('id' in value && 'reason' in value)) return undefined;
    const { id, reason } = value;
    return typeof id === 'string' && typeof reason === 'string' ? { id, reason } : undefined;
  } catch {
    return undefined;
  }
}
