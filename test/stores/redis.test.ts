import { afterAll, describe, it } from 'vitest';
import { RedisJobStore } from '../../src/stores/redis/index.ts';
import { storeContract } from '../../src/testing/store-contract.ts';
import { startRedis } from '../servers/redis.ts';
import { contextOf, freshPrefix, handClock } from './redis-probe.ts';

const server = await startRedis();
afterAll(() => server?.stop());

describe.runIf(server !== undefined)('the Redis store', () => {
  const laws = storeContract({
    create: async ({ keepRuns }) => {
      const clock = handClock();
      const keep = keepRuns === undefined ? {} : { keepRuns };
      const store = new RedisJobStore({ url: server?.url ?? '', prefix: freshPrefix(), now: () => clock.now(), ...keep });
      return { store, context: contextOf(clock), clock };
    },
  });
  for (const law of laws) it(law.name, law.run);
});
