import assert from 'node:assert/strict';
import type { Executor, RunRequest, RunResult } from '../core/executor.ts';
import type { Logger } from '../core/logger.ts';
import type { Task } from '../core/task.ts';
import { RunCancelledError, WorkerCrashedError } from '../errors.ts';

/** A task of `executor-contract-tasks`. */
export type ContractTask =
  | 'add'
  | 'addLater'
  | 'fail'
  | 'failLater'
  | 'throwValue'
  | 'describeRun'
  | 'report'
  | 'waitForAbort'
  | 'never'
  | 'exit';

/** What an executor may be without, with reason. */
export type ExecutorNeed =
  /** Its tasks' host can die without this process. */
  | 'isolation'
  /** Its tasks can reach their run: `currentRun`, log and progress. */
  | 'context'
  /** It carries an error's class, cause and own fields, and thrown values that are no errors. */
  | 'wholeErrors';

export interface ExecutorUnderTest {
  readonly executor: Executor;
  /** Frees what the executor does not own; called after its `close`. */
  dispose?(): Promise<void>;
}

export interface ExecutorContractOptions {
  /** An executor of its own for one case; its grace after an abort a second at most. */
  create(): Promise<ExecutorUnderTest>;
  /** How this executor knows a task; default: as a module of this package. */
  readonly task?: ((name: ContractTask) => Task) | undefined;
  /** What the executor does not promise, and why; the cases that need it are given as skipped. */
  readonly lacks?: Readonly<Partial<Record<ExecutorNeed, string>>> | undefined;
}

/** One law of the port, as a test for any runner. */
export interface ExecutorContractCase {
  readonly name: string;
  /** Why it does not apply to this executor. */
  readonly skipped: string | undefined;
  /** Rejects with an `AssertionError` if the executor breaks the law. */
  run(): Promise<void>;
}

interface Law {
  readonly name: string;
  readonly needs?: readonly ExecutorNeed[];
  check(executor: Executor, request: RequestMaker): Promise<void>;
}

type RequestMaker = (task: ContractTask, args?: readonly unknown[], more?: Partial<RunRequest>) => RunRequest;

/**
 * The laws of `Executor`, each as a case that runs on an executor of its own:
 *
 *     for (const law of executorContract({ create })) test(law.name, { skip: law.skipped }, law.run)
 */
export function executorContract(options: ExecutorContractOptions): readonly ExecutorContractCase[] {
  const taskOf = options.task ?? moduleTask;
  return laws.map((law) => ({
    name: law.name,
    skipped: law.needs?.map((need) => options.lacks?.[need]).find((reason) => reason !== undefined),
    async run() {
      const { executor, dispose } = await options.create();
      try {
        await law.check(watched(executor), (name, args = [], more = {}) => ({ ...blank(), task: taskOf(name), args, ...more }));
      } finally {
        await executor.close();
        await dispose?.();
      }
    },
  }));
}

const laws: readonly Law[] = [
  {
    name: 'its capacity is a whole number from 1, or Infinity',
    async check({ capacity }) {
      assert.ok(capacity === Number.POSITIVE_INFINITY || (Number.isInteger(capacity) && capacity >= 1), `capacity is ${capacity}`);
    },
  },
  {
    name: 'a run ends with the value of its task',
    async check(executor, request) {
      assert.deepEqual(await executor.run(request('add', [1, 2])), { ok: true, value: 3 });
      assert.deepEqual(await executor.run(request('addLater', [1, 2])), { ok: true, value: 3 });
    },
  },
  {
    name: 'runs at the same time end each with its own value',
    async check(executor, request) {
      const numbers = Array.from({ length: 50 }, (_, n) => n);
      const results = await Promise.all(numbers.map((n) => executor.run(request(n % 2 === 0 ? 'add' : 'addLater', [n, 1_000]))));
      assert.deepEqual(
        results,
        numbers.map((n) => ({ ok: true, value: n + 1_000 })),
      );
    },
  },
  {
    name: 'a task that throws or rejects ends its run with the message, and run itself neither throws nor rejects',
    async check(executor, request) {
      for (const task of ['fail', 'failLater'] as const) {
        const error = failure(await executor.run(request(task, ['no luck'])));
        assert.ok(error instanceof Error);
        assert.equal(error.message, 'no luck');
      }
    },
  },
  {
    name: 'an error keeps its class, code, own fields, stack and cause',
    needs: ['wholeErrors'],
    async check(executor, request) {
      const error = failure(await executor.run(request('fail', ['no luck'])));
      assert.ok(error instanceof RangeError);
      assert.equal(Reflect.get(error, 'code'), 'E_CONTRACT');
      assert.equal(Reflect.get(error, 'limit'), 3);
      assert.match(error.stack ?? '', /executor-contract-tasks/);
      assert.ok(error.cause instanceof TypeError);
      assert.equal(error.cause.message, 'the cause');
    },
  },
  {
    name: 'a thrown value that is no error is kept, null among them',
    needs: ['wholeErrors'],
    async check(executor, request) {
      for (const value of [null, undefined, 'text', { code: 7 }]) {
        assert.deepEqual(failure(await executor.run(request('throwValue', [value]))), value);
      }
    },
  },
  {
    name: 'a task that is not there ends its run with an error, and the next run goes well',
    async check(executor, request) {
      assert.equal(executor.refuses?.(request('add').task), undefined);
      const task: Task = {
        name: 'nowhere',
        target: { kind: 'module', url: new URL('./no-such-file.js', import.meta.url).href, exportName: 'task' },
      };
      assert.ok(failure(await executor.run({ ...request('add'), task })) instanceof Error);
      assert.deepEqual(await executor.run(request('add', [1, 1])), { ok: true, value: 2 });
    },
  },
  {
    name: 'a task finds its run, with the nominal time in its zone',
    needs: ['context'],
    async check(executor, request) {
      const more = { jobId: 'import', runId: 'r-7', attempt: 2, scheduledAt: 1_700_000_000_000, timezone: 'Asia/Kathmandu' };
      const value = { jobId: 'import', runId: 'r-7', attempt: 2, scheduledAt: 1_700_000_000_000, zone: 'Asia/Kathmandu' };
      assert.deepEqual(await executor.run(request('describeRun', [], more)), { ok: true, value });
    },
  },
  {
    name: 'progress and log lines of a task arrive before its result',
    needs: ['context'],
    async check(executor, request) {
      const heard: unknown[] = [];
      const log: Logger = { ...silent, info: (facts, message) => heard.push([facts, message]) };
      const result = await executor.run(request('report', [], { log, progress: (value) => heard.push(value) }));
      assert.deepEqual(result, { ok: true, value: undefined });
      assert.deepEqual(heard, [{ percent: 50 }, [{ rows: 3 }, 'half of it']]);
    },
  },
  {
    name: 'a run that is aborted ends with the reason, whether or not its task stops by itself',
    needs: ['context'],
    async check(executor, request) {
      for (const task of ['waitForAbort', 'never'] as const) {
        const controller = new AbortController();
        const reason = new RunCancelledError(`stop ${task}`);
        const abort = (): void => controller.abort(reason);
        assert.equal(failure(await executor.run(request(task, [], { signal: controller.signal, progress: abort }))), reason);
        assert.deepEqual(await executor.run(request('add', [1, 1])), { ok: true, value: 2 });
      }
    },
  },
  {
    name: 'a run that was aborted before it began ends with the reason',
    async check(executor, request) {
      const reason = new RunCancelledError('too late');
      assert.equal(failure(await executor.run(request('never', [], { signal: AbortSignal.abort(reason) }))), reason);
    },
  },
  {
    name: 'an abort ends its own run alone',
    needs: ['context'],
    async check(executor, request) {
      const controller = new AbortController();
      const reason = new RunCancelledError('only this one');
      const aborted = executor.run(request('waitForAbort', [], { signal: controller.signal, progress: () => controller.abort(reason) }));
      const others = Array.from({ length: 5 }, (_, n) => executor.run(request('addLater', [n, 1])));
      assert.equal(failure(await aborted), reason);
      assert.deepEqual(
        await Promise.all(others),
        others.map((_, n) => ({ ok: true, value: n + 1 })),
      );
    },
  },
  {
    name: 'a host that dies ends its run with a WorkerCrashedError that has the exit code, and the next run goes well',
    needs: ['isolation'],
    async check(executor, request) {
      const error = failure(await executor.run(request('exit', [3])));
      assert.ok(error instanceof WorkerCrashedError);
      assert.equal(error.exitCode, 3);
      assert.deepEqual(await executor.run(request('add', [1, 1])), { ok: true, value: 2 });
    },
  },
  {
    name: 'close ends what is running, each with a reason',
    async check(executor, request) {
      const runs = [executor.run(request('never')), executor.run(request('never'))];
      await executor.close();
      for (const run of runs) assert.ok(failure(await run) instanceof Error);
    },
  },
  {
    name: 'close may be called before any run, and twice',
    async check(executor, request) {
      await executor.close();
      await executor.run(request('add', [1, 1]));
      await Promise.all([executor.close(), executor.close()]);
      await executor.close();
    },
  },
  {
    name: 'an executor works again after close',
    async check(executor, request) {
      assert.deepEqual(await executor.run(request('add', [1, 1])), { ok: true, value: 2 });
      await executor.close();
      assert.deepEqual(await executor.run(request('add', [2, 2])), { ok: true, value: 4 });
    },
  },
];

/** A run that rejects breaks a law; where a case fails before it looks, that must not end the test process. */
function watched(executor: Executor): Executor {
  return {
    capacity: executor.capacity,
    refuses: (task) => executor.refuses?.(task),
    run(request) {
      const result = executor.run(request);
      if (result instanceof Promise) result.catch(() => {});
      return result;
    },
    close: () => executor.close(),
  };
}

function failure(result: RunResult): unknown {
  if (result.ok) assert.fail('the run ended well, and should not have');
  return result.error;
}

/** The tasks stand beside this file, compiled or not. */
function moduleTask(name: ContractTask): Task {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const { href } = new URL(`../testing/executor-contract-tasks.${extension}`, import.meta.url);
  return { name, target: { kind: 'module', url: href, exportName: name } };
}

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

function blank(): Omit<RunRequest, 'task' | 'args'> {
  const { signal } = new AbortController();
  return { jobId: 'contract', runId: 'run', scheduledAt: 0, attempt: 1, signal, log: silent, progress() {} };
}
