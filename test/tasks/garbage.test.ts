import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AppTask, bullmq, TaskApp } from '../../src/tasks/index.ts';
import { type RedisServer, startRedis } from '../servers/redis.ts';

const redis: RedisServer | undefined = await startRedis();
const prefix = 'odd';

describe.skipIf(redis === undefined)('garbage in a queue stops no worker, and is set aside with its reason:', () => {
  const url = redis?.url ?? '';
  let client: Redis;
  let queue: Queue;
  let app: TaskApp;
  let fine: AppTask<[number], number>;

  beforeEach(async () => {
    client = new Redis(url, { maxRetriesPerRequest: null });
    await client.flushall();
    queue = new Queue('default', { connection: client, prefix });
    app = new TaskApp({
      engine: bullmq({ connection: url, prefix, lockDuration: 1_000, stalledInterval: 300 }),
      logger: { debug() {}, info() {}, warn() {}, error() {} },
    });
    fine = app.task('fine', (n: number) => n);
  });
  afterEach(async () => {
    await app.close();
    await queue.close();
    client.disconnect();
  });
  afterAll(() => redis?.stop());

  const key = (name: string): string => `${prefix}:default:${name}`;

  /** Spoils a job in some way, then sees that it is set aside and that the tasks around it are done. */
  async function among(spoil: () => Promise<string>): Promise<string | undefined> {
    const before = await fine.delay(1);
    const id = await spoil();
    const after = await Promise.all([2, 3, 4].map((n) => fine.delay(n)));
    const worker = app.worker({ concurrency: 1 });
    await worker.start();
    expect(await before.get({ timeout: '10s' })).toBe(1);
    expect(await Promise.all(after.map((result) => result.get({ timeout: '10s' })))).toEqual([2, 3, 4]);
    await expect.poll(async () => (await queue.getFailed()).map((job) => job.id), { timeout: 10_000 }).toContain(id);
    await expect.poll(() => client.llen(key('active')), { timeout: 10_000 }).toBe(0);
    expect(await (await fine.delay(5)).get({ timeout: '10s' })).toBe(5);
    return (await queue.getJob(id))?.failedReason;
  }

  test.each<[string, unknown, RegExp]>([
    ['no object', 'text', /not an object/],
    ['no arguments', { foo: 1 }, /no array "args"/],
    ['arguments that are no array', { args: { a: 1 } }, /no array "args"/],
    ['an expiry that is no time', { args: [], expires: 'soon' }, /"expires"/],
    ['a retry policy that is none', { args: [], retry: { limit: 'x' } }, /"retry"/],
    ['children that are no keys', { args: [], feed: 'list', children: [1] }, /"children"/],
  ])('a job with %s', async (_name, data, reason) => {
    expect(await among(async () => (await queue.add('fine', data, { jobId: 'odd' })).id ?? '')).toMatch(reason);
  });

  test('a job of another producer that has arguments is as good as ours', async () => {
    const job = await queue.add('fine', { args: [17] });
    const worker = app.worker();
    await worker.start();
    await expect.poll(async () => (await queue.getJob(job.id ?? ''))?.returnvalue).toBe(17);
  });

  test.each(['data', 'opts', 'progress', 'parent'])('a job whose %s is not JSON', async (field) => {
    const reason = await among(async () => {
      await queue.add('fine', { args: [1] }, { jobId: 'odd' });
      await client.hset(key('odd'), field, '{oh no');
      return 'odd';
    });
    expect(reason).toMatch(new RegExp(`${field} is not JSON`));
  });

  test.each([
    ['opts', 'null', 'opts is not an object'],
    ['parent', '5', 'parent is not an object'],
    ['parent', 'null', 'parent is not an object'],
    ['ats', 'often', 'ats is not a number'],
    ['rjk', 'nightly', 'it is of a schedule'],
  ])('a job whose %s is %s', async (field, value, reason) => {
    const found = await among(async () => {
      await queue.add('fine', { args: [1] }, { jobId: 'odd' });
      await client.hset(key('odd'), { [field]: value, ...(field === 'parent' && { parentKey: 'nobody' }) });
      return 'odd';
    });
    expect(found).toContain(reason);
  });

  test('an id without a job', async () => {
    const reason = await among(async () => {
      await client.lpush(key('wait'), 'ghost');
      return 'ghost';
    });
    expect(reason).toMatch(/names no task/);
  });

  test('a key that is no job', async () => {
    const reason = await among(async () => {
      await client.set(key('stone'), 'a stone');
      await client.lpush(key('wait'), 'stone');
      return 'stone';
    });
    expect(reason).toMatch(/a Redis string, not a job/);
    expect(await client.get(`punctual:${prefix}:unreadable:default:stone`)).toBe('a stone');
  });

  test('words on the channel of revocations', async () => {
    const worker = app.worker();
    await worker.start();
    for (const words of ['', '{', '[]', 'null', '{"id":1,"reason":2}', '{"id":"x","reason":"y"}'])
      await client.publish(`punctual:${prefix}:revocations`, words);
    expect(await (await fine.delay(6)).get({ timeout: '5s' })).toBe(6);
  });
});
