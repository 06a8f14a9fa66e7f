import type { Redis } from 'ioredis';
import type { OwnKeys } from './keys.ts';

/** What the sweep is done with. */
export interface AsideSource {
  readonly redis: Redis;
  readonly keys: OwnKeys;
  /** Milliseconds that what stood in the place of a job is kept. */
  readonly rememberMs: number;
  now(): number;
}

/** What is wrong with a member of a job's hash, if something is. */
type Check = (text: string) => string | undefined;

const json: Check = (text) => (parsed(text) === undefined ? 'is not JSON' : undefined);
const object: Check = (text) => json(text) ?? (isRecord(parsed(text)?.value) ? undefined : 'is not an object');
const integer: Check = (text) => (/^-?\d+$/.test(text) ? undefined : 'is not a number');

/**
 * The members of a job's hash that BullMQ reads. One that is not as it expects makes taking or ending the job throw, again after each
 * redelivery.
 */
const checks: Readonly<Record<string, Check>> = {
  ...{ data: json, opts: object, progress: json, parent: object },
  ...{ atm: integer, ats: integer, stc: integer },
};
const fields = Object.keys(checks);

/**
 * Takes out of a queue's active list what cannot be read as a job, and puts it among the failed jobs with the reason and the text it had.
 * Answers with what was set aside.
 */
export async function setAsideUnreadable(queue: string, source: AsideSource): Promise<readonly { id: string; reason: string }[]> {
  const { redis, keys } = source;
  const aside: { id: string; reason: string }[] = [];
  for (const id of await redis.lrange(`${keys.queue(queue)}:active`, 0, -1)) {
    const found = await unreadable(keys.job(queue, id), redis);
    if (found === undefined) continue;
    await setAside(queue, { id, ...found }, source);
    aside.push({ id, reason: found.reason });
  }
  return aside;
}

/** What is wrong with a job, and its text; `undefined` if it can be read. */
async function unreadable(key: string, redis: Redis): Promise<{ reason: string; text: string; isHash: boolean } | undefined> {
  const type = await redis.type(key);
  if (type === 'none') return undefined;
  if (type !== 'hash') return { reason: `it is a Redis ${type}, not a job`, text: '', isHash: false };
  const [repeated, opts, ...values] = await redis.hmget(key, 'rjk', 'opts', ...fields);
  for (const [index, field] of fields.entries()) {
    const value = values[index];
    if (value == null || value === '') continue;
    const wrong = checks[field]?.(value);
    if (wrong !== undefined) return { reason: `its ${field} ${wrong}`, text: value.slice(0, 2_000), isHash: true };
  }
  const options = parsed(opts ?? '{}')?.value;
  if (repeated != null && !(isRecord(options) && 'repeat' in options)) {
    return { reason: 'it is of a schedule, but does not say which', text: (opts ?? '').slice(0, 2_000), isHash: true };
  }
  return undefined;
}

async function setAside(
  queue: string,
  job: { id: string; reason: string; text: string; isHash: boolean },
  source: AsideSource,
): Promise<void> {
  const { redis, keys, rememberMs } = source;
  const { id, text, isHash } = job;
  const base = keys.queue(queue);
  const key = keys.job(queue, id);
  const reason = `no task can be made of this message: ${job.reason}`;
  const now = source.now();
  const step = redis.multi();
  step.lrem(`${base}:active`, 0, id).srem(`${base}:stalled`, id).del(`${key}:lock`);
  if (!isHash) step.rename(key, keys.unreadable(queue, id)).pexpire(keys.unreadable(queue, id), rememberMs);
  // Readable from now on, also for whoever lists the failed jobs.
  step.hdel(key, 'parent', 'parentKey', 'progress', 'atm', 'ats', 'stc', 'rjk');
  step.hset(key, {
    data: JSON.stringify({ unreadable: text }),
    opts: '{}',
    failedReason: reason,
    stacktrace: JSON.stringify([`TaskMessageError [TASK_MESSAGE]: ${reason}`]),
  });
  step.hset(key, { finishedOn: now });
  step.hsetnx(key, 'name', 'unreadable').hsetnx(key, 'timestamp', now);
  step.zadd(`${base}:failed`, now, id);
  step.xadd(`${base}:events`, 'MAXLEN', '~', 10_000, '*', 'event', 'failed', 'jobId', id, 'failedReason', reason, 'prev', 'active');
  const answers = await step.exec();
  const failed = answers?.find(([error]) => error !== null)?.[0];
  if (failed != null) throw failed;
}

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
