import { createHash, randomUUID } from 'node:crypto';
import { InvalidOptionError } from '../errors.ts';

/** Where tasks go that name no queue. */
export const defaultQueue = 'default';

const queuePattern = /^[\p{L}\p{N}_.-]{1,100}$/u;
// No colon and no pure integer: BullMQ keeps both for itself.
const idPattern = /^(?!\d+$)[\w.-]{1,200}$/;
// Beside its jobs BullMQ keeps what belongs to the queue itself, under these names.
const reserved: ReadonlySet<string> = new Set([
  ...['active', 'wait', 'waiting-children', 'paused', 'id', 'delayed', 'prioritized', 'priority', 'stalled-check', 'completed', 'failed'],
  ...['stalled', 'repeat', 'limiter', 'meta', 'metrics', 'events', 'pc', 'marker', 'de'],
]);

function isId(text: string): boolean {
  return idPattern.test(text) && !reserved.has(text);
}

/** @throws InvalidOptionError for a name that not every engine can have */
export function checkQueue(queue: unknown, option: string): string {
  if (typeof queue === 'string' && queuePattern.test(queue)) return queue;
  throw new InvalidOptionError(option, queue, 'a queue name of 1 to 100 letters, digits, "_", "." or "-"');
}

/**
 * The id of a task in a queue: `<own id>@<queue>`, without the queue for the default one, so that a task can be found by its id
 * alone, without an index that would cost a write for every task sent.
 * @param own a new UUID if not given
 */
export function taskId(queue: string, own?: string): string {
  if (own !== undefined && !(typeof own === 'string' && isId(own))) {
    const expected = 'a text of 1 to 200 letters, digits, "_", "." or "-" that is neither a number nor a word of BullMQ such as "wait"';
    throw new InvalidOptionError('id', own, expected);
  }
  const name = own ?? randomUUID();
  return queue === defaultQueue ? name : `${name}@${queue}`;
}

/** The queue that a task's id names. @throws InvalidOptionError for what is no id of a task */
export function queueOf(id: string): string {
  const at = typeof id === 'string' ? id.indexOf('@') : -1;
  if (typeof id !== 'string' || !isId(at === -1 ? id : id.slice(0, at))) {
    throw new InvalidOptionError('id', id, 'the id of a task, as result.id has it');
  }
  return at === -1 ? defaultQueue : checkQueue(id.slice(at + 1), 'id');
}

/** The same run and attempt have the same id in every process, so that sending twice is sending once. */
export function dispatchId(runId: string, attempt: number): string {
  return `run-${createHash('sha256').update(runId).digest('base64url').slice(0, 27)}-${attempt}`;
}
