import type { Finish, RunState } from '../core/run.ts';
import type { Taken } from '../core/run-store.ts';

/**
 * The answer to an end, by where its run stands now; also to one that is written again, as its first answer was lost on the way. One that is
 * to wait may come to nothing at once or afterwards.
 */
export function takenAs({ outcome }: Finish, now: { readonly outcome: RunState; readonly reason: string | undefined }): Taken {
  if (now.outcome === outcome) return true;
  if (outcome !== 'waiting') return false;
  return now.outcome === 'cancelled' ? { cancelled: now.reason ?? 'it was cancelled' } : now.outcome === 'skipped';
}
