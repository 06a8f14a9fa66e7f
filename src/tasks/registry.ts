import type { Task } from '../core/task.ts';
import type { CallableTask } from './task-link.ts';
import type { TaskPolicy } from './task-options.ts';

/** A task of an app, as its workers see it. */
export interface RegisteredTask {
  readonly task: Task;
  readonly policy: TaskPolicy;
  readonly handle: CallableTask;
}

/** What a worker looks tasks up in. */
export type TaskRegistry = ReadonlyMap<string, RegisteredTask>;

/** The names of those that can be run here. */
export function runnable(registry: TaskRegistry): readonly string[] {
  return [...registry.values()].filter(({ task }) => task.target?.kind !== 'elsewhere').map(({ task }) => task.name);
}
