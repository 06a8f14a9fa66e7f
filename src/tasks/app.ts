import { createSystemClock } from '../clocks/system-clock.ts';
import type { Clock } from '../core/clock.ts';
import type { Executor, RunRequest } from '../core/executor.ts';
import type { Logger } from '../core/logger.ts';
import type { TaskTarget } from '../core/task.ts';
import { InvalidOptionError, TaskNotFoundError } from '../errors.ts';
import { loadTask } from '../executors/load-task.ts';
import { TimeZone } from '../time/time-zone.ts';
import { type AppTask, makeAppTask } from './app-task.ts';
import { type BeatEntry, type BeatJob, beatJobs } from './beat.ts';
import { DispatchExecutor, type DispatchSource } from './dispatch-executor.ts';
import type { TaskEngine, TaskMessage } from './engine.ts';
import { exportsOf } from './load-exports.ts';
import { type RegisteredTask, runnable, type TaskRegistry } from './registry.ts';
import { AsyncResult } from './result.ts';
import { makeMessage, type SendOptions } from './send-options.ts';
import { stderrLogger } from './stderr-logger.ts';
import { queueOf } from './task-id.ts';
import { type CallableTask, isAppTask, type TaskLink } from './task-link.ts';
import { checkNames, type TaskOptions, type TaskPolicy, taskPolicy } from './task-options.ts';
import { TaskWorker, type WorkerOptions } from './worker.ts';

export interface TaskAppOptions {
  readonly engine: TaskEngine;
  /** Tells executors of several apps in one scheduler apart; default: `tasks`. */
  readonly id?: string | undefined;
  /** What `scheduler.addBeat(app)` adds, by the id of the job. */
  readonly beatSchedule?: Readonly<Record<string, BeatEntry>> | undefined;
  /** IANA name, for wall times in `eta`; default: the system's zone. */
  readonly timezone?: string | undefined;
  /** Pino's shape; default: warnings and errors to standard error. */
  readonly logger?: Logger | undefined;
  /** Default: the system clock. */
  readonly clock?: Clock | undefined;
}

const optionNames: readonly string[] = ['engine', 'id', 'beatSchedule', 'timezone', 'logger', 'clock'] satisfies (keyof TaskAppOptions)[];
const engineMethods: readonly (keyof TaskEngine)[] = ['send', 'sendFlow', 'read', 'settled', 'revoke', 'consume', 'close'];

/**
 * Tasks that run on workers anywhere. One app is made in each process, with the same tasks: a process that only sends declares them
 * with `remote`. Making it connects to nothing; the first call that needs the engine does.
 */
export class TaskApp {
  readonly engine: TaskEngine;
  readonly id: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly #timezone: string;
  readonly #beatSchedule: Readonly<Record<string, BeatEntry>>;
  readonly #tasks: Map<string, RegisteredTask> = new Map();
  readonly #workers: Set<TaskWorker> = new Set();
  readonly #source: DispatchSource;
  #executor: DispatchExecutor | undefined;

  /** @throws InvalidOptionError */
  constructor(options: TaskAppOptions) {
    if (typeof options !== 'object' || options === null) throw new InvalidOptionError('options', options, '{ engine }');
    checkNames(options, optionNames);
    const { engine, id = 'tasks', beatSchedule = {}, timezone = 'local', logger = stderrLogger, clock = createSystemClock() } = options;
    const isEngine = typeof engine === 'object' && engine !== null && engineMethods.every((name) => typeof engine[name] === 'function');
    if (!isEngine) throw new InvalidOptionError('engine', engine, "an engine, such as bullmq({ connection: 'redis://127.0.0.1:6379/0' })");
    if (typeof id !== 'string' || !/^[\w.-]+$/.test(id))
      throw new InvalidOptionError('id', id, 'a text of letters, digits, "_", "." or "-"');
    this.engine = engine;
    this.id = id;
    this.clock = clock;
    this.logger = logger;
    this.#timezone = TimeZone.of(timezone).name;
    this.#beatSchedule = beatSchedule;
    this.#source = {
      engine,
      clock,
      compose: (task, args, sendOptions) => this.#compose(task.name, args, sendOptions),
      composeRun: (request, sendOptions) => this.#composeRun(request, sendOptions),
    };
  }

  /**
   * A task and what runs it: a function, which workers run on their event loop, or `new URL('./file.js#exportName', import.meta.url)`,
   * which they run in worker threads, where it can be stopped and cannot hold up anything else.
   * @throws InvalidOptionError
   */
  task<Args extends readonly unknown[], Returned>(
    name: string,
    fn: (...args: Args) => Returned,
    options?: TaskOptions,
  ): AppTask<Args, Returned>;
  task<Args extends readonly unknown[] = unknown[], Returned = unknown>(
    name: string,
    module: URL,
    options?: TaskOptions,
  ): AppTask<Args, Promise<Returned>>;
  task(name: string, given: ((...args: never[]) => unknown) | URL, options: TaskOptions = {}): AppTask<never[], unknown> {
    if (given instanceof URL) {
      const target = moduleTarget(given);
      return this.#register(name, target, { options, call: async (...args) => (await loadTask(target.url, target.exportName))(...args) });
    }
    if (typeof given !== 'function') {
      throw new InvalidOptionError('task', given, "a function, or new URL('./file.js#exportName', import.meta.url)");
    }
    if (isAppTask(given)) throw new InvalidOptionError('task', given, 'a function that is not a task already');
    return this.#register(name, { kind: 'function', fn: given }, { options, call: given });
  }

  /** A task that only others implement: it can be sent, not called. */
  remote<Args extends readonly unknown[] = unknown[], Returned = unknown>(
    name: string,
    options: TaskOptions = {},
  ): AppTask<Args, Promise<Returned>> {
    const call = async (..._args: Args): Promise<Returned> => {
      throw new TaskNotFoundError(name, runnable(this.#tasks));
    };
    return this.#register(name, { kind: 'elsewhere' }, { options, call });
  }

  /**
   * Makes a task of each function that a module exports, called `<file name>.<export>`, as a module task. A task that the module made
   * itself with `app.task` stays as it is.
   * @throws InvalidOptionError if the module cannot be loaded or exports no function
   */
  async load(module: URL, options: TaskOptions = {}): Promise<readonly CallableTask[]> {
    const { url } = moduleTarget(module);
    const found: CallableTask[] = [];
    for (const { name, exportName, value } of await exportsOf(url)) {
      if (isAppTask(value)) found.push(value);
      else found.push(this.task(name, new URL(`${url}#${encodeURIComponent(exportName)}`), options));
    }
    return found;
  }

  /** The registered tasks, by name. */
  get tasks(): TaskRegistry {
    return this.#tasks;
  }

  /** A handle on a task that was sent, here or elsewhere. @throws InvalidOptionError for what cannot be an id */
  asyncResult<Result = unknown>(id: string): AsyncResult<Result> {
    queueOf(id);
    return new AsyncResult(id, this.#source);
  }

  /** A worker of this process; `run()` or `start()` makes it take tasks. @throws InvalidOptionError */
  worker(options: WorkerOptions = {}): TaskWorker {
    const worker = new TaskWorker(options, { engine: this.engine, clock: this.clock, logger: this.logger, registry: this.#tasks });
    this.#workers.add(worker);
    return worker;
  }

  /** For `new Scheduler({ executors: { fleet: app.executor() } })`: its jobs' tasks, by name, run on this app's workers. */
  executor(): Executor {
    this.#executor ??= new DispatchExecutor(this.#source);
    return this.#executor;
  }

  /** The beat schedule as jobs. A name that is no task here is taken as a remote one. */
  beatJobs(): readonly BeatJob[] {
    return beatJobs(this.#beatSchedule, (name) => this.#tasks.get(name)?.handle ?? this.remote(name));
  }

  /** Stops this process's workers when their tasks are done, and frees the connections. The app can be used again. */
  async close(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.stop()));
    await this.#executor?.close();
    await this.engine.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #register<Args extends readonly unknown[], Returned>(
    name: string,
    target: TaskTarget,
    rest: { options: TaskOptions; call: (...args: Args) => Returned },
  ): AppTask<Args, Returned> {
    if (typeof name !== 'string' || !/^[^\s\p{C}]{1,200}$/u.test(name)) {
      throw new InvalidOptionError('name', name, 'a name of 1 to 200 characters without spaces, such as "mail.send"');
    }
    const known = this.#tasks.get(name);
    if (known !== undefined && known.task.target?.kind !== 'elsewhere' && target.kind !== 'elsewhere') {
      throw new InvalidOptionError('name', name, 'a name that no other task of this app has');
    }
    const link: TaskLink = {
      name,
      executorName: `app:${this.id}`,
      executor: () => this.executor(),
      jobOptions: ['queue', 'priority', 'expires'],
      app: this.#source,
    };
    const handle = makeAppTask(rest.call, link);
    const entry: RegisteredTask = { task: { name, target }, policy: taskPolicy(rest.options), handle };
    // A declaration never takes the place of what was implemented here.
    if (known === undefined || target.kind !== 'elsewhere') this.#tasks.set(name, entry);
    return handle;
  }

  #compose(task: string, args: readonly unknown[], options: SendOptions): TaskMessage {
    return makeMessage(args, options, { task, policy: this.#policyOf(task), now: this.clock.now(), timezone: this.#timezone });
  }

  #composeRun(request: RunRequest, options: SendOptions): TaskMessage {
    const { jobId, runId, scheduledAt, attempt } = request;
    const { name } = request.task;
    const context = { task: name, policy: this.#policyOf(name), now: this.clock.now(), timezone: this.#timezone };
    return makeMessage(request.args, options, { ...context, origin: { jobId, runId, scheduledAt, attempt } });
  }

  #policyOf(task: string): TaskPolicy {
    return this.#tasks.get(task)?.policy ?? taskPolicy({});
  }
}

function moduleTarget(given: URL): TaskTarget & { kind: 'module' } {
  if (!(given instanceof URL)) throw new InvalidOptionError('module', given, "new URL('./file.js', import.meta.url)");
  const url = new URL(given);
  url.hash = '';
  return { kind: 'module', url: url.href, exportName: given.hash === '' ? 'default' : decodeURIComponent(given.hash.slice(1)) };
}
