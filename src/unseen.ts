import type { Lane } from './engine/lane.ts';
import { SchedulerStateError } from './errors.ts';

/** Refuses a question about a persistent store that is not open: nothing of what it holds would be in the answer. */
export function refuseUnseen(lane: Lane, command: string): void {
  if (lane.isOpen || !lane.store.durable) return;
  throw new SchedulerStateError(
    `${command}: what the persistent job store ${JSON.stringify(lane.alias)} holds is seen after start(), or start({ paused: true })`,
  );
}
