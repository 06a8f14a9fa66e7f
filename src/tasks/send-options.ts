import { InvalidOptionError } from '../errors.ts';
import { type DurationInput, parseDuration } from '../time/duration.ts';
import { parseInstant, type TimeInput } from '../time/instants.ts';
import { strictJson } from '../stores/strict-json.ts';
import type { Priority, RunOrigin, TaskMessage } from './engine.ts';
import { checkQueue, taskId } from './task-id.ts';
import { checkBoolean, checkNames, checkPriority, type RetryInput, retryPolicy, type TaskPolicy } from './task-options.ts';

/** How one task is sent. What is not given is as the task was registered. */
export interface SendOptions {
  /** Not before so long from now. */
  readonly countdown?: DurationInput | undefined;
  /** Not before this moment; text without an offset is wall time in the app's zone. */
  readonly eta?: TimeInput | undefined;
  readonly queue?: string | undefined;
  readonly priority?: Priority | undefined;
  /** Revoked if it has not begun by then: a length of time from now, or a `Date` or luxon `DateTime`. */
  readonly expires?: DurationInput | Date | undefined;
  readonly timeout?: DurationInput | undefined;
  readonly retry?: RetryInput | undefined;
  readonly ignoreResult?: boolean | undefined;
  /** An id of your own: sending it again changes nothing and gives the same result. The result's id then is this one, with `@<queue>` for other queues. */
  readonly id?: string | undefined;
}

/** What a message is made of besides its options. */
export interface SendContext {
  readonly task: string;
  readonly policy: TaskPolicy;
  /** Epoch milliseconds. */
  readonly now: number;
  /** IANA zone of wall times. */
  readonly timezone: string;
  readonly origin?: RunOrigin | undefined;
}

const known: readonly string[] = [
  ...['countdown', 'eta', 'queue', 'priority', 'expires', 'timeout', 'retry', 'ignoreResult', 'id'],
] satisfies readonly string[];

/** What a task's message may take as JSON, in bytes. A queue is no place for files. */
const maxArgsBytes = 8_000_000;

/** What a call without options is given: known by identity, so that it need not be looked at. */
export const noOptions: SendOptions = Object.freeze({});

/**
 * The message for one call of a task.
 * @throws InvalidOptionError naming the option, NotSerializableError naming the place in the arguments
 */
export function makeMessage(args: readonly unknown[], options: SendOptions, context: SendContext): TaskMessage {
  if (!Array.isArray(args)) throw new InvalidOptionError('args', args, 'an array of arguments');
  if (!allPrimitive(args)) strictJson(args, 'args', { limit: maxArgsBytes });
  const { policy, task } = context;
  if (options !== noOptions) checkNames(options, known);
  if (options === noOptions || Object.keys(options).length === 0) {
    const { queue, priority, ignoreResult } = policy;
    return { id: taskId(queue), task, args, queue, priority, ignoreResult, idempotent: false, origin: context.origin };
  }
  const queue = options.queue === undefined ? policy.queue : checkQueue(options.queue, 'queue');
  return {
    task,
    args,
    origin: context.origin,
    id: taskId(queue, options.id),
    queue,
    priority: options.priority === undefined ? policy.priority : checkPriority(options.priority),
    idempotent: options.id !== undefined,
    ignoreResult: options.ignoreResult === undefined ? policy.ignoreResult : checkBoolean(options.ignoreResult, 'ignoreResult'),
    eta: etaOf(options, context),
    expires: expiryOf(options.expires, context.now),
    timeout: options.timeout === undefined ? undefined : parseDuration(options.timeout, 'timeout'),
    retry: options.retry === undefined ? undefined : retryPolicy(options.retry),
  };
}

function etaOf({ countdown, eta }: SendOptions, { now, timezone }: SendContext): number | undefined {
  if (countdown !== undefined && eta !== undefined) throw new InvalidOptionError('eta', eta, 'either countdown or eta, not both');
  if (countdown !== undefined) return now + parseDuration(countdown, 'countdown', { allowZero: true });
  return eta === undefined ? undefined : parseInstant(eta, { timezone, option: 'eta' });
}

function expiryOf(expires: SendOptions['expires'], now: number): number | undefined {
  if (expires === undefined) return undefined;
  const isMoment =
    expires instanceof Date || (typeof expires === 'object' && 'toMillis' in expires && !('toObject' in expires && 'as' in expires));
  if (isMoment) return parseInstant(expires as TimeInput, { timezone: 'utc', option: 'expires' });
  return now + parseDuration(expires, 'expires', { allowZero: true });
}

function allPrimitive(args: readonly unknown[]): boolean {
  // By index, so that a hole is seen.
  for (let index = 0; index < args.length; index += 1) if (!isPrimitive(args[index])) return false;
  return true;
}

/** What JSON surely carries, so that most calls need no walk over their arguments. */
export function isPrimitive(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value);
    default:
      return value === null;
  }
}
