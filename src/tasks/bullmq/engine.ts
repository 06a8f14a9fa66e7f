import type { FlowJob, FlowProducer, Queue } from 'bullmq';
import { createSystemClock } from '../../clocks/system-clock.ts';
import type { Clock } from '../../core/clock.ts';
import { InvalidOptionError, SchedulerError } from '../../errors.ts';
import { type DurationInput, parseDuration } from '../../time/duration.ts';
import type { Consumer, ConsumeOptions, TaskEnd, TaskEngine, TaskFlow, TaskMessage, TaskState } from '../engine.ts';
import { EngineUnsupportedError, TaskEngineError } from '../errors.ts';
import { queueOf } from '../task-id.ts';
import { checkNames } from '../task-options.ts';
import { Connections, engineName, loadPackages, type Packages, type RedisAddress } from './connections.ts';
import { BullmqConsumer, type ConsumerSettings, type ConsumerSource } from './consumer.ts';
import { jobData, jobOptions } from './job-data.ts';
import { type OwnKeys, ownKeys } from './keys.ts';
import { readState, type StateSource } from './read-state.ts';
import { ResultWatch } from './result-watch.ts';
import { revokeTask } from './revoke.ts';

export interface BullmqOptions {
  /** The Redis server: its URL, or ioredis' options. */
  readonly connection: RedisAddress;
  /** What BullMQ's keys begin with; default: `bull`, as for BullMQ itself. */
  readonly prefix?: string | undefined;
  /** What is kept of ended tasks in each queue; default: for a day, and at most 100,000 that succeeded and as many that failed. */
  readonly results?: { readonly age?: DurationInput | undefined; readonly count?: number | undefined } | undefined;
  /** How many of a queue's events are kept for those that wait for results; default: 10,000. */
  readonly events?: number | undefined;
  /** How long a worker holds a task without a sign of life; default: 12 s. */
  readonly lockDuration?: DurationInput | undefined;
  /** How often workers look for tasks whose worker died; default: 4 s. A task is with another worker after the two and one look more at the latest. */
  readonly stalledInterval?: DurationInput | undefined;
  /** Default: the system clock. */
  readonly clock?: Clock | undefined;
}

/** Options with the defaults filled in. */
interface Settings extends ConsumerSettings {
  readonly connection: RedisAddress;
  readonly events: number;
  readonly clock: Clock;
}

const optionNames: readonly string[] = [
  ...['connection', 'prefix', 'results', 'events', 'lockDuration', 'stalledInterval', 'clock'],
] satisfies readonly string[];

/** A node of a flow, as BullMQ takes it. */
type FlowNode = NonNullable<FlowJob['children']>[number];

/** How many messages go to the server in one call. */
const bulkSize = 1_000;

/**
 * BullMQ as the engine of a `TaskApp`: its queues, workers, delayed jobs, flows and events, on one Redis, which also keeps the results.
 * The packages bullmq and ioredis are loaded when it is first used.
 * @throws InvalidOptionError
 */
export function bullmq(options: BullmqOptions): TaskEngine {
  return new BullmqEngine(checkOptions(options));
}

/** What is open between the first call and `close`. */
interface Opened {
  readonly packages: Packages;
  readonly connections: Connections;
  readonly queues: Map<string, Queue>;
  readonly watches: Map<string, ResultWatch>;
  flows: FlowProducer | undefined;
}

class BullmqEngine implements TaskEngine {
  readonly name: string = engineName;
  readonly #settings: Settings;
  readonly #keys: OwnKeys;
  #opened: Promise<Opened> | undefined;
  /** The same, once it is there: a call that need not wait costs no turn of the event loop. */
  #ready: Opened | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#keys = ownKeys(settings.prefix);
  }

  async send(messages: readonly TaskMessage[]): Promise<void> {
    const [message] = messages;
    if (message === undefined) return;
    const opened = await this.#connected('sending');
    const now = this.#settings.clock.now();
    // Job.create is what Queue.add comes to when no telemetry is asked for.
    const { Job } = opened.packages.bullmq;
    try {
      if (messages.length === 1) {
        await Job.create(this.#queue(opened, message.queue), message.task, jobData(message), jobOptions(message, now));
        return;
      }
      for (const name of new Set(messages.map((one) => one.queue))) {
        const queue = this.#queue(opened, name);
        const list = messages.filter((one) => one.queue === name);
        for (let start = 0; start < list.length; start += bulkSize) {
          const part = list.slice(start, start + bulkSize);
          await Job.createBulk(
            queue,
            part.map((one) => ({ name: one.task, data: jobData(one), opts: jobOptions(one, now) })),
          );
        }
      }
    } catch (error) {
      throw asEngineError('sending', error);
    }
  }

  sendFlow(flow: TaskFlow): Promise<void> {
    return this.#call('sending', async (opened) => {
      if (await this.#mayAdd(flow)) await this.#flows(opened).add(this.#flowJob(flow, false));
    });
  }

  read(id: string): Promise<TaskState | undefined> {
    return this.#call('reading', (opened) => readState(id, this.#stateSource(opened)));
  }

  async settled(id: string, signal?: AbortSignal): Promise<TaskEnd> {
    const queue = queueOf(id);
    signal?.throwIfAborted();
    const opened = await this.#open();
    let watch = opened.watches.get(queue);
    if (watch === undefined) {
      watch = this.#watch(opened, queue);
      opened.watches.set(queue, watch);
    }
    return watch.wait(id, signal);
  }

  revoke(id: string, reason: string): Promise<boolean> {
    return this.#call('revoking', (opened) =>
      revokeTask(id, reason, {
        redis: opened.connections.sender,
        keys: this.#keys,
        rememberMs: this.#settings.keep.age,
        queue: async (name) => this.#queue(opened, name),
      }),
    );
  }

  consume(options: ConsumeOptions): Consumer {
    return new BullmqConsumer(options, async (): Promise<ConsumerSource> => {
      const opened = await this.#open();
      const { packages, connections } = opened;
      return {
        packages,
        redis: connections.another(),
        subscriber: connections.another(),
        keys: this.#keys,
        clock: this.#settings.clock,
        settings: this.#settings,
        queue: (name) => this.#queue(opened, name),
      };
    });
  }

  async close(): Promise<void> {
    const opening = this.#opened;
    this.#opened = undefined;
    this.#ready = undefined;
    const opened = await opening?.catch(() => undefined);
    if (opened === undefined) return;
    const closing = [...opened.watches.values()].map((watch) => watch.close());
    await Promise.all([...opened.queues.values()].map((queue) => queue.close()));
    await opened.flows?.close();
    // Not after the watches: while the server is away, theirs end with the others.
    opened.connections.close();
    await Promise.all(closing);
  }

  #open(): Promise<Opened> {
    this.#opened ??= this.#load().then(
      (opened) => {
        this.#ready = opened;
        return opened;
      },
      (error: unknown) => {
        this.#opened = undefined;
        throw error;
      },
    );
    return this.#opened;
  }

  async #load(): Promise<Opened> {
    const packages = await loadPackages();
    // Calls on a lost connection reject and say so; here there is nobody to tell.
    const connections = new Connections(this.#settings.connection, packages, ignoreConnectionError);
    return { packages, connections, queues: new Map(), watches: new Map(), flows: undefined };
  }

  /** A call to the server, its failures under our name. */
  async #call<T>(operation: string, call: (opened: Opened) => Promise<T>): Promise<T> {
    const opened = await this.#connected(operation);
    try {
      return await call(opened);
    } catch (error) {
      throw asEngineError(operation, error);
    }
  }

  /** What is open, at once if the server is there; else once it is, or fails. */
  #connected(operation: string): Opened | Promise<Opened> {
    if (this.#ready?.connections.sender.status === 'ready') return this.#ready;
    return this.#connect(operation);
  }

  async #connect(operation: string): Promise<Opened> {
    const opened = await this.#open();
    try {
      await opened.connections.ready();
      return opened;
    } catch (error) {
      throw asEngineError(operation, error);
    }
  }

  #queue(opened: Opened, name: string): Queue {
    const known = opened.queues.get(name);
    if (known !== undefined) return known;
    const { prefix, events } = this.#settings;
    const queue = new opened.packages.bullmq.Queue(name, {
      connection: opened.connections.sender,
      prefix,
      streams: { events: { maxLen: events } },
    });
    queue.on('error', ignoreConnectionError);
    opened.queues.set(name, queue);
    return queue;
  }

  /**
   * Whether a flow is new. BullMQ would run the children again of one that was sent before, and lets a parent wait for ever for a child
   * that has failed already or has another parent.
   * @throws EngineUnsupportedError for such a child, InvalidOptionError for an id that two of its tasks have
   */
  async #mayAdd(flow: TaskFlow): Promise<boolean> {
    const { message } = flow;
    const own = tasksOf(flow).filter(({ idempotent }) => idempotent);
    if (own.includes(message) && (await this.read(message.id)) !== undefined) return false;
    const ids = new Set<string>();
    for (const { id } of own) {
      if (ids.has(id)) throw new InvalidOptionError('id', id, 'an id that only one task of a group, chain or chord has');
      ids.add(id);
      const state = id === message.id ? undefined : await this.read(id);
      if (state === undefined || state.status === 'SUCCESS') continue;
      const feature = `waiting for the task ${JSON.stringify(id)}, which was sent before and is ${state.status}`;
      throw new EngineUnsupportedError(engineName, feature, 'only one that succeeded, or is new, can be a part of a chain or chord');
    }
    return true;
  }

  #flows(opened: Opened): FlowProducer {
    if (opened.flows === undefined) {
      opened.flows = new opened.packages.bullmq.FlowProducer({ connection: opened.connections.sender, prefix: this.#settings.prefix });
      opened.flows.on('error', ignoreConnectionError);
    }
    return opened.flows;
  }

  #stateSource(opened: Opened): StateSource {
    return {
      redis: opened.connections.sender,
      keys: this.#keys,
      forgotten: (sent) => this.#settings.clock.now() - sent >= this.#settings.keep.age,
      stateOf: (queue, id) => this.#queue(opened, queue).getJobState(id),
    };
  }

  #watch(opened: Opened, queue: string): ResultWatch {
    const { clock, prefix } = this.#settings;
    const { connections, packages } = opened;
    return new ResultWatch({
      queue,
      keys: this.#keys,
      clock,
      redis: connections.listener,
      listen: (name, lastEventId) =>
        new packages.bullmq.QueueEvents(name, { connection: connections.listener, prefix, autorun: false, lastEventId }),
      read: (id) => this.read(id),
      trouble: ignoreConnectionError,
    });
  }

  #flowJob(flow: TaskFlow, isChild: boolean): FlowNode {
    const { message, feed, children } = flow;
    const { delay, ...rest } = jobOptions(message, this.#settings.clock.now());
    const childKeys = children.map((child) => this.#keys.job(child.message.queue, child.message.id));
    const opts: FlowNode['opts'] = {
      ...rest,
      // BullMQ would count a parent's delay from when its children end; its worker looks at the eta instead.
      ...(delay !== undefined && children.length === 0 && { delay }),
      ...(isChild && { failParentOnFailure: true }),
    };
    const node = {
      name: message.task,
      queueName: message.queue,
      prefix: this.#settings.prefix,
      data: { ...jobData(message), ...(feed !== undefined && { feed, children: childKeys }) },
      opts,
    };
    return children.length === 0 ? node : { ...node, children: children.map((child) => this.#flowJob(child, true)) };
  }
}

function tasksOf(flow: TaskFlow): readonly TaskMessage[] {
  return [flow.message, ...flow.children.flatMap(tasksOf)];
}

function asEngineError(operation: string, error: unknown): unknown {
  return error instanceof SchedulerError ? error : new TaskEngineError(engineName, operation, error);
}

/** ioredis reconnects by itself, and the calls that suffer say so; without a listener its error event would end the process. */
function ignoreConnectionError(): void {}

function checkOptions(options: BullmqOptions): Settings {
  if (typeof options !== 'object' || options === null) throw new InvalidOptionError('options', options, '{ connection }');
  checkNames(options, optionNames);
  const {
    connection,
    prefix = 'bull',
    results = {},
    events = 10_000,
    lockDuration = 12_000,
    stalledInterval = 4_000,
    clock = createSystemClock(),
  } = options;
  const isUrl = typeof connection === 'string' && /^rediss?:\/\/./.test(connection);
  if (!isUrl && (typeof connection !== 'object' || connection === null)) {
    throw new InvalidOptionError('connection', connection, "a URL such as 'redis://127.0.0.1:6379/0', or ioredis' options");
  }
  if (typeof prefix !== 'string' || !/^[\w.{}-]+$/.test(prefix))
    throw new InvalidOptionError('prefix', prefix, 'a text of letters, digits, "_", "." or "-"');
  checkNames(results, ['age', 'count']);
  const { age = 86_400_000, count = 100_000 } = results;
  return {
    connection,
    prefix,
    events: wholeNumber(events, 'events'),
    lockDuration: parseDuration(lockDuration, 'lockDuration', { min: 500 }),
    stalledInterval: parseDuration(stalledInterval, 'stalledInterval', { min: 100 }),
    keep: { age: parseDuration(age, 'results.age', { min: 1_000 }), count: wholeNumber(count, 'results.count') },
    clock,
  };
}

function wholeNumber(value: unknown, option: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidOptionError(option, value, 'a whole number from 1');
}
