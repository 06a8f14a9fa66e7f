import { afterAll, describe, test } from 'vitest';
import { bullmq } from '../../src/tasks/index.ts';
import { engineContract } from '../../src/testing/engine-contract.ts';
import { type RedisServer, startRedis } from '../servers/redis.ts';

const redis: RedisServer | undefined = await startRedis();

describe.skipIf(redis === undefined)('BullMQ keeps the laws of the engine port:', () => {
  let number = 0;
  afterAll(() => redis?.stop());

  const cases = engineContract({
    async create() {
      number += 1;
      const options = { connection: redis?.url ?? '', prefix: `law${number}` };
      return { engine: bullmq(options), other: bullmq(options) };
    },
  });

  test.each(cases)('$name', ({ run }) => run());
});
