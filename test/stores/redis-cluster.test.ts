import { Cluster, Redis } from 'ioredis';
import { afterAll, describe, expect, it } from 'vitest';
import { RedisJobStore } from '../../src/stores/redis/index.ts';
import { StoreProbe } from '../../src/testing/store-contract/probe.ts';
import { startRedis } from '../servers/redis.ts';
import { contextOf, freshPrefix, handClock } from './redis-probe.ts';

const server = await startRedis({ flags: ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'] });
afterAll(() => server?.stop());

describe.runIf(server !== undefined)('the Redis store over a cluster', () => {
  it('runs its steps and hears of changes', async () => {
    const admin = new Redis(server?.url ?? '');
    // One node with all slots.
    await admin.call('CLUSTER', 'ADDSLOTS', ...Array.from({ length: 16_384 }, (_, slot) => slot));
    while (!String(await admin.call('CLUSTER', 'INFO')).includes('cluster_state:ok'));
    const client = new Cluster([{ host: '127.0.0.1', port: server?.port ?? 0 }]);
    const [clock, prefix] = [handClock(), freshPrefix()];
    const [store, other] = [1, 2].map(() => new RedisJobStore({ client, prefix, now: () => clock.now() }));
    if (store === undefined || other === undefined) throw new Error('two are needed');
    await store.open(contextOf(clock));
    await other.open(contextOf(clock));
    const listeners = async (): Promise<unknown> => (await admin.pubsub('NUMSUB', `{${prefix}}:wake`))[1];
    while (Number(await listeners()) < 2);
    const heard = new Promise<number | undefined>((resolve) => {
      other.watch((time) => {
        if (time !== undefined) resolve(time);
      });
    });
    const probe = new StoreProbe({ store, context: contextOf(clock), clock });
    const { run } = await probe.start('over-there');
    expect(await heard).toBe(clock.now());
    expect(await probe.finish(probe.end(run, 'succeeded', { value: 1 }))).toBe(true);
    expect((await probe.run(run.id)).value).toBe(1);
    await store.close();
    await other.close();
    client.disconnect();
    admin.disconnect();
  });
});
