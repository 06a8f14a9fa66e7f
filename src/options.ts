import type { ResourceLimits } from 'node:worker_threads';
import type { Clock } from './core/clock.ts';
import type { Executor } from './core/executor.ts';
import type { JobPolicy } from './core/job.ts';
import type { Logger } from './core/logger.ts';
import type { Store } from './core/store.ts';
import { createSystemClock } from './clocks/system-clock.ts';
import { InvalidOptionError } from './errors.ts';
import { guardedLogger } from './guarded-logger.ts';
import type { InlineOptions } from './executors/inline.ts';
import { defaultPolicy, type PolicyOptions, parsePolicy, policyOptionNames, wholeNumber } from './job-options.ts';
import { checkNames } from './nearest.ts';
import { MemoryJobStore } from './stores/memory.ts';
import { type DurationInput, parseDuration } from './time/duration.ts';
import { TimeZone } from './time/time-zone.ts';

/** The worker thread pool. It is made when first used. */
export interface ThreadsOptions {
  /** Threads kept even when idle; default 0. */
  min?: number;
  /** Most threads at once; default `os.availableParallelism()`. */
  max?: number;
  /** A thread idle for so long ends, down to `min`; default 30 s. */
  idleTimeout?: DurationInput;
  /** As for `new Worker`. */
  resourceLimits?: ResourceLimits;
  /** As for `new Worker`; default: this process's. */
  env?: Record<string, string>;
  /** As for `new Worker`; default: this process's. */
  execArgv?: string[];
}

export interface SchedulerOptions {
  /** IANA name; default: the system's zone. */
  timezone?: string;
  /** The default job store; default: a `MemoryJobStore`. */
  jobStore?: Store;
  /** Job stores by name. One is called `default`, or a `MemoryJobStore` is. */
  jobStores?: Record<string, Store>;
  /** Executors of your own by name. `inline` and `threads` always exist. */
  executors?: Record<string, Executor>;
  /** For functions, on the event loop: how many may run at once. */
  inline?: InlineOptions;
  /** For module references, in worker threads: how many, and with what. */
  threads?: ThreadsOptions;
  /** Policies of every job that does not say otherwise. */
  jobDefaults?: PolicyOptions;
  /** Pino's shape; default: warnings and errors to the console. */
  logger?: Logger;
  /** Default: the system clock. */
  clock?: Clock;
}

/** Options with every default filled in. */
export interface CheckedOptions {
  readonly timezone: string;
  readonly stores: ReadonlyMap<string, Store>;
  readonly executors: ReadonlyMap<string, Executor>;
  readonly inline: InlineOptions;
  readonly threads: ThreadsOptions & { readonly idleTimeoutMs: number | undefined };
  readonly policy: JobPolicy;
  readonly logger: Logger;
  readonly clock: Clock;
}

const names = ['timezone', 'jobStore', 'jobStores', 'executors', 'inline', 'threads', 'jobDefaults', 'logger', 'clock'];

/** The one validation of the scheduler's options. @throws InvalidOptionError */
export function checkOptions(options: SchedulerOptions): CheckedOptions {
  checkNames(options, names, '');
  const { jobDefaults = {}, threads = {}, inline = {} } = options;
  for (const name of ['jobStores', 'executors'] as const) {
    const given: unknown = options[name] ?? {};
    if (options[name] === null || typeof given !== 'object' || Array.isArray(given))
      throw new InvalidOptionError(name, options[name], `an object of ${name === 'executors' ? 'executors' : 'job stores'} by name`);
  }
  checkNames(jobDefaults, policyOptionNames, 'jobDefaults');
  checkNames(inline, ['concurrency'], 'inline');
  if (inline.concurrency !== undefined && inline.concurrency !== Infinity) wholeNumber(inline.concurrency, 'inline.concurrency', 1);
  checkThreads(threads);
  return {
    timezone: options.timezone === undefined ? TimeZone.of('local').name : TimeZone.of(options.timezone).name,
    stores: checkStores(options),
    executors: checkExecutors(options.executors ?? {}),
    inline,
    threads: {
      ...threads,
      idleTimeoutMs:
        threads.idleTimeout === undefined ? undefined : parseDuration(threads.idleTimeout, 'threads.idleTimeout', { allowZero: true }),
    },
    policy: parsePolicy(jobDefaults, defaultPolicy, 'jobDefaults.'),
    logger: guardedLogger(options.logger === undefined ? consoleLogger : checkLogger(options.logger), (text) => console.error(text)),
    clock:
      options.clock === undefined ? createSystemClock() : checkMethods(options.clock, 'clock', ['now', 'monotonic', 'wakeAt', 'wakeAfter']),
  };
}

/** Of `min` and `max` the pool itself says what is right. */
function checkThreads(threads: ThreadsOptions): void {
  checkNames(threads, ['min', 'max', 'idleTimeout', 'resourceLimits', 'env', 'execArgv'], 'threads');
  const { resourceLimits, env, execArgv } = threads;
  if (resourceLimits !== undefined) {
    checkNames(
      resourceLimits,
      ['maxYoungGenerationSizeMb', 'maxOldGenerationSizeMb', 'codeRangeSizeMb', 'stackSizeMb'],
      'threads.resourceLimits',
    );
    for (const [name, limit] of Object.entries(resourceLimits))
      if (limit !== undefined && !(typeof limit === 'number' && limit > 0))
        throw new InvalidOptionError(`threads.resourceLimits.${name}`, limit, 'megabytes, more than 0');
  }
  if (env !== undefined && (typeof env !== 'object' || env === null || Array.isArray(env)))
    throw new InvalidOptionError('threads.env', env, 'an object of environment variables');
  if (execArgv !== undefined && !(Array.isArray(execArgv) && execArgv.every((option) => typeof option === 'string')))
    throw new InvalidOptionError('threads.execArgv', execArgv, "an array of Node's options, each a text");
}

function checkStores(options: SchedulerOptions): ReadonlyMap<string, Store> {
  const { jobStore, jobStores = {} } = options;
  if (jobStore !== undefined && 'default' in jobStores)
    throw new InvalidOptionError('jobStore', 'a store', 'either jobStore or jobStores.default, not both');
  const stores = new Map<string, Store>();
  if (jobStore !== undefined) stores.set('default', checkStore(jobStore, 'jobStore'));
  for (const [name, store] of Object.entries(jobStores)) stores.set(name, checkStore(store, `jobStores.${name}`));
  if (!stores.has('default')) stores.set('default', new MemoryJobStore());
  if (new Set(stores.values()).size < stores.size)
    throw new InvalidOptionError('jobStores', [...stores.keys()], 'a store of its own for each name');
  return stores;
}

function checkStore(store: Store, option: string): Store {
  checkMethods(store, option, ['open', 'close', 'watch']);
  return store;
}

function checkExecutors(executors: Record<string, Executor>): ReadonlyMap<string, Executor> {
  for (const [name, executor] of Object.entries(executors)) {
    if (name === 'inline' || name === 'threads')
      throw new InvalidOptionError(
        `executors.${name}`,
        'an executor',
        `another name: ${name} always exists, and the option ${name} configures it`,
      );
    checkMethods(executor, `executors.${name}`, ['run', 'close']);
  }
  return new Map(Object.entries(executors));
}

function checkLogger(logger: Logger): Logger {
  return checkMethods(logger, 'logger', ['debug', 'info', 'warn', 'error']);
}

function checkMethods<Thing extends object>(thing: Thing, option: string, methods: readonly string[]): Thing {
  const missing =
    typeof thing !== 'object' || thing === null ? methods : methods.filter((name) => typeof Reflect.get(thing, name) !== 'function');
  if (missing.length > 0)
    throw new InvalidOptionError(option, thing, `an object with the methods ${methods.join(', ')}; missing: ${missing.join(', ')}`);
  return thing;
}

/** Warnings and errors to the console, the rest nowhere. */
const consoleLogger: Logger = {
  debug() {},
  info() {},
  warn: (facts, message) => console.warn(`punctual: ${message}`, facts),
  error: (facts, message) => console.error(`punctual: ${message}`, facts),
};
