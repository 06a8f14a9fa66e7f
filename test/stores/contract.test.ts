import { describe, it } from 'vitest';
import { MemoryJobStore } from '../../src/stores/memory.ts';
import type { Clock } from '../../src/core/clock.ts';
import { storeContract } from '../../src/testing/store-contract.ts';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** A clock that stands still; nothing here waits for it. */
function handClock(): Clock & { advance(ms: number): void } {
  let time = Date.UTC(2030, 0, 1);
  return {
    now: () => time,
    monotonic: () => time,
    wakeAt: () => () => undefined,
    wakeAfter: () => () => undefined,
    advance: (ms) => {
      time += ms;
    },
  };
}

describe('the memory store', () => {
  const laws = storeContract({
    create: async ({ keepRuns }) => {
      const clock = handClock();
      const store = new MemoryJobStore(keepRuns === undefined ? {} : { keepRuns });
      return { store, context: { alias: 'memory', clock, logger: quiet }, clock };
    },
    lacks: { durable: 'it is gone with its process', leases: 'no other process could take a run' },
  });
  for (const law of laws.filter((one) => one.skipped === undefined)) it(law.name, law.run);
});
