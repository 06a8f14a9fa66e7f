import type { JobsOptions } from 'bullmq';
import type { RetryPolicy } from '../../core/job.ts';
import type { Feed, Priority, RunOrigin, TaskMessage } from '../engine.ts';

/**
 * What a BullMQ job of ours carries, beside its name, which is the task's. A job that another producer adds with just `args` is as good.
 * Times are epoch milliseconds, lengths milliseconds.
 */
export interface JobData {
  readonly args: readonly unknown[];
  readonly eta?: number | undefined;
  readonly expires?: number | undefined;
  readonly timeout?: number | undefined;
  readonly retry?: RetryPolicy | undefined;
  readonly origin?: RunOrigin | undefined;
  readonly feed?: Feed | undefined;
  /** Keys of the jobs whose results it is fed, in their order. */
  readonly children?: readonly string[] | undefined;
  /** The reason, once it was revoked. */
  readonly revoked?: string | undefined;
}

/** BullMQ takes lower numbers first, and those without a number before all. */
const priorityNumbers: Readonly<Record<Priority, number>> = { highest: 1, high: 2, normal: 3, low: 4, lowest: 5 };

export function jobData(message: TaskMessage): JobData {
  const { args, eta, expires, timeout, retry, origin } = message;
  if (eta === undefined && expires === undefined && timeout === undefined && retry === undefined && origin === undefined) return { args };
  return {
    args,
    ...(eta !== undefined && { eta }),
    ...(expires !== undefined && { expires }),
    ...(timeout !== undefined && { timeout }),
    ...(retry !== undefined && { retry }),
    ...(origin !== undefined && { origin }),
  };
}

export function jobOptions(message: TaskMessage, now: number): JobsOptions & { jobId: string } {
  const { id, priority, eta, ignoreResult } = message;
  if (eta === undefined && !ignoreResult) return { jobId: id, priority: priorityNumbers[priority] };
  return {
    jobId: id,
    priority: priorityNumbers[priority],
    ...(eta !== undefined && eta > now && { delay: eta - now }),
    ...(ignoreResult && { removeOnComplete: true }),
  };
}

/** What a job carries, or what is wrong with it. */
export type ReadJob = { readonly ok: true; readonly data: JobData } | { readonly ok: false; readonly problem: string };

/** Nothing that comes out of a queue is believed before it was looked at. */
export function readJobData(name: unknown, data: unknown): ReadJob {
  if (typeof name !== 'string' || name === '') return problem('it names no task');
  if (!isRecord(data)) return problem('its data is not an object');
  const { args, eta, expires, timeout, retry, origin, feed, children, revoked } = data;
  if (!Array.isArray(args)) return problem('its data has no array "args"');
  if (!isOptional(eta, isTime)) return problem('"eta" is not a time');
  if (!isOptional(expires, isTime)) return problem('"expires" is not a time');
  if (!isOptional(timeout, isTime)) return problem('"timeout" is not a length of time');
  if (!isOptional(retry, isRetry)) return problem('"retry" is not a retry policy');
  if (!isOptional(origin, isOrigin)) return problem('"origin" is not the origin of a run');
  if (!isOptional(feed, isFeed)) return problem('"feed" is neither "one" nor "list"');
  if (!isOptional(children, isTexts)) return problem('"children" is not a list of keys');
  if (!isOptional(revoked, isText)) return problem('"revoked" is not a reason');
  return { ok: true, data: { args, eta, expires, timeout, retry, origin, feed, children, revoked } };
}

function problem(what: string): ReadJob {
  return { ok: false, problem: `no task can be made of this message: ${what}` };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isOptional<T>(value: unknown, is: (value: unknown) => value is T): value is T | undefined {
  return value === undefined || is(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}

function isFeed(value: unknown): value is Feed {
  return value === 'one' || value === 'list';
}

function isRetry(value: unknown): value is RetryPolicy {
  return isRecord(value) && isTime(value['limit']) && isTime(value['delay']) && isTime(value['backoff']) && isTime(value['maxDelay']);
}

function isOrigin(value: unknown): value is RunOrigin {
  return isRecord(value) && isText(value['jobId']) && isText(value['runId']) && isTime(value['scheduledAt']) && isTime(value['attempt']);
}
