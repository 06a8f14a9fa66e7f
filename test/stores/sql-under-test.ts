import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoreContext } from '../../src/core/store.ts';
import type { Clock } from '../../src/core/clock.ts';
import { SqlJobStore, type SqlJobStoreOptions } from '../../src/stores/sql/index.ts';
import type { StoreUnderTest, StoreUnderTestOptions } from '../../src/testing/store-contract.ts';

export const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** The process's clock, for stores that wait for real things. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  wakeAt: (time, callback) => realClock.wakeAfter(time - Date.now(), callback),
  wakeAfter: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

export const context: StoreContext = { alias: 'test', clock: realClock, logger: quiet };

/** A directory of the test's own. */
export function temporaryDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'sql-'));
}

let count = 0;

/** A prefix that no other store in this run has. */
export function freshPrefix(): string {
  count += 1;
  return `t${process.pid}_${count}_`;
}

/** A store whose clock stands still in the test's hand. */
export function handTimed(options: SqlJobStoreOptions, { keepRuns }: StoreUnderTestOptions): StoreUnderTest {
  let time = Date.UTC(2030, 0, 1);
  const store = new SqlJobStore({ prefix: freshPrefix(), ...options, now: () => time, ...(keepRuns === undefined ? {} : { keepRuns }) });
  return {
    store,
    context,
    clock: {
      now: () => time,
      advance: (ms) => {
        time += ms;
      },
    },
  };
}
