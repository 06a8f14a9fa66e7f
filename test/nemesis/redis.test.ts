import { Redis } from 'ioredis';
import { afterAll, afterEach, test } from 'vitest';
import { startProxy } from '../servers/proxy.ts';
import { startRedis } from '../servers/redis.ts';
import { describeOn } from '../servers/suite.ts';
import { sleep } from './cluster.ts';
import { networkHarms } from './network.ts';
import { besiege, dieAtEachPoint, type StoreHarm, takeOver, wrongClocks } from './siege.ts';

const server = await startRedis({ flags: ['--appendonly', 'yes'] });

describeOn('the nemesis on Redis', server, (redis) => {
  const admin = async (...words: readonly [string, ...string[]]): Promise<void> => {
    const client = new Redis(redis.url, { maxRetriesPerRequest: 50 });
    client.on('error', () => undefined);
    await client.call(...words);
    client.disconnect();
  };
  afterEach(() => admin('FLUSHALL'));
  const harms: readonly StoreHarm[] = [
    { name: 'clients killed', run: () => admin('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes') },
    { name: 'scripts flushed', run: () => admin('SCRIPT', 'FLUSH') },
    { name: 'restarted', run: () => redis.restart() },
    {
      name: 'killed and started',
      run: async () => {
        await redis.kill();
        await sleep(300);
        await redis.restart();
      },
    },
  ];
  const options = { lease: 2_000, pollInterval: 200 };

  test('nothing is lost and nothing runs twice, whatever dies', async () => {
    await besiege({ store: { url: redis.url, ...options }, harms });
  });

  test('nothing is lost and nothing runs twice behind a network that fails', async () => {
    const proxy = await startProxy({ port: redis.port });
    afterAll(() => proxy.stop());
    await besiege({ store: { url: proxy.urlFor(redis.url), ...options }, harms: networkHarms(proxy, /EVALSHA/) });
  });

  test('nothing is lost and nothing runs twice with wrong clocks', async () => {
    await besiege({ store: { url: redis.url, ...options }, nodes: wrongClocks });
  });

  test('a process may die at any point around a call', async () => dieAtEachPoint({ url: redis.url, ...options }));

  test('what a killed process ran begins elsewhere within its lease and a pass', async () =>
    takeOver({ url: redis.url, lease: 1_000, pollInterval: 100 }, 50));
});
