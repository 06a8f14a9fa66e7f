import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bullmq, TaskApp, type TaskWorker } from '../../src/tasks/index.ts';
import { type RedisServer, startRedis } from '../servers/redis.ts';

const redis: RedisServer | undefined = await startRedis({ flags: ['--appendonly', 'yes', '--appendfsync', 'always'] });

describe.skipIf(redis === undefined)('while Redis is away', { timeout: 30_000 }, () => {
  let number = 0;
  let app: TaskApp;

  beforeEach(() => {
    number += 1;
    app = open();
  });
  afterEach(async () => {
    await redis?.restart();
    await app.close();
  });
  afterAll(() => redis?.stop());

  function open(): TaskApp {
    return new TaskApp({
      engine: bullmq({ connection: redis?.url ?? '', prefix: `away${number}`, lockDuration: 1_500, stalledInterval: 500 }),
      logger: { debug() {}, info() {}, warn() {}, error() {} },
    });
  }

  /** Resolves when the worker has noticed. */
  async function takeAway(worker: TaskWorker): Promise<void> {
    const noticed = new Promise((resolve) => worker.on('workerError', resolve));
    await redis?.kill('SIGKILL');
    await noticed;
  }

  async function runningTask(): Promise<{ worker: TaskWorker; id: string }> {
    let begun = (): void => {};
    const running = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const hang = app.task('hang', () => {
      begun();
      return new Promise<void>(() => {});
    });
    const worker = app.worker();
    await worker.start();
    const { id } = await hang.delay();
    await running;
    return { worker, id };
  }

  test('a worker told to stop at once ends, and its task comes to another', async () => {
    const { worker, id } = await runningTask();
    await takeAway(worker);
    await worker.stop({ force: true });
    await redis?.restart();
    const other = open();
    other.task('hang', () => 'done');
    await other.worker().start();
    expect(await app.asyncResult(id).get({ timeout: '15s' })).toBe('done');
    await other.close();
  });

  test('a second order to stop ends a worker that waits for its tasks', async () => {
    const { worker } = await runningTask();
    await takeAway(worker);
    const stopped = worker.stop();
    await worker.stop({ force: true });
    await stopped;
  });

  test('a worker without tasks stops', async () => {
    const worker = app.worker();
    await worker.start();
    await takeAway(worker);
    await worker.stop();
  });

  test('a worker stops that has not begun yet', async () => {
    await redis?.kill('SIGKILL');
    const worker = app.worker();
    const started: unknown[] = [];
    worker.on('workerStarted', (event) => started.push(event));
    const starting = worker.start();
    // Long enough for its connection to wait before it tries again.
    await expect(app.remote('nobody').delay()).rejects.toMatchObject({ code: 'TASK_ENGINE' });
    await worker.stop();
    await starting;
    expect(started).toEqual([]);
  });

  test('a worker stops that was only just told to begin', async () => {
    await redis?.kill('SIGKILL');
    const worker = app.worker();
    const starting = worker.start();
    await worker.stop();
    await starting;
  });

  test('an app closes, and what waits for a result is told', async () => {
    const result = await app.remote('nobody').delay();
    const waiting = result.get().catch((error: unknown) => error);
    await redis?.kill('SIGKILL');
    await app.close();
    expect(await waiting).toMatchObject({ code: 'TASK_ENGINE' });
  });
});
