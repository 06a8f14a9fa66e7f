import { AsyncLocalStorage } from 'node:async_hooks';
import type { RunRequest } from '../core/executor.ts';
import type { TaskFunction } from '../core/task.ts';

/** What a task may learn of the run it is in; the part of a request that also crosses to a worker thread. */
export type RunView = Pick<RunRequest, 'jobId' | 'runId' | 'scheduledAt' | 'timezone' | 'attempt' | 'signal' | 'log' | 'progress'>;

/**
 * One storage a thread, however often this file is loaded: a bundler may copy punctual into a task's file, and a
 * task that imports its own copy must still find the run it is in. The number changes when `RunView` does.
 */
const key = Symbol.for('punctual.run-context.1');

function shared(): AsyncLocalStorage<RunView> {
  const found: unknown = Reflect.get(globalThis, key);
  if (found instanceof AsyncLocalStorage) return found;
  const made = new AsyncLocalStorage<RunView>();
  Object.defineProperty(globalThis, key, { value: made });
  return made;
}

const storage: AsyncLocalStorage<RunView> = shared();

/** Calls `fn(...args)` so that it, and whatever it starts, finds `view` as its run. */
export function runInContext(view: RunView, fn: TaskFunction, args: readonly unknown[]): unknown {
  return storage.run(view, fn, ...args);
}

/** The run that the caller is in, or `undefined` outside of one. */
export function runView(): RunView | undefined {
  return storage.getStore();
}
