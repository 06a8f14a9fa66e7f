import { availableParallelism } from 'node:os';
import { EventEmitter } from 'eventemitter3';
import type { Cancel, Clock } from '../core/clock.ts';
import type { Executor } from '../core/executor.ts';
import type { Logger } from '../core/logger.ts';
import type { Task } from '../core/task.ts';
import { InvalidOptionError, RunCancelledError, SchedulerStateError } from '../errors.ts';
import { InlineExecutor } from '../executors/inline.ts';
import { ThreadsExecutor } from '../executors/threads.ts';
import type { Consumer, Delivery, Settlement, TaskEngine } from './engine.ts';
import type { TaskRegistry } from './registry.ts';
import { settle, type Workshop } from './settle.ts';
import { checkQueue, defaultQueue } from './task-id.ts';
import { checkNames } from './task-options.ts';
import type { TaskRun } from './task-run.ts';
import type { TaskEvent, WorkerEvents } from './worker-events.ts';

export interface WorkerOptions {
  /** The queues to take tasks from, or each with how many of its tasks to run at once; default: `default`. */
  readonly queues?: readonly string[] | Readonly<Record<string, number>> | undefined;
  /** How many tasks of each queue to run at once; default: as many as the machine runs in parallel. */
  readonly concurrency?: number | undefined;
  /** Worker threads for module tasks at most; default: one for each task that may run at once. */
  readonly threads?: number | undefined;
}

/** What a worker needs of its app. */
export interface WorkerSource {
  readonly engine: TaskEngine;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly registry: TaskRegistry;
}

const noMore = Object.freeze({});

const optionNames: readonly string[] = ['queues', 'concurrency', 'threads'] satisfies (keyof WorkerOptions)[];

/**
 * Takes tasks from queues and runs them: functions on the event loop, module tasks in worker threads, so that what computes there
 * cannot keep the event loop from holding on to the tasks it has.
 */
export class TaskWorker {
  readonly queues: ReadonlyMap<string, number>;
  readonly #source: WorkerSource;
  /** Its types stand at `on`: the emitter's own cannot be told of a generic name. */
  readonly #events: EventEmitter = new EventEmitter();
  readonly #runs: Set<TaskRun> = new Set();
  readonly #inline: Executor = new InlineExecutor();
  readonly #maxThreads: number;
  readonly #workshop: Workshop;
  #threads: ThreadsExecutor | undefined;
  #consumer: Consumer | undefined;
  #stopped: Promise<void> | undefined;

  /** @throws InvalidOptionError */
  constructor(options: WorkerOptions, source: WorkerSource) {
    checkNames(options, optionNames);
    const { queues = [defaultQueue], concurrency = availableParallelism(), threads } = options;
    this.queues = checkQueues(queues, wholeNumber(concurrency, 'concurrency'));
    const total = [...this.queues.values()].reduce((sum, count) => sum + count, 0);
    this.#maxThreads = threads === undefined ? total : wholeNumber(threads, 'threads');
    this.#source = source;
    this.#workshop = {
      registry: source.registry,
      clock: source.clock,
      logger: source.logger,
      executorFor: (task) => this.#executorFor(task),
      began: (run) => this.#began(run),
    };
  }

  on<Name extends keyof WorkerEvents>(name: Name, listener: (payload: WorkerEvents[Name]) => void): this {
    this.#events.on(name, listener);
    return this;
  }

  off<Name extends keyof WorkerEvents>(name: Name, listener: (payload: WorkerEvents[Name]) => void): this {
    this.#events.off(name, listener);
    return this;
  }

  /** Takes tasks until `stop`; resolves once it is connected. @throws SchedulerStateError if it runs already */
  async start(): Promise<void> {
    if (this.#consumer !== undefined) throw new SchedulerStateError('this worker runs already');
    const { engine } = this.#source;
    this.#stopped = undefined;
    this.#consumer = engine.consume({
      queues: this.queues,
      handle: (delivery) => this.#handle(delivery),
      trouble: (error) => {
        this.#source.logger.warn({ error }, 'a task worker has trouble, and goes on');
        this.#emit('workerError', { error });
      },
    });
    await this.#consumer.start();
    // Told to stop before its server was there.
    if (this.#stopped !== undefined) return;
    this.#emit('workerStarted', { queues: [...this.queues.keys()] });
  }

  /**
   * Takes tasks until the process is told to end: SIGTERM and SIGINT finish the tasks that run and take no more, a second one gives
   * them back to their queues at once. Resolves when the worker has stopped.
   */
  async run(): Promise<void> {
    let signals = 0;
    let ended: () => void = () => {};
    const over = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const onSignal = (): void => {
      signals += 1;
      void this.stop({ force: signals > 1 }).then(ended, ended);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
    try {
      await this.start();
      this.#onStopped = ended;
      await over;
      await this.stop();
    } finally {
      process.off('SIGTERM', onSignal);
      process.off('SIGINT', onSignal);
    }
  }

  /** Takes no more tasks and resolves when those that run are done; with `force`, they are stopped and given back at once. May be called again. */
  async stop(options: { readonly force?: boolean | undefined } = {}): Promise<void> {
    const consumer = this.#consumer;
    if (consumer === undefined) return;
    this.#stopped ??= this.#finish(consumer);
    if (options.force === true) {
      this.#abortAll();
      await consumer.stop({ force: true });
    }
    await this.#stopped;
  }

  #onStopped: () => void = () => {};

  async #finish(consumer: Consumer): Promise<void> {
    await consumer.stop();
    await this.#threads?.close();
    this.#threads = undefined;
    this.#consumer = undefined;
    this.#emit('workerStopped', { queues: [...this.queues.keys()] });
    this.#onStopped();
  }

  #abortAll(): void {
    for (const run of this.#runs) run.abort('stopping', new RunCancelledError('its worker was told to stop at once'));
  }

  #handle(delivery: Delivery): Settlement | Promise<Settlement> {
    const settlement = settle(delivery, this.#workshop);
    if ('then' in settlement) return settlement.then((settled) => this.#report(delivery, settled));
    return this.#report(delivery, settlement);
  }

  #began(run: TaskRun): Cancel {
    this.#runs.add(run);
    this.#tell('taskStarted', run.delivery, noMore);
    return () => this.#runs.delete(run);
  }

  #executorFor(task: Task): Executor {
    if (task.target?.kind !== 'module') return this.#inline;
    this.#threads ??= new ThreadsExecutor({ max: this.#maxThreads });
    return this.#threads;
  }

  #report(delivery: Delivery, settlement: Settlement): Settlement {
    switch (settlement.kind) {
      case 'succeeded':
        this.#tell('taskSucceeded', delivery, { value: settlement.value });
        break;
      case 'failed':
        if (delivery.problem !== undefined) {
          this.#source.logger.warn({ taskId: delivery.id, queue: delivery.queue, reason: delivery.problem }, 'a message was set aside');
        }
        this.#tell('taskFailed', delivery, { error: settlement.error });
        break;
      case 'retry':
        this.#tell('taskRetrying', delivery, { error: settlement.error, delay: settlement.delay });
        break;
      case 'revoked':
        this.#tell('taskRevoked', delivery, { reason: settlement.reason });
        break;
      case 'returned':
        this.#tell('taskReturned', delivery, noMore);
        break;
      case 'lost':
        this.#source.logger.warn({ taskId: delivery.id, task: delivery.task }, 'a task was lost to another worker, and stopped here');
    }
    return settlement;
  }

  #tell<Name extends 'taskStarted' | 'taskSucceeded' | 'taskFailed' | 'taskRetrying' | 'taskRevoked' | 'taskReturned'>(
    name: Name,
    delivery: Delivery,
    more: Omit<WorkerEvents[Name], keyof TaskEvent>,
  ): void {
    if (this.#events.listenerCount(name) === 0) return;
    const { id, task, queue, attempt } = delivery;
    this.#emit(name, { id, task, queue, attempt, ...more } as WorkerEvents[Name]);
  }

  #emit<Name extends keyof WorkerEvents>(name: Name, payload: WorkerEvents[Name]): void {
    for (const listener of this.#events.listeners(name)) {
      try {
        Reflect.apply(listener, undefined, [payload]);
      } catch (error) {
        this.#source.logger.error({ event: name, error }, 'a listener of a task worker threw');
      }
    }
  }
}

function checkQueues(queues: unknown, concurrency: number): ReadonlyMap<string, number> {
  const expected = 'a list of queue names, or how many tasks of each to run at once, such as { mail: 8, default: 2 }';
  if (typeof queues !== 'object' || queues === null) throw new InvalidOptionError('queues', queues, expected);
  const entries: [unknown, number][] = Array.isArray(queues)
    ? queues.map((queue: unknown) => [queue, concurrency])
    : Object.entries(queues).map(([queue, count]: [string, unknown]) => [queue, wholeNumber(count, `queues.${queue}`)]);
  if (entries.length === 0) throw new InvalidOptionError('queues', queues, expected);
  return new Map(entries.map(([queue, count], index) => [checkQueue(queue, `queues[${index}]`), count]));
}

function wholeNumber(value: unknown, option: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidOptionError(option, value, 'a whole number from 1');
}
