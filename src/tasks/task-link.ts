import type { Executor } from '../core/executor.ts';
import type { TaskMessage } from './engine.ts';
import type { ResultSource } from './result.ts';
import type { SendOptions } from './send-options.ts';

/** What tasks need of their app. */
export interface AppCore extends ResultSource {
  compose(task: { readonly name: string }, args: readonly unknown[], options: SendOptions): TaskMessage;
}

/**
 * Under this symbol a task of an app says how a scheduler runs it. It is a registered symbol, so that a scheduler knows such a task
 * without importing this entry point, and from another copy of the package too.
 */
export const taskSymbol: unique symbol = Symbol.for('punctual.task');

/** How a scheduler runs a task of an app: with `executor()`, made when first asked for, which it registers as `executorName`. */
export interface TaskLink {
  readonly name: string;
  readonly executorName: string;
  executor(): Executor;
  /** Options of `addJob` that go to that executor. */
  readonly jobOptions: readonly string[];
  readonly app: AppCore;
}

/** Any task of an app, whatever its types. */
export interface AnyTask {
  readonly name: string;
  readonly [taskSymbol]: TaskLink;
}

/** The same as what can be called, and given to `scheduler.addJob`. */
export type CallableTask = AnyTask & ((...args: never[]) => unknown);

export function appOf(task: AnyTask): AppCore {
  return task[taskSymbol].app;
}

/** Whether a value is a task of an app; of any copy of the package. */
export function isAppTask(value: unknown): value is CallableTask {
  return typeof value === 'function' && taskSymbol in value;
}
