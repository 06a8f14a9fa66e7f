import type { Finish, RunState } from '../core/run.ts';
import type { Taken } from '../core/run-store.ts';

/** The answer to an end that is written again, as its first answer was lost on the way: the run is over by now, or waits. */
export function takenAgain({ outcome }: Finish, before: { readonly outcome: RunState; readonly reason: string | undefined }): Taken {
  if (before.outcome === outcome) return true;
  if (outcome !== 'waiting') return false;
  // It waited, or was to, and that came to nothing.
  return before.outcome === 'cancelled' ? { cancelled: before.reason ?? 'it was cancelled' } : before.outcome === 'skipped';
}
