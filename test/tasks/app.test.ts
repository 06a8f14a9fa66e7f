import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeEach, describe, expect, expectTypeOf, test } from 'vitest';
import { currentRun } from '../../src/current-run.ts';
import { type AsyncResult, bullmq, chain, chord, group, TaskApp, type TaskEvent, type TaskWorker } from '../../src/tasks/index.ts';
import { type RedisServer, startRedis } from '../servers/redis.ts';
import { unusedEngine } from './unused-engine.ts';

const redis: RedisServer | undefined = await startRedis();
const shop = new URL('./fixtures/shop.js', import.meta.url);

describe.skipIf(redis === undefined)('an app', () => {
  let number = 0;
  let app: TaskApp;
  let worker: TaskWorker | undefined;

  beforeEach(() => {
    number += 1;
    app = new TaskApp({
      engine: bullmq({ connection: redis?.url ?? '', prefix: `app${number}`, lockDuration: 1_500, stalledInterval: 500 }),
      logger: { debug() {}, info() {}, warn() {}, error() {} },
    });
  });
  afterEach(async () => {
    await app.close();
    worker = undefined;
  });
  afterAll(() => redis?.stop());

  async function work(options: Parameters<TaskApp['worker']>[0] = {}): Promise<TaskWorker> {
    worker = app.worker(options);
    await worker.start();
    return worker;
  }

  test('calls a task in place, and sends nothing', async () => {
    const fun1 = app.task('task1.fun1', (text: string) => text);
    expect(fun1('hello')).toBe('hello');
    expect(fun1.name).toBe('task1.fun1');
  });

  test('sends a task and gets its result', async () => {
    const fun1 = app.task('task1.fun1', (text: string) => `${text}!`);
    const result = await fun1.delay('hello');
    expectTypeOf(result).toEqualTypeOf<AsyncResult<string>>();
    expect(await result.status()).toBe('PENDING');
    expect(await result.exists()).toBe(true);
    await work();
    expect(await result.get({ timeout: '5s' })).toBe('hello!');
    expect(await result.status()).toBe('SUCCESS');
    expect(await app.asyncResult(result.id).get()).toBe('hello!');
  });

  test('shows a result by its id', async () => {
    const result = app.asyncResult('c399d950-e16c-4912-8d19-624393abf1ef');
    expect(String(result)).toBe('<AsyncResult: c399d950-e16c-4912-8d19-624393abf1ef>');
    expect(inspect(result)).toBe('<AsyncResult: c399d950-e16c-4912-8d19-624393abf1ef>');
    expect(await result.status()).toBe('PENDING');
    expect(await result.exists()).toBe(false);
  });

  test('waits no longer than it was told', async () => {
    const result = await app.remote('nobody').delay();
    await expect(result.get({ timeout: 50 })).rejects.toMatchObject({ code: 'RESULT_TIMEOUT', timeoutMs: 50 });
    expect(await result.status()).toBe('PENDING');
  });

  test('gives the error of a task that failed', async () => {
    const bad = app.task('bad', () => {
      throw Object.assign(new TypeError('no good'), { code: 'E_GOOD' });
    });
    await work();
    const error: unknown = await (await bad.delay()).get({ timeout: '5s' }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ message: 'no good', code: 'E_GOOD' });
  });

  test('tries a task again, as often as it says', async () => {
    let calls = 0;
    const flaky = app.task(
      'flaky',
      () => {
        calls += 1;
        if (calls < 3) throw new Error(`call ${calls}`);
        return currentRun()?.attempt;
      },
      { retry: { limit: 3, delay: 10 } },
    );
    await work();
    expect(await (await flaky.delay()).get({ timeout: '5s' })).toBe(3);
  });

  test('gives up after the last retry, with the last error', async () => {
    let calls = 0;
    const bad = app.task('bad', () => Promise.reject(new Error(`call ${++calls}`)), { retry: { limit: 2, delay: 0 } });
    await work();
    await expect((await bad.delay()).get({ timeout: '5s' })).rejects.toThrow('call 3');
  });

  test('ends a task at its time limit', async () => {
    const slow = app.task('slow', () => new Promise<void>(() => {}), { timeout: 100 });
    await work();
    await expect((await slow.delay()).get({ timeout: '5s' })).rejects.toMatchObject({ code: 'JOB_TIMEOUT' });
  });

  test('ends a computing module task at its time limit, and goes on', async () => {
    const spin = app.task<[number], string>('spin', new URL('#spin', shop), { timeout: 300 });
    const double = app.task<[number], number>('double', new URL('#double', shop));
    await work({ concurrency: 1 });
    await expect((await spin.delay(60_000)).get({ timeout: '10s' })).rejects.toMatchObject({ code: 'JOB_TIMEOUT' });
    expect(await (await double.delay(21)).get({ timeout: '10s' })).toBe(42);
  });

  test('renews its hold on a module task that computes far longer than a lease', async () => {
    const spin = app.task<[number], string>('spin', new URL('#spin', shop));
    const started: TaskEvent[] = [];
    (await work()).on('taskStarted', (event) => started.push(event));
    expect(await (await spin.delay(4_500)).get({ timeout: '15s' })).toBe('spun');
    expect(started).toHaveLength(1);
  });

  test('calls a module task in place', async () => {
    const double = app.task<[number], number>('double', new URL('#double', shop));
    expect(await double(4)).toBe(8);
  });

  test('has the error of a module task', async () => {
    const fail = app.task<[string], never>('fail', new URL('#fail', shop));
    await work();
    const error: unknown = await (await fail.delay('out')).get({ timeout: '10s' }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: 'out' });
  });

  test('makes a task of each function that a module exports', async () => {
    const tasks = await app.load(shop);
    expect(tasks.map(({ name }) => name).sort()).toEqual(['shop.double', 'shop.fail', 'shop.hang', 'shop.spin']);
    await work();
    expect(await (await app.remote<[number], number>('shop.double').delay(3)).get({ timeout: '10s' })).toBe(6);
  });

  test('has the tasks of its own that a module makes', async () => {
    const made = app.task('own.name', () => 1);
    Reflect.set(globalThis, 'madeTask', made);
    const module = new URL('data:text/javascript,export const made = globalThis.madeTask');
    const tasks = await app.load(module);
    expect(tasks).toContain(made);
  });

  test('fails a task that no worker knows, and says what they know', async () => {
    app.task('known', () => 1);
    app.remote('unknown');
    const other = new TaskApp({ engine: app.engine });
    const result = await other.remote('unknown').delay();
    await work();
    await expect(result.get({ timeout: '5s' })).rejects.toMatchObject({
      code: 'TASK_NOT_FOUND',
      message: expect.stringContaining('known: known;'),
    });
  });

  test('fails a task whose result is not JSON, naming the place', async () => {
    const odd = app.task('odd', () => ({ at: [new Date(0)] }));
    await work();
    await expect((await odd.delay()).get({ timeout: '5s' })).rejects.toMatchObject({
      code: 'NOT_SERIALIZABLE',
      message: expect.stringContaining('result.at[0]'),
    });
  });

  test('refuses arguments that JSON cannot carry, before sending', async () => {
    const fun1 = app.task('fun1', (n: bigint) => String(n));
    await expect(fun1.delay(1n)).rejects.toMatchObject({ code: 'NOT_SERIALIZABLE', path: 'args[0]' });
  });

  test('revokes a task that expires before it is begun', async () => {
    const fun1 = app.task('fun1', () => 1);
    const result = await fun1.applyAsync([], { expires: 0 });
    await work();
    await expect(result.get({ timeout: '5s' })).rejects.toMatchObject({
      code: 'TASK_REVOKED',
      message: expect.stringContaining('expired'),
    });
    expect(await result.status()).toBe('REVOKED');
  });

  test('begins a task after its countdown', async () => {
    const at = app.task('at', () => Date.now());
    await work();
    const sent = Date.now();
    const result = await at.applyAsync([], { countdown: 500 });
    expect((await result.get({ timeout: '5s' })) - sent).toBeGreaterThanOrEqual(500);
  });

  test('takes tasks of the queues it was given alone', async () => {
    const fun1 = app.task('fun1', (n: number) => n, { queue: 'mail' });
    const [mail, other] = [await fun1.delay(1), await fun1.applyAsync([2], { queue: 'other' })];
    await work({ queues: ['mail'] });
    expect(await mail.get({ timeout: '5s' })).toBe(1);
    expect(await other.status()).toBe('PENDING');
    expect(mail.id).toMatch(/@mail$/);
  });

  test('runs as many tasks of each queue at once as it was told', async () => {
    const now = { mail: 0, other: 0 };
    const most = { mail: 0, other: 0 };
    const fun1 = app.task('fun1', async (queue: 'mail' | 'other') => {
      now[queue] += 1;
      most[queue] = Math.max(most[queue], now[queue]);
      await new Promise((resolve) => setTimeout(resolve, 30));
      now[queue] -= 1;
    });
    const sent = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? 'mail' : 'other')).map((queue) =>
        fun1.applyAsync([queue as 'mail' | 'other'], { queue }),
      ),
    );
    await work({ queues: { mail: 3, other: 1 } });
    await Promise.all(sent.map((result) => result.get({ timeout: '10s' })));
    expect(most).toEqual({ mail: 3, other: 1 });
  });

  test('stops a running function when it is revoked, and aborts its signal', async () => {
    let begun = (): void => {};
    const running = new Promise<void>((resolve) => {
      begun = resolve;
    });
    let aborted: unknown;
    const hang = app.task('hang', () => {
      const signal = currentRun()?.signal;
      signal?.addEventListener('abort', () => {
        aborted = signal.reason;
      });
      begun();
      return new Promise<void>(() => {});
    });
    await work();
    const result = await hang.delay();
    await running;
    expect(await result.revoke({ reason: 'enough' })).toBe(true);
    await expect(result.get({ timeout: '5s' })).rejects.toMatchObject({ code: 'TASK_REVOKED', reason: 'enough' });
    expect(aborted).toMatchObject({ code: 'TASK_REVOKED' });
  });

  test('ends the thread of a module task that is revoked', async () => {
    const spin = app.task<[number], string>('spin', new URL('#spin', shop));
    const started = new Promise<TaskEvent>((resolve) => {
      void work({ concurrency: 1 }).then((made) => made.on('taskStarted', resolve));
    });
    const result = await spin.delay(3_600_000);
    await started;
    await result.revoke();
    await expect(result.get({ timeout: '5s' })).rejects.toMatchObject({ code: 'TASK_REVOKED' });
    expect(await (await spin.delay(1)).get({ timeout: '10s' })).toBe('spun');
  });

  test('sends a group, a chain and a chord', async () => {
    const add = app.task('add', (a: number, b: number) => a + b);
    const sum = app.task('sum', (list: readonly number[]) => list.reduce((total, n) => total + n, 0));
    await work();
    const side = await group([add.s(1, 2), add.s(3, 4)]).delay();
    expectTypeOf(side.get).returns.resolves.toEqualTypeOf<readonly [number, number]>();
    expect(await side.get({ timeout: '5s' })).toEqual([3, 7]);
    expect(await side.completedCount()).toBe(2);
    const line = await chain([add.s(2, 2), add.s(4), add.si(1, 1)]).delay();
    expectTypeOf(line).toEqualTypeOf<AsyncResult<number>>();
    expect(await line.get({ timeout: '5s' })).toBe(2);
    expect(await (await chain([add.s(2, 2), add.s(4), add.s(8)]).delay()).get({ timeout: '5s' })).toBe(16);
    expect(await (await chord([add.s(1, 2), add.s(3, 4)], sum.s()).delay()).get({ timeout: '5s' })).toBe(10);
    expect(
      await (await chord([add.s(1, 2), add.s(3, 4).set({ queue: 'default', countdown: 100 })], sum.s()).delay()).get({ timeout: '5s' }),
    ).toBe(10);
  });

  test('sends a chord with an id once, however often it is told to', async () => {
    let runs = 0;
    const count = app.task('count', () => ++runs);
    const sum = app.task('sum', (list: readonly number[]) => list.length);
    const send = async () => chord([count.s(), count.s()], sum.s().set({ id: 'order-17' })).delay();
    await work();
    expect(await (await send()).get({ timeout: '5s' })).toBe(2);
    expect(await (await send()).get({ timeout: '5s' })).toBe(2);
    await (await count.applyAsync([], { priority: 'lowest' })).get({ timeout: '5s' });
    expect(runs).toBe(3);
  });

  test('refuses to wait for a task that was sent before and has not succeeded', async () => {
    const bad = app.task('bad', () => Promise.reject(new Error('no')));
    const good = app.task('good', () => 1);
    const sum = app.task('sum', (list: readonly number[]) => list);
    await work();
    await (await bad.applyAsync([], { id: 'order-18' })).get({ timeout: '5s' }).catch(() => {});
    await (await good.applyAsync([], { id: 'order-19' })).get({ timeout: '5s' });
    await expect(chord([bad.s().set({ id: 'order-18' })], sum.s()).delay()).rejects.toMatchObject({
      code: 'ENGINE_UNSUPPORTED',
      message: expect.stringContaining('"order-18"'),
    });
    await expect(chord([good.s().set({ id: 'x' }), good.s().set({ id: 'x' })], sum.s()).delay()).rejects.toMatchObject({ option: 'id' });
    expect(await (await chord([good.s().set({ id: 'order-19' })], sum.s()).delay()).get({ timeout: '5s' })).toEqual([1]);
  });

  test('sends many chains without adding a listener for each', async () => {
    const add = app.task('add', (a: number, b: number) => a + b);
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    for (let n = 0; n < 12; n += 1) await chain([add.s(1, 2), add.s(3)]).delay();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });

  test('remembers that a queued task was revoked for as long as it is queued', async () => {
    const forgetful = new TaskApp({ engine: bullmq({ connection: redis?.url ?? '', prefix: `app${number}`, results: { age: 1_000 } }) });
    const result = await forgetful.remote('nobody').delay();
    await result.revoke({ reason: 'not needed' });
    const client = new Redis(redis?.url ?? '');
    await expect.poll(() => client.exists(`punctual:app${number}:revoked:${result.id}`), { timeout: 5_000 }).toBe(0);
    client.disconnect();
    expect(await result.status()).toBe('REVOKED');
    await forgetful.close();
  });

  test('says which part of a chain failed', async () => {
    const bad = app.task('bad', () => {
      throw new RangeError('too far');
    });
    const next = app.task('next', (value: unknown) => value);
    await work();
    const result = await chain([bad.s(), next.s(), next.s()]).delay();
    const error: unknown = await result.get({ timeout: '5s' }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'TASK_CHILD', cause: { code: 'TASK_CHILD', cause: { name: 'RangeError', message: 'too far' } } });
    expect(await result.status()).toBe('FAILURE');
  });

  test('revokes what a revoked chord waits for', async () => {
    const hang = app.task('hang', () => new Promise<void>(() => {}));
    const sum = app.task('sum', (list: unknown) => list);
    const result = await chord([hang.s(), hang.s()], sum.s()).delay();
    const running = await work({ concurrency: 4 });
    const revoked: string[] = [];
    running.on('taskRevoked', ({ id }) => revoked.push(id));
    await result.revoke();
    await expect(result.get({ timeout: '5s' })).rejects.toMatchObject({ code: 'TASK_REVOKED' });
    await expect.poll(() => revoked.length, { timeout: 5_000 }).toBeGreaterThanOrEqual(2);
  });

  test('tells of each task what became of it', async () => {
    const seen: string[] = [];
    const running = await work();
    running.on('taskStarted', ({ task, attempt }) => seen.push(`started ${task} ${attempt}`));
    running.on('taskSucceeded', ({ task, value }) => seen.push(`succeeded ${task} ${String(value)}`));
    running.on('taskRetrying', ({ task, delay }) => seen.push(`retrying ${task} in ${delay}`));
    running.on('taskFailed', ({ task, error }) => seen.push(`failed ${task} ${String(error)}`));
    running.on('taskSucceeded', () => {
      throw new Error('a listener that throws');
    });
    const good = app.task('good', () => 1);
    const bad = app.task('bad', () => Promise.reject(new Error('no')), { retry: { limit: 1, delay: 5 } });
    await (await good.delay()).get({ timeout: '5s' });
    await (await bad.delay()).get({ timeout: '5s' }).catch(() => {});
    expect(seen).toEqual([
      'started good 1',
      'succeeded good 1',
      'started bad 1',
      'retrying bad in 5',
      'started bad 2',
      'failed bad Error: no',
    ]);
  });

  test('lets a task see its run and say how far it is', async () => {
    const seen: unknown[] = [];
    const task = app.task('seen', () => {
      const run = currentRun();
      seen.push(run?.jobId, run?.runId, run?.attempt);
      run?.progress({ half: true });
    });
    await work();
    const result = await task.delay();
    expect(await result.get({ timeout: '5s' })).toBeNull();
    expect(seen).toEqual(['seen', result.id, 1]);
    await expect.poll(async () => (await result.info())?.progress).toEqual({ half: true });
  });

  test('forgets a result that nobody wants', async () => {
    const fun1 = app.task('fun1', () => 1, { ignoreResult: true });
    const running = await work();
    const done = new Promise((resolve) => running.on('taskSucceeded', resolve));
    const result = await fun1.delay();
    await done;
    await expect.poll(() => result.exists()).toBe(false);
    await expect(result.get({ timeout: '5s' })).rejects.toMatchObject({ code: 'RESULT_NOT_FOUND' });
  });

  test('cannot start a worker twice, and can start it again', async () => {
    const running = await work();
    await expect(running.start()).rejects.toMatchObject({ code: 'SCHEDULER_STATE' });
    await running.stop();
    await running.start();
    const fun1 = app.task('fun1', () => 1);
    expect(await (await fun1.delay()).get({ timeout: '5s' })).toBe(1);
  });

  test('says that its server is away, after a while', async () => {
    const lost = new TaskApp({ engine: bullmq({ connection: 'redis://127.0.0.1:1' }) });
    await expect(lost.remote('t').delay()).rejects.toMatchObject({ code: 'TASK_ENGINE' });
    await lost.close();
  });
});

describe('an app refuses', () => {
  const app = new TaskApp({ engine: unusedEngine });
  test.each<[string, () => unknown, string]>([
    ['to be made without an engine', () => new TaskApp({ engine: {} as never }), 'engine'],
    ['an option it does not have', () => new TaskApp({ engine: unusedEngine, enginge: 1 } as never), 'enginge'],
    ['a task without a name', () => app.task('', () => 1), 'name'],
    ['a task that is no function', () => app.task('x', 'console.log' as never), 'task'],
    ['a second task of a name', () => [app.task('twice', () => 1), app.task('twice', () => 2)], 'name'],
    ['a misspelt option of a task', () => app.task('y', () => 1, { retries: 3 } as never), 'retries'],
    ['a worker without queues', () => app.worker({ queues: [] }), 'queues'],
    ['a concurrency of nothing', () => app.worker({ concurrency: 0 }), 'concurrency'],
    ['what is no id', () => app.asyncResult('a b'), 'id'],
    ["one of BullMQ's own keys as an id", () => app.asyncResult('wait'), 'id'],
    ['an id that is no text', () => app.asyncResult(17 as never), 'id'],
    ['a Redis that is no URL', () => bullmq({ connection: 'localhost:6379' }), 'connection'],
    ['a prefix with a colon', () => bullmq({ connection: 'redis://x', prefix: 'a:b' }), 'prefix'],
  ])('%s', (_name, attempt, option) => {
    expect(attempt).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }));
  });

  test.each<[string, () => Promise<unknown>, string]>([
    ['options that are none', () => app.remote('a').applyAsync([], null as never), 'options'],
    ['options in a list', () => app.remote('a').applyAsync([], [] as never), 'options'],
    ['a misspelt timeout', () => app.asyncResult('a').get({ timout: 5 } as never), 'timout'],
    ['a timeout that is not named', () => app.asyncResult('a').get(5_000 as never), 'options'],
    ['a reason that is no text', () => app.asyncResult('a').revoke({ reason: 5 } as never), 'reason'],
  ])('%s', async (_name, attempt, option) => {
    await expect(attempt()).rejects.toMatchObject({ code: 'INVALID_OPTION', option });
  });

  test('to call a task that only others implement', async () => {
    await expect(app.remote('elsewhere')()).rejects.toMatchObject({ code: 'TASK_NOT_FOUND' });
  });

  test('a declaration in the place of what it has', () => {
    const here = app.task('here', () => 'mine');
    app.remote('here');
    expect(app.tasks.get('here')?.handle).toBe(here);
  });
});
