import { DateTime } from 'luxon';
import { describe, expect, test } from 'vitest';
import type { RunRequest } from '../../src/core/executor.ts';
import { currentRun } from '../../src/current-run.ts';
import { InlineExecutor } from '../../src/executors/inline.ts';
import { InvalidOptionError } from '../../src/errors.ts';

function request(fn: (...args: never[]) => unknown, more: Partial<RunRequest> = {}): RunRequest {
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const task = { name: 'task', target: { kind: 'function', fn } } as const;
  const { signal } = new AbortController();
  return { jobId: 'job', runId: 'run', scheduledAt: 0, attempt: 1, task, args: [], signal, log, progress() {}, ...more };
}

describe('the inline executor', () => {
  test('gives the result of a synchronous function synchronously', () => {
    expect(new InlineExecutor().run(request((a: number, b: number) => a + b, { args: [1, 2] }))).toEqual({ ok: true, value: 3 });
  });

  test('gives what a synchronous function throws synchronously, even undefined', () => {
    const executor = new InlineExecutor();
    const throwing = (value: unknown) => () => {
      throw value;
    };
    expect(executor.run(request(throwing(undefined)))).toEqual({ ok: false, error: undefined });
    expect(executor.run(request(throwing(null)))).toEqual({ ok: false, error: null });
  });

  test('never reads the signal of a synchronous function', () => {
    let reads = 0;
    const watched = Object.defineProperty({ ...request(() => 1) }, 'signal', {
      get() {
        reads++;
        return new AbortController().signal;
      },
    });
    void new InlineExecutor().run(watched);
    expect(reads).toBe(0);
  });

  test('listens through onAbort where the request has it, and stops when the run ends', async () => {
    const { promise, resolve } = deferred<string>();
    let listening = 0;
    const onAbort = () => {
      listening++;
      return () => {
        listening = 0;
      };
    };
    const running = new InlineExecutor().run(request(() => promise, { onAbort }));
    expect(listening).toBe(1);
    resolve('done');
    expect(await running).toEqual({ ok: true, value: 'done' });
    expect(listening).toBe(0);
  });

  test('ends at once when a pending run is aborted, and ignores how the function ends later', async () => {
    const controller = new AbortController();
    const late = deferred<string>();
    const running = new InlineExecutor().run(request(() => late.promise, { signal: controller.signal }));
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await running).toEqual({ ok: false, error: reason });
    late.reject(new Error('too late to matter'));
    await late.promise.catch(() => {});
  });

  test('gives the error when reading then throws', () => {
    const error = new Error('no then for you');
    const trap = {
      get then() {
        throw error;
      },
    };
    expect(new InlineExecutor().run(request(() => trap))).toEqual({ ok: false, error });
  });

  test('shows the run to the task, before and after an await, with the time in its zone', async () => {
    const task = async () => {
      const before = currentRun();
      await null;
      const after = currentRun();
      return { same: before === after, attempt: after?.attempt, at: after?.scheduledAt };
    };
    const result = await new InlineExecutor().run(request(task, { attempt: 2, scheduledAt: 1_000, timezone: 'Asia/Kathmandu' }));
    const at = DateTime.fromMillis(1_000, { zone: 'Asia/Kathmandu' });
    expect(result).toEqual({ ok: true, value: { same: true, attempt: 2, at } });
  });

  test('leaves no run behind for the code around it', () => {
    void new InlineExecutor().run(request(() => 1));
    expect(currentRun()).toBeUndefined();
  });

  test('refuses a task that only other processes have', () => {
    const executor = new InlineExecutor();
    expect(executor.refuses({ name: 'far', target: { kind: 'elsewhere' } })).toMatch(/"far" has no function in this process/);
    expect(executor.refuses({ name: 'near', target: { kind: 'function', fn: () => 1 } })).toBeUndefined();
  });

  test('refuses a concurrency that is no whole number', () => {
    expect(() => new InlineExecutor({ concurrency: 0.5 })).toThrow(InvalidOptionError);
    expect(new InlineExecutor({ concurrency: 3 }).capacity).toBe(3);
  });
});

function deferred<T>(): { promise: Promise<T>; resolve(value: T): void; reject(error: Error): void } {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
