/** Names of what this engine keeps in Redis besides BullMQ's own keys. They stand apart, so that no tool of BullMQ takes them for jobs. */
export interface OwnKeys {
  /** A queue, as BullMQ names it; what belongs to it follows after a colon. */
  queue(queue: string): string;
  job(queue: string, id: string): string;
  /** Says that a task was revoked, and why. Expires like a result. */
  revoked(id: string): string;
  /** What stood under the key of a job and is none. Expires like a result. */
  unreadable(queue: string, id: string): string;
  /** Channel on which workers hear of revoked tasks. */
  readonly revocations: string;
}

export function ownKeys(prefix: string): OwnKeys {
  return {
    queue: (queue) => `${prefix}:${queue}`,
    job: (queue, id) => `${prefix}:${queue}:${id}`,
    revoked: (id) => `punctual:${prefix}:revoked:${id}`,
    unreadable: (queue, id) => `punctual:${prefix}:unreadable:${queue}:${id}`,
    revocations: `punctual:${prefix}:revocations`,
  };
}
