import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clocks/system-clock.ts';
import type { RunRequest } from '../../src/core/executor.ts';
import { currentRun } from '../../src/current-run.ts';
import { JobTimeoutError, RunCancelledError } from '../../src/errors.ts';
import { bullmq, taskSymbol, TaskApp } from '../../src/tasks/index.ts';
import { dispatchId } from '../../src/tasks/task-id.ts';
import { type RedisServer, startRedis } from '../servers/redis.ts';

const redis: RedisServer | undefined = await startRedis({ flags: ['--appendonly', 'yes', '--appendfsync', 'always'] });
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const never = new AbortController().signal;

interface Asked extends Partial<RunRequest> {
  readonly name?: string;
}

function request({ name = 'count', ...more }: Asked = {}): RunRequest {
  return {
    jobId: 'nightly',
    runId: 'nightly@20300101T000000.000Z#1',
    scheduledAt: Date.parse('2030-01-01T00:00:00Z'),
    attempt: 1,
    task: { name, target: { kind: 'elsewhere' } },
    args: [1],
    signal: never,
    log: quiet,
    progress() {},
    ...more,
  };
}

describe.skipIf(redis === undefined)("an app's executor", { timeout: 60_000 }, () => {
  let number = 0;
  let apps: TaskApp[] = [];
  let calls = 0;

  /** Another process would make it so. */
  function open(): TaskApp {
    const app = new TaskApp({
      engine: bullmq({ connection: redis?.url ?? '', prefix: `fleet${number}`, lockDuration: 1_500, stalledInterval: 500 }),
      logger: quiet,
    });
    app.task('count', (n: number) => {
      calls += 1;
      return n * 10;
    });
    apps.push(app);
    return app;
  }

  beforeEach(() => {
    number += 1;
    calls = 0;
    apps = [];
  });
  afterEach(() => Promise.all(apps.map((app) => app.close())));
  afterAll(() => redis?.stop());

  test("ends a run with its task's result", async () => {
    const app = open();
    await app.worker().start();
    expect(await app.executor().run(request())).toEqual({ ok: true, value: 10 });
  });

  test("ends a run with its task's error", async () => {
    const app = open();
    app.task('bad', () => {
      throw new TypeError('no good');
    });
    await app.worker().start();
    expect(await app.executor().run(request({ name: 'bad' }))).toMatchObject({
      ok: false,
      error: { name: 'TypeError', message: 'no good' },
    });
  });

  test('sends a run once, however often and by whomever it is taken', async () => {
    const [first, second] = [open(), open()];
    const runs = [first, second, first].map((app) => app.executor().run(request()));
    await first.worker().start();
    expect(await Promise.all(runs)).toEqual([1, 2, 3].map(() => ({ ok: true, value: 10 })));
    expect(await second.executor().run(request())).toEqual({ ok: true, value: 10 });
    expect(calls).toBe(1);
  });

  test('joins a task that was sent for the attempt before and has not ended', async () => {
    const app = open();
    const first = app.executor().run(request());
    const id = dispatchId(request().runId, 1);
    await expect.poll(async () => (await app.engine.read(id))?.status).toBe('PENDING');
    const next = app.executor().run(request({ attempt: 2 }));
    await app.worker().start();
    expect(await first).toEqual({ ok: true, value: 10 });
    expect(await next).toEqual({ ok: true, value: 10 });
    expect(calls).toBe(1);
  });

  test('sends another task when the attempt before failed', async () => {
    const app = open();
    let tries = 0;
    app.task('flaky', () => {
      tries += 1;
      if (tries === 1) throw new Error('not yet');
      return 'now';
    });
    await app.worker().start();
    expect(await app.executor().run(request({ name: 'flaky' }))).toMatchObject({ ok: false });
    expect(await app.executor().run(request({ name: 'flaky' }))).toMatchObject({ ok: false });
    expect(await app.executor().run(request({ name: 'flaky', attempt: 2 }))).toEqual({ ok: true, value: 'now' });
    expect(tries).toBe(2);
  });

  test('shows the task the run that it is for', async () => {
    const app = open();
    app.task('seen', () => [currentRun()?.jobId, currentRun()?.runId, currentRun()?.scheduledAt.toMillis()]);
    await app.worker().start();
    const { runId, scheduledAt } = request();
    expect(await app.executor().run(request({ name: 'seen', args: [] }))).toEqual({ ok: true, value: ['nightly', runId, scheduledAt] });
  });

  test('sends to the queue and with the priority that the job says', async () => {
    const app = open();
    const run = app.executor().run(request({ options: { queue: 'mail', priority: 'high' } }));
    await app.worker({ queues: ['mail'] }).start();
    expect(await run).toEqual({ ok: true, value: 10 });
  });

  test('ends a run whose options mean nothing', async () => {
    const app = open();
    expect(await app.executor().run(request({ options: { priority: 17 } }))).toMatchObject({
      ok: false,
      error: { code: 'INVALID_OPTION', option: 'priority' },
    });
  });

  test.each([new RunCancelledError('cancelled'), new JobTimeoutError(100)])(
    'revokes the task of a run that is aborted: %s',
    async (reason) => {
      const app = open();
      let begun = (): void => {};
      const running = new Promise<void>((resolve) => {
        begun = resolve;
      });
      let stopped: unknown;
      app.task('hang', () => {
        const signal = currentRun()?.signal;
        signal?.addEventListener('abort', () => {
          stopped = signal.reason;
        });
        begun();
        return new Promise<void>(() => {});
      });
      await app.worker().start();
      const controller = new AbortController();
      const run = app.executor().run(request({ name: 'hang', signal: controller.signal }));
      await running;
      controller.abort(reason);
      expect(await run).toEqual({ ok: false, error: reason });
      await expect.poll(() => stopped, { timeout: 5_000 }).toMatchObject({ code: 'TASK_REVOKED' });
    },
  );

  test.each(['shutdown', 'lost-lease'] as const)('leaves the task alone when the run goes on elsewhere: %s', async (abortCause) => {
    const [first, second] = [open(), open()];
    const controller = new AbortController();
    const left = first.executor().run({ ...request({ signal: controller.signal }), abortCause });
    const taken = second.executor().run(request());
    await new Promise<void>((resolve) => systemClock.wakeAfter(200, resolve));
    controller.abort(new RunCancelledError('its lease was lost'));
    expect(await left).toMatchObject({ ok: false });
    await second.worker().start();
    expect(await taken).toEqual({ ok: true, value: 10 });
  });

  test('lets go of its runs when it is closed, and can be used again', async () => {
    const app = open();
    const run = app.executor().run(request());
    await new Promise<void>((resolve) => systemClock.wakeAfter(100, resolve));
    await app.executor().close();
    expect(await run).toMatchObject({ ok: false, error: { code: 'RUN_CANCELLED' } });
    await app.worker().start();
    expect(await app.executor().run(request())).toEqual({ ok: true, value: 10 });
    expect(calls).toBe(1);
  });

  test('waits for a server that is away, and sends what a server has lost', async () => {
    const app = open();
    expect(await app.remote('warm').delay()).toBeDefined();
    await redis?.kill('SIGKILL');
    const run = app.executor().run(request());
    await redis?.restart();
    await app.worker().start();
    expect(await run).toEqual({ ok: true, value: 10 });
  });

  test('refuses a task without a name that workers could know', () => {
    const { executor } = open().task('named', () => 1)[taskSymbol];
    expect(executor().refuses?.({ name: 'named' })).toBeUndefined();
    expect(executor().refuses?.({ name: 'anonymous', target: { kind: 'function', fn: () => 1 } })).toMatch(/app\.task/);
    expect(executor().refuses?.({ name: 'file:///task.js#run' })).toMatch(/app\.task/);
  });
});
