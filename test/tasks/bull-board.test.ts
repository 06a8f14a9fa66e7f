import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AppTask, bullmq, chain, TaskApp, type TaskWorker } from '../../src/tasks/index.ts';
import { type RedisServer, startRedis } from '../servers/redis.ts';

const redis: RedisServer | undefined = await startRedis();

type ServerAdapter = Parameters<typeof createBullBoard>[0]['serverAdapter'];
type Routes = Parameters<ServerAdapter['setApiRoutes']>[0];
type Queues = Parameters<ServerAdapter['setQueues']>[0];

/** bull-board's own routes, without a web server around them. Its answers are checked by itself too. */
function boardOf(
  queue: Queue,
): (method: string, route: string, params?: Record<string, string>) => Promise<{ status: number; body: unknown }> {
  let routes: Routes = [];
  let queues: Queues = new Map();
  const serverAdapter: ServerAdapter = {
    setQueues(given) {
      queues = given;
      return serverAdapter;
    },
    setApiRoutes(given) {
      routes = given;
      return serverAdapter;
    },
    setViewsPath: () => serverAdapter,
    setStaticPath: () => serverAdapter,
    setEntryRoute: () => serverAdapter,
    setErrorHandler: () => serverAdapter,
    setUIConfig: () => serverAdapter,
  };
  createBullBoard({ queues: [new BullMQAdapter(queue)], serverAdapter, options: { uiConfig: {}, validateResponses: true } });
  return async (method, path, params = {}) => {
    const found = routes.find(({ route, method: its }) => [route].flat().includes(path) && [its].flat().some((one) => one === method));
    if (found === undefined) throw new Error(`bull-board has no route ${method} ${path}`);
    const query = { activeQueue: queue.name, page: '1', ...params };
    const { status = 200, body } = await found.handler({
      queues,
      query,
      uiConfig: {},
      params: { queueName: queue.name, ...params },
      body: {},
      headers: {},
    });
    return { status, body };
  };
}

describe.skipIf(redis === undefined)("a user's bull-board", () => {
  let number = 0;
  let client: Redis;
  let queue: Queue;
  let app: TaskApp;
  let echo: AppTask<[unknown], unknown>;
  let board: ReturnType<typeof boardOf>;

  beforeEach(() => {
    number += 1;
    const prefix = `board${number}`;
    client = new Redis(redis?.url ?? '', { maxRetriesPerRequest: null });
    queue = new Queue('mail', { connection: client, prefix });
    app = new TaskApp({
      engine: bullmq({ connection: redis?.url ?? '', prefix }),
      logger: { debug() {}, info() {}, warn() {}, error() {} },
    });
    echo = app.task('mail.echo', (value: unknown) => value, { queue: 'mail' });
    board = boardOf(queue);
  });
  afterEach(async () => {
    await app.close();
    await queue.close();
    client.disconnect();
  });
  afterAll(() => redis?.stop());

  async function work(): Promise<TaskWorker> {
    const worker = app.worker({ queues: ['mail'] });
    await worker.start();
    return worker;
  }

  /** What the page of a status shows. */
  async function shown(status: string): Promise<unknown[]> {
    const { body } = await board('get', '/api/queues', { status });
    const [page] = (body as { queues: { jobs: unknown[] }[] }).queues;
    return page?.jobs ?? [];
  }

  async function failedTask(): Promise<{ id: string; mend(): void }> {
    let mended = false;
    const flaky = app.task(
      'mail.flaky',
      (to: string) => {
        if (!mended) throw new RangeError(`no such address: ${to}`);
        return 'sent';
      },
      { queue: 'mail' },
    );
    await work();
    const result = await flaky.delay('nobody');
    await expect(result.get({ timeout: '5s' })).rejects.toThrow(RangeError);
    return {
      id: result.id,
      mend() {
        mended = true;
      },
    };
  }

  test('shows tasks that wait and those with a countdown, by name and with their arguments', async () => {
    const waiting = await echo.delay('hello');
    const delayed = await echo.applyAsync([{ n: 1 }], { countdown: '1h' });
    expect(await shown('prioritized')).toMatchObject([{ id: waiting.id, name: 'mail.echo', data: { args: ['hello'] }, attempts: 0 }]);
    expect(await shown('delayed')).toMatchObject([{ id: delayed.id, name: 'mail.echo', data: { args: [{ n: 1 }] } }]);
  });

  test('shows results, and why tasks failed', async () => {
    const { id } = await failedTask();
    const done = await echo.delay({ n: 1 });
    await done.get({ timeout: '5s' });
    expect(await shown('completed')).toMatchObject([{ id: done.id, name: 'mail.echo', returnValue: { n: 1 }, isFailed: false }]);
    expect(await shown('failed')).toMatchObject([
      {
        id,
        name: 'mail.flaky',
        failedReason: 'no such address: nobody',
        stacktrace: [expect.stringMatching(/^RangeError: no such address: nobody\n +at /)],
        isFailed: true,
      },
    ]);
  });

  test('shows revoked tasks, with the reason', async () => {
    const result = await echo.applyAsync(['hello'], { countdown: '1h' });
    await result.revoke({ reason: 'not needed' });
    await work();
    await expect.poll(() => shown('failed')).toMatchObject([{ id: result.id, failedReason: 'revoked: not needed' }]);
  });

  test('shows that workers are there, and what a chain is made of', async () => {
    const result = await chain([echo.s('first'), echo.si('second')]).delay();
    const { body } = await board('get', '/api/queues/:queueName/:jobId/flow', { jobId: result.id });
    expect(body).toMatchObject({ flowRoot: { id: result.id, name: 'mail.echo', children: [{ name: 'mail.echo' }] } });
    await work();
    expect((await board('get', '/api/queues')).body).toMatchObject({ queues: [{ name: 'mail', hasWorkers: true }] });
  });

  test('runs a failed task again', async () => {
    const { id, mend } = await failedTask();
    mend();
    expect(await board('put', '/api/queues/:queueName/:jobId/retry', { jobId: id, queueStatus: 'failed' })).toMatchObject({ status: 204 });
    const again = app.asyncResult(id);
    await expect.poll(() => again.status()).toBe('SUCCESS');
    expect(await again.get()).toBe('sent');
  });

  test('leaves a revoked task revoked, when it is to be run again', async () => {
    const result = await echo.delay('hello');
    await result.revoke({ reason: 'not needed' });
    const seen: string[] = [];
    const worker = await work();
    worker.on('taskRevoked', () => seen.push('revoked')).on('taskStarted', () => seen.push('started'));
    await expect.poll(() => shown('failed')).toHaveLength(1);
    await board('put', '/api/queues/:queueName/:jobId/retry', { jobId: result.id, queueStatus: 'failed' });
    await expect.poll(() => seen).toEqual(['revoked', 'revoked']);
    expect(await result.status()).toBe('REVOKED');
  });

  test('runs a task with a countdown at once', async () => {
    const result = await echo.applyAsync(['hello'], { countdown: '1h' });
    await work();
    expect(await board('put', '/api/queues/:queueName/:jobId/promote', { jobId: result.id })).toMatchObject({ status: 204 });
    expect(await result.get({ timeout: '5s' })).toBe('hello');
  });

  test('pauses and resumes a queue', async () => {
    await work();
    await board('put', '/api/queues/:queueName/pause');
    const result = await echo.delay('hello');
    await expect(result.get({ timeout: 300 })).rejects.toMatchObject({ code: 'RESULT_TIMEOUT' });
    expect(await result.status()).toBe('PENDING');
    await board('put', '/api/queues/:queueName/resume');
    expect(await result.get({ timeout: '5s' })).toBe('hello');
  });

  test('removes a task, and whoever waits for it is told', async () => {
    const result = await echo.delay('hello');
    const waiting = result.get({ timeout: '5s' }).catch((error: unknown) => error);
    await expect.poll(() => shown('prioritized')).toHaveLength(1);
    expect(await board('put', '/api/queues/:queueName/:jobId/clean', { jobId: result.id })).toMatchObject({ status: 204 });
    expect(await waiting).toMatchObject({ code: 'RESULT_NOT_FOUND' });
    expect(await result.exists()).toBe(false);
  });
});
