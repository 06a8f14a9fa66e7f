import { availableParallelism } from 'node:os';
import type { Executor, RunRequest, RunResult } from './core/executor.ts';
import type { Task } from './core/task.ts';
import { InvalidOptionError } from './errors.ts';
import { checkCloneable } from './executors/cloneable.ts';
import type { CheckedOptions } from './options.ts';
import { wholeNumber } from './job-options.ts';

/** The `threads` executor before it is needed: its code is loaded, and its pool made, by the first run. */
export class LazyThreads implements Executor {
  readonly capacity: number;
  readonly #options: CheckedOptions['threads'];
  #pool: Executor | undefined;
  #loading: Promise<Executor> | undefined;

  constructor(options: CheckedOptions['threads']) {
    this.#options = options;
    const min = options.min === undefined ? 0 : wholeNumber(options.min, 'threads.min', 0);
    this.capacity = options.max === undefined ? Math.max(availableParallelism(), min) : wholeNumber(options.max, 'threads.max', 1);
    if (min > this.capacity) throw new InvalidOptionError('threads.min', min, `at most threads.max, which is ${this.capacity}`);
  }

  refuses(task: Task): string | undefined {
    const { target } = task;
    if (target?.kind === 'module') return undefined;
    if (target?.kind !== 'function') return 'the task has no module in this process';
    return `a module reference: a function cannot be sent to a worker thread, so export it from a module and give its URL with the export's name, as in new URL('./file.js#${target.fn.name || 'exportName'}', import.meta.url)`;
  }

  check(_task: Task, args: readonly unknown[]): void {
    checkCloneable(args);
  }

  run(request: RunRequest): RunResult | Promise<RunResult> {
    return this.#pool === undefined ? this.#load().then((pool) => pool.run(request)) : this.#pool.run(request);
  }

  async close(): Promise<void> {
    const pool = this.#pool ?? (await this.#loading);
    await pool?.close();
  }

  #load(): Promise<Executor> {
    this.#loading ??= import('./executors/threads.ts').then(({ ThreadsExecutor }) => {
      const { idleTimeoutMs, idleTimeout: _idleTimeout, ...settings } = this.#options;
      this.#pool = new ThreadsExecutor({
        ...settings,
        max: this.capacity,
        ...(idleTimeoutMs !== undefined && { idleTimeout: idleTimeoutMs }),
      });
      return this.#pool;
    });
    return this.#loading;
  }
}
