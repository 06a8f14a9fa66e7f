import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { AddJobOptions } from '../../src/job-types.ts';
import { Scheduler } from '../../src/scheduler.ts';
import { RedisJobStore } from '../../src/stores/redis/index.ts';
import { bullmq, TaskApp, type TaskAppOptions } from '../../src/tasks/index.ts';
import { type RedisServer, startRedis } from '../servers/redis.ts';
import { WorkerProcesses } from './worker-process.ts';

const redis: RedisServer | undefined = await startRedis();
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

describe.skipIf(redis === undefined)('a scheduler is the beat of an app', { timeout: 60_000 }, () => {
  const url = redis?.url ?? '';
  let number = 0;
  const open: { close(): Promise<void> }[] = [];

  function appOf(more: Partial<TaskAppOptions> = {}): TaskApp {
    const app = new TaskApp({ engine: bullmq({ connection: url, prefix: `beat${number}` }), logger: quiet, ...more });
    open.push(app);
    return app;
  }

  function schedulerOf(): Scheduler {
    const store = new RedisJobStore({ url, prefix: `beat${number}-jobs:`, lease: 2_000, pollInterval: 200 });
    const scheduler = new Scheduler({ jobStore: store, logger: quiet });
    open.unshift({ close: async () => void (scheduler.state !== 'stopped' && (await scheduler.shutdown({ wait: false }))) });
    return scheduler;
  }

  afterEach(async () => {
    number += 1;
    for (const one of open.splice(0)) await one.close();
  });
  afterAll(() => redis?.stop());

  test("a job of an app's task runs on a worker, and its run has the task's result", async () => {
    const app = appOf();
    const fun1 = app.task('task1.fun1', (text: string) => `${text}!`);
    await app.worker({ queues: ['mail'] }).start();
    const scheduler = new Scheduler({ logger: quiet });
    await scheduler.addJob(fun1, { trigger: 'interval', seconds: 1, args: ['hello'], id: 'schedule1', queue: 'mail' });
    const executed = new Promise((resolve) => scheduler.on('jobExecuted', resolve));
    await scheduler.start();
    expect(await executed).toMatchObject({ jobId: 'schedule1', value: 'hello!' });
    await scheduler.shutdown({ wait: true });
  });

  test('what no task could be sent with is refused when the job is added or changed', async () => {
    const fun1 = appOf().task('task1.fun1', (value: unknown) => value);
    const scheduler = new Scheduler({ logger: quiet });
    const options: AddJobOptions<[unknown]> = { trigger: 'interval', seconds: 1, id: 'a', args: [1] };
    await expect(scheduler.addJob(fun1, { ...options, priority: 'hihg' })).rejects.toMatchObject({ option: 'priority', value: 'hihg' });
    await expect(scheduler.addJob(fun1, { ...options, queue: 'a:b' })).rejects.toMatchObject({ option: 'queue', value: 'a:b' });
    await expect(scheduler.addJob(fun1, { ...options, args: [1n] })).rejects.toMatchObject({
      name: 'NotSerializableError',
      path: 'args[0]',
    });
    expect(await scheduler.getJobs()).toEqual([]);
    await scheduler.addJob(fun1, { ...options, queue: 'mail' });
    await expect(scheduler.modifyJob('a', { args: [Number.NaN] })).rejects.toMatchObject({ path: 'args[0]' });
    await expect(scheduler.modifyJob('a', { priority: 'hihg' })).rejects.toMatchObject({ option: 'priority' });
    expect((await scheduler.getJob('a'))?.args).toEqual([1]);
  });

  test("a job of an app's task that fails has its error", async () => {
    const app = appOf();
    const bad = app.task('bad', () => {
      throw new RangeError('too far');
    });
    await app.worker().start();
    const scheduler = new Scheduler({ logger: quiet });
    await scheduler.addJob(bad, { trigger: 'date', id: 'bad' });
    const failed = new Promise((resolve) => scheduler.on('jobError', resolve));
    await scheduler.start();
    expect(await failed).toMatchObject({ error: { name: 'RangeError', message: 'too far' } });
    await scheduler.shutdown({ wait: true });
  });

  test('two schedulers on one store send each fire time once', async () => {
    const ran: string[] = [];
    const beatSchedule = { schedule1: { task: 'tick', args: ['hello'], schedule: { seconds: 1 } } };
    const [first, second] = [appOf({ beatSchedule }), appOf({ beatSchedule })];
    first.task('tick', (text: string) => ran.push(text));
    await first.worker().start();
    const [one, two] = [schedulerOf(), schedulerOf()];
    await one.start();
    await two.start();
    await one.addBeat(first);
    await two.addBeat(second);
    await expect.poll(() => ran.length, { timeout: 15_000 }).toBeGreaterThanOrEqual(4);
    await two.shutdown({ wait: true });
    await one.pauseJob('schedule1');
    const runs = async () => one.getRuns({ jobId: 'schedule1', limit: 100 });
    await expect.poll(async () => (await runs()).every((run) => run.outcome === 'succeeded'), { timeout: 5_000 }).toBe(true);
    const times = (await runs()).map((run) => run.scheduledAt.toMillis());
    expect(new Set(times).size).toBe(times.length);
    expect(ran).toHaveLength(times.length);
  });

  test('a task that was sent by a scheduler that died runs once, and the next scheduler has its result', async () => {
    const prefix = `beat${number}`;
    const processes = new WorkerProcesses(url, prefix);
    await processes.start();
    const dying = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'fixtures/scheduler-process.ts'), url, prefix], {
      stdio: 'inherit',
    });
    await processes.logged('begun a');
    dying.kill('SIGKILL');
    const scheduler = schedulerOf();
    const app = appOf();
    const executed = new Promise((resolve) => scheduler.on('jobExecuted', resolve));
    await scheduler.start();
    await scheduler.addJob(app.remote<[string, number], string>('slow'), {
      trigger: 'date',
      runDate: '2100-01-01',
      args: ['b', 1],
      id: 'other',
    });
    expect(await executed).toMatchObject({ jobId: 'one', value: 'a' });
    expect(processes.lines().filter((line) => line.startsWith('begun'))).toHaveLength(1);
    processes.killAll();
  });

  test('cancelling a run revokes its task', async () => {
    const app = appOf();
    let begun = (): void => {};
    const running = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const hang = app.task('hang', () => {
      begun();
      return new Promise<void>(() => {});
    });
    const worker = app.worker();
    const revoked = new Promise((resolve) => worker.on('taskRevoked', resolve));
    await worker.start();
    const scheduler = new Scheduler({ logger: quiet });
    await scheduler.addJob(hang, { trigger: 'date', id: 'hang' });
    await scheduler.start();
    await running;
    const [run] = await scheduler.getRuns({ jobId: 'hang' });
    await scheduler.cancelRun(run?.id ?? '');
    expect(await revoked).toMatchObject({ task: 'hang' });
    await scheduler.shutdown({ wait: true });
  });

  test('an executor of its own runs tasks that workers know', async () => {
    const app = appOf();
    app.task('reports.build', (day: string) => `report of ${day}`);
    await app.worker().start();
    const scheduler = new Scheduler({ executors: { fleet: app.executor() }, logger: quiet });
    const build = scheduler.task('reports.build');
    await scheduler.addJob(build, { trigger: 'date', args: ['monday'], id: 'build', executor: 'fleet' });
    const executed = new Promise((resolve) => scheduler.on('jobExecuted', resolve));
    await scheduler.start();
    expect(await executed).toMatchObject({ value: 'report of monday' });
    await scheduler.shutdown({ wait: true });
  });
});
