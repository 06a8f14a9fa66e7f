import { afterAll, describe, expect, it } from 'vitest';
import { Scheduler } from '../../src/index.ts';
import { RedisJobStore } from '../../src/stores/redis/index.ts';
import { storeContract } from '../../src/testing/store-contract.ts';
import { recordingLog } from '../fixtures/requests.ts';
import { type RedisServer, startRedis, startValkey } from '../servers/redis.ts';
import { contextOf, freshPrefix, handClock } from './redis-probe.ts';

const redis = await startRedis();
if (redis !== undefined) describe('the Redis store', () => keepsTheContract(redis));

const valkey = await startValkey();
if (valkey !== undefined) {
  describe('the Redis store on Valkey', () => {
    keepsTheContract(valkey);

    it('tells other processes at once, and runs their jobs', async () => {
      const prefix = freshPrefix();
      const processes = [1, 2].map(() => {
        const jobStore = new RedisJobStore({ url: valkey.url, prefix, pollInterval: '1h' });
        return new Scheduler({ jobStore, logger: recordingLog().log });
      });
      const [adds, runs] = processes;
      if (adds === undefined || runs === undefined) throw new Error('two are needed');
      adds.task('note');
      runs.task('note', (word: string) => word);
      const over = new Promise((resolve) => runs.on('jobExecuted', ({ value }) => resolve(value)));
      await runs.start();
      await adds.start();
      await adds.addJob('note', { id: 'a', trigger: 'date', args: ['heard'] });
      expect(await over).toBe('heard');
      for (const scheduler of processes) await scheduler.shutdown();
    });
  });
}

function keepsTheContract(server: RedisServer): void {
  afterAll(() => server.stop());
  const laws = storeContract({
    create: async ({ keepRuns }) => {
      const clock = handClock();
      const keep = keepRuns === undefined ? {} : { keepRuns };
      const store = new RedisJobStore({ url: server.url, prefix: freshPrefix(), now: () => clock.now(), ...keep });
      return { store, context: contextOf(clock), clock };
    },
  });
  for (const law of laws) it(law.name, law.run);
}
