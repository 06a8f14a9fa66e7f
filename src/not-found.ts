import type { Lane } from './engine/lane.ts';
import { JobNotFoundError } from './errors.ts';

/** The error for an id that none of these stores has, which says so if one of them could not be asked. */
export function jobNotFound(id: string, lanes: Iterable<Lane>): JobNotFoundError {
  const unseen = [...lanes].some((lane) => lane.store.durable && !lane.isOpen);
  return new JobNotFoundError(
    id,
    unseen ? 'none that waits for the start has it, and what is stored is seen after start(), or start({ paused: true })' : undefined,
  );
}
