import type { JobStore } from '../core/job-store.ts';
import type { RunStore } from '../core/run-store.ts';
import type { Awaitable, Store } from '../core/store.ts';
import { SchedulerError, StoreError } from '../errors.ts';

/** A store as callers outside passes ask it: what its driver throws reaches them as a `StoreError`. Answers at once where the store does. */
export interface StoreCalls {
  readonly jobs: Pick<JobStore, 'add' | 'update' | 'remove' | 'get' | 'list' | 'fire'>;
  readonly runs: Pick<RunStore, 'list' | 'cancel'>;
  close(): Awaitable<void>;
}

export function storeCalls(store: Store, alias: string): StoreCalls {
  const { jobs, runs } = store;
  const call = <Answer>(operation: string, ask: () => Awaitable<Answer>): Awaitable<Answer> => {
    try {
      const answer = ask();
      return answer instanceof Promise ? answer.catch((error: unknown) => failed(alias, operation, error)) : answer;
    } catch (error) {
      return failed(alias, operation, error);
    }
  };
  return {
    jobs: {
      add: (list, options) => call('add', () => jobs.add(list, options)),
      update: (job, changes) => call('update', () => jobs.update(job, changes)),
      remove: (ids) => call('remove', () => jobs.remove(ids)),
      get: (id) => call('get', () => jobs.get(id)),
      list: () => call('list', () => jobs.list()),
      fire: (batch, claimant) => call('fire', () => jobs.fire(batch, claimant)),
    },
    runs: {
      list: (filter) => call('list runs', () => runs.list(filter)),
      cancel: (id, reason) => call('cancel', () => runs.cancel(id, reason)),
    },
    close: () => call('close', () => store.close()),
  };
}

/** What punctual says itself, such as of an option, stays as it is. */
export function failed(alias: string, operation: string, error: unknown): never {
  throw error instanceof SchedulerError ? error : new StoreError(alias, operation, error);
}
