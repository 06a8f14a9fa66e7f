import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, test } from 'vitest';
import { forgetOld } from '../../src/tasks/bullmq/housekeeping.ts';
import { bullmq, TaskApp } from '../../src/tasks/index.ts';
import { type RedisServer, startRedis } from '../servers/redis.ts';

const redis: RedisServer | undefined = await startRedis();

describe.skipIf(redis === undefined)('of the tasks that ended', () => {
  const client = new Redis(redis?.url ?? '', { maxRetriesPerRequest: null, lazyConnect: true });
  const app = new TaskApp({ engine: bullmq({ connection: redis?.url ?? '' }), logger: { debug() {}, info() {}, warn() {}, error() {} } });
  const echo = app.task('echo', (n: number) => n);
  const bad = app.task('bad', () => Promise.reject(new Error('no')));
  const queue = new Queue('default', { connection: client });

  afterAll(async () => {
    await app.close();
    await queue.close();
    client.disconnect();
    await redis?.stop();
  });

  /** Thirty that succeeded and thirty that failed. */
  async function fill(): Promise<void> {
    await client.flushall();
    const worker = app.worker({ concurrency: 1 });
    await worker.start();
    const sent = [];
    for (let n = 0; n < 30; n += 1) sent.push(await echo.delay(n), await bad.delay());
    for (const result of sent) await result.get({ timeout: '10s' }).catch(() => undefined);
    await worker.stop();
  }

  const counts = async () => [await client.zcard('bull:default:completed'), await client.zcard('bull:default:failed')];

  test('the newest stay, up to the count', async () => {
    await fill();
    const newest = await client.zrevrange('bull:default:completed', 0, 0);
    await forgetOld(queue, client, { keep: { age: 60_000, count: 10 }, now: Date.now() });
    const [completed = 0, failed = 0] = await counts();
    // Those that ended in the same millisecond go together.
    expect(completed).toBeLessThanOrEqual(10);
    expect(completed).toBeGreaterThanOrEqual(5);
    expect(failed).toBeLessThanOrEqual(10);
    expect(await client.exists(`bull:default:${newest[0]}`)).toBe(1);
    expect(await client.keys('bull:default:*-*-*-*-*')).toHaveLength(completed + failed);
  });

  test('none stays past its age', async () => {
    await fill();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await forgetOld(queue, client, { keep: { age: 1, count: 1_000 }, now: Date.now() })).toBe(60);
    expect(await counts()).toEqual([0, 0]);
  });

  test('all stay that are neither too old nor too many', async () => {
    await fill();
    expect(await forgetOld(queue, client, { keep: { age: 60_000, count: 30 }, now: Date.now() })).toBe(0);
    expect(await counts()).toEqual([30, 30]);
  });
});
