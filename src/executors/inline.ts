import type { Executor, RunRequest, RunResult } from '../core/executor.ts';
import type { Task, TaskFunction } from '../core/task.ts';
import { InvalidOptionError, RunCancelledError } from '../errors.ts';
import { loadTask } from './load-task.ts';
import { onAbort } from './on-abort.ts';
import { runInContext } from './run-context.ts';

export interface InlineOptions {
  /** How many runs may be pending at once; default: no limit. Functions that end synchronously never overlap anyway. */
  readonly concurrency?: number | undefined;
}

/**
 * Runs tasks on the event loop. A function that ends synchronously gives its result synchronously. A pending run
 * ends at once when it is aborted: nothing can stop a function of this thread, so how it ends later is ignored.
 */
export class InlineExecutor implements Executor {
  readonly capacity: number;
  readonly #pending: Set<(result: RunResult) => void> = new Set();

  constructor(options: InlineOptions = {}) {
    const { concurrency = Number.POSITIVE_INFINITY } = options;
    if (concurrency !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(concurrency) && concurrency >= 1)) {
      throw new InvalidOptionError('concurrency', concurrency, 'a whole number from 1, or Infinity');
    }
    this.capacity = concurrency;
  }

  refuses(task: Task): string | undefined {
    if (task.target !== undefined && task.target.kind !== 'elsewhere') return undefined;
    return `task ${JSON.stringify(task.name)} has no function in this process: it was declared for other processes to run`;
  }

  run(request: RunRequest): RunResult | Promise<RunResult> {
    const { target, name } = request.task;
    if (target?.kind === 'function') return this.#call(target.fn, request);
    if (target?.kind === 'module') {
      return this.#settle(this.#load(target.url, target.exportName, request), request);
    }
    return { ok: false, error: new InvalidOptionError('task', name, 'a function or a module of this process') };
  }

  async close(): Promise<void> {
    for (const end of [...this.#pending]) end({ ok: false, error: new RunCancelledError('its executor was closed') });
  }

  async #load(url: string, exportName: string, request: RunRequest): Promise<unknown> {
    const fn = await loadTask(url, exportName);
    return runInContext(request, () => {
      request.signal.throwIfAborted();
      return fn(...request.args);
    }, []);
  }

  #call(fn: TaskFunction, request: RunRequest): RunResult | Promise<RunResult> {
    try {
      const value: unknown = runInContext(request, fn, request.args);
      return isThenable(value) ? this.#settle(value, request) : { ok: true, value };
    } catch (error) {
      return { ok: false, error };
    }
  }

  #settle(value: PromiseLike<unknown>, request: RunRequest): Promise<RunResult> {
    return new Promise((resolve) => {
      // Later calls find the promise resolved and the set without it, so that the first end is the only one.
      const end = (result: RunResult): void => {
        this.#pending.delete(end);
        cancel();
        resolve(result);
      };
      let cancel = (): void => {};
      this.#pending.add(end);
      Promise.resolve(value).then(
        (result) => end({ ok: true, value: result }),
        (error: unknown) => end({ ok: false, error }),
      );
      cancel = onAbort(request, (reason) => end({ ok: false, error: reason }));
    });
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') && 'then' in value && typeof value.then === 'function'
  );
}
