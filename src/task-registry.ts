import type { Executor } from './core/executor.ts';
import type { Task, TaskFunction, TaskTarget } from './core/task.ts';
import { InvalidOptionError, TaskNotFoundError } from './errors.ts';
import type { TaskHandle, TaskReference } from './job-types.ts';
import { nonEmptyText, type PolicyOptions, policyOptionNames } from './job-options.ts';
import { checkNames } from './nearest.ts';

/** A task of a task app says under this symbol how a scheduler runs it; known by the symbol, so that the core loads no app. */
const appTask: symbol = Symbol.for('punctual.task');

/** The executor that a task brings along. */
export interface OwnExecutor {
  readonly executorName: string;
  executor(): Executor;
}

interface AppTaskLink extends OwnExecutor {
  readonly name: string;
}

/** What a job's first argument means. */
export interface Referred {
  readonly task: Task;
  readonly defaults?: PolicyOptions | undefined;
  readonly own?: OwnExecutor | undefined;
}

/** The tasks that one scheduler knows by name, and the tasks made of functions and module references that have none. */
export class TaskRegistry {
  readonly #named: Map<string, Task> = new Map();
  /** What jobs hold of a named task: its name alone, so that registering it again changes what they run. */
  readonly #references: Map<string, Task> = new Map();
  readonly #handles: Map<string, TaskHandle> = new Map();
  readonly #functions: WeakMap<object, Task> = new WeakMap();
  readonly #modules: Map<string, Task> = new Map();
  readonly #links: Map<string, AppTaskLink> = new Map();
  #sends = false;
  #names: readonly string[] | undefined;

  /** Registers or replaces a task. Without a target it is declared: other processes run it. */
  register(name: string, given: TaskFunction | URL | undefined, defaults: PolicyOptions): TaskHandle {
    nonEmptyText(name, 'name');
    checkNames(defaults, policyOptionNames, 'task');
    const target: TaskTarget = given === undefined ? { kind: 'elsewhere' } : targetOf(given, 'task');
    this.#named.set(name, { name, target });
    if (!this.#references.has(name)) this.#references.set(name, Object.freeze({ name }));
    this.#names = undefined;
    const handle: TaskHandle = Object.freeze({ name, defaults: Object.freeze({ ...defaults }) });
    this.#handles.set(name, handle);
    return handle;
  }

  /** The task that a job's first argument means. @throws InvalidOptionError, TaskNotFoundError */
  refer(given: TaskReference): Referred {
    if (typeof given === 'function') {
      const link: unknown = Reflect.get(given, appTask);
      return isLink(link) ? this.#ofApp(link) : { task: this.#ofFunction(given) };
    }
    if (given instanceof URL) return { task: this.#ofModule(given) };
    const name = typeof given === 'string' ? given : nameOf(given);
    const known = this.#named.get(name);
    if (known === undefined) throw new TaskNotFoundError(name, this.names());
    return { task: this.#references.get(name) ?? known, defaults: this.#handles.get(name)?.defaults, own: this.#links.get(name) };
  }

  /** The task with its target, if this process knows it. */
  resolve(task: Task): Task | undefined {
    return task.target === undefined ? (this.#named.get(task.name) ?? this.#modules.get(task.name)) : task;
  }

  /** Names that a row of a durable store may call, and this process can run. */
  runnable(): readonly string[] {
    this.#names ??= [...this.#named.values()]
      .filter((task) => task.target?.kind !== 'elsewhere' || this.#sends || this.#links.has(task.name))
      .map((task) => task.name);
    return this.#names;
  }

  /** An executor of this scheduler sends tasks to other processes: those that are only declared here can be run by it. */
  allowSending(): void {
    this.#sends = true;
    this.#names = undefined;
  }

  #ofApp(link: AppTaskLink): Referred {
    if (this.#links.get(link.name) !== link) {
      this.#links.set(link.name, link);
      this.#named.set(link.name, Object.freeze({ name: link.name, target: { kind: 'elsewhere' } as const }));
      this.#names = undefined;
    }
    return { task: this.#named.get(link.name) ?? { name: link.name }, own: link };
  }

  names(): string[] {
    return [...this.#named.keys()];
  }

  /** Whether the task's name leads to this very task, and not to another that was registered under it. */
  isNamed({ name, target }: Task): boolean {
    const known = this.#named.get(name)?.target;
    if (target === undefined || known === target) return this.#named.has(name);
    return target.kind === 'function' && known?.kind === 'function' && known.fn === target.fn;
  }

  isRegistered(task: Task): boolean {
    return this.#named.has(task.name);
  }

  #ofFunction(fn: TaskFunction): Task {
    let task = this.#functions.get(fn);
    if (task === undefined) {
      task = Object.freeze({ name: fn.name === '' ? 'anonymous' : fn.name, target: { kind: 'function', fn } as const });
      this.#functions.set(fn, task);
    }
    return task;
  }

  #ofModule(url: URL): Task {
    let task = this.#modules.get(url.href);
    if (task === undefined) {
      task = Object.freeze({ name: url.href, target: targetOf(url, 'task') });
      this.#modules.set(url.href, task);
    }
    return task;
  }
}

function isLink(value: unknown): value is AppTaskLink {
  return (
    typeof value === 'object' &&
    value !== null &&
    'executorName' in value &&
    'executor' in value &&
    typeof value.executor === 'function' &&
    'name' in value
  );
}

function targetOf(given: TaskFunction | URL, option: string): TaskTarget {
  if (typeof given === 'function') return { kind: 'function', fn: given };
  if (!(given instanceof URL))
    throw new InvalidOptionError(option, given, "a function, or new URL('./file.js#exportName', import.meta.url)");
  if (given.protocol !== 'file:' && given.protocol !== 'data:' && given.protocol !== 'node:')
    throw new InvalidOptionError(option, given.href, 'the URL of a file, as new URL(..., import.meta.url) makes it');
  const bare = new URL(given);
  bare.hash = '';
  return { kind: 'module', url: bare.href, exportName: exportNameOf(given, option) };
}

function exportNameOf(url: URL, option: string): string {
  if (url.hash === '') return 'default';
  try {
    return decodeURIComponent(url.hash.slice(1));
  } catch (error) {
    const expected = "a URL whose hash is the export's name, percent-encoded as UTF-8";
    throw new InvalidOptionError(option, url.href, expected, { cause: error });
  }
}

function nameOf(given: TaskHandle): string {
  if (typeof given === 'object' && given !== null && typeof given.name === 'string') return given.name;
  throw new InvalidOptionError(
    'task',
    given,
    "a function, new URL('./file.js#exportName', import.meta.url), a registered task's name, or what scheduler.task() returned",
  );
}
