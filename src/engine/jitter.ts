import type { Trigger } from '../core/trigger.ts';

/** The last moment that a Date can hold. */
const LAST_INSTANT = 8.64e15;

/**
 * How many milliseconds after its nominal time a fire time is due: at least 0, less than both the job's jitter and the
 * distance to the next fire time. The same for the same job id and nominal time, so that every process computes the same.
 */
export function jitterOf(jobId: string, scheduledAt: number, limit: number, trigger: Trigger): number {
  if (limit <= 0) return 0;
  const next = trigger.next(scheduledAt);
  const room = Math.min(limit, (next ?? LAST_INSTANT + 1) - scheduledAt - 1);
  return Math.floor(fraction(`${jobId}\n${scheduledAt}`) * (room + 1));
}

/** A number in [0, 1) from a text: FNV-1a, then the finalizer of MurmurHash3 to spread neighbouring texts. */
function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
