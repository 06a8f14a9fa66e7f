/** Any function that can be a task. */
// biome-ignore lint/suspicious/noExplicitAny: parameters are checked where the task is given, by its own type
export type TaskFunction<Args extends readonly unknown[] = any, Result = unknown> = (...args: Args) => Result;

/** What a task's name stands for: a function of this process, an export of a module, or something that only other processes run. */
export type TaskTarget =
  | { readonly kind: 'function'; readonly fn: TaskFunction }
  | { readonly kind: 'module'; readonly url: string; readonly exportName: string }
  | { readonly kind: 'elsewhere' };

/** A named piece of work. A row from a durable store carries the name alone; the process's registry has the target. */
export interface Task {
  readonly name: string;
  readonly target?: TaskTarget;
}
