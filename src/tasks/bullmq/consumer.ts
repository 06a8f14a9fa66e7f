import type { Job, Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Cancel, Clock } from '../../core/clock.ts';
import type { Consumer, ConsumeOptions, Settlement, StopCause } from '../engine.ts';
import { TaskRevokedError } from '../errors.ts';
import { describe, type FailureText } from '../failure.ts';
import type { Connections, Packages } from './connections.ts';
import { BullmqDelivery, type DeliveryOwner } from './delivery.ts';
import { forgetOld, type Keep } from './housekeeping.ts';
import type { OwnKeys } from './keys.ts';
import { revokedText } from './read-state.ts';
import { readRevocation } from './revoke.ts';
import { setAsideUnreadable } from './set-aside.ts';

/** How BullMQ's workers are set up. Milliseconds. */
export interface ConsumerSettings {
  readonly prefix: string;
  readonly lockDuration: number;
  readonly stalledInterval: number;
  readonly keep: Keep;
}

export interface ConsumerSource {
  readonly packages: Packages;
  readonly connections: Connections;
  readonly keys: OwnKeys;
  readonly clock: Clock;
  readonly settings: ConsumerSettings;
  queue(name: string): Queue;
}

/** A job on its way through this worker. */
interface TakenJob {
  readonly job: Job;
  readonly token: string;
  readonly delivery: BullmqDelivery;
}

/** How often a task whose worker died is given to another. */
const maxCrashes = 3;

/** Milliseconds between looks for revocations that the channel did not bring, as while the connection was away. */
const revocationPause = 3_000;

/** Milliseconds between looks for ended tasks that are past what is kept. */
const housekeepingPause = 15_000;

/** How many revocations are remembered for tasks that are on their way to this worker. */
const maxRemembered = 1_000;

/** One BullMQ worker a queue, on one shared connection, besides the blocking one that each has. */
export class BullmqConsumer implements Consumer {
  readonly #options: ConsumeOptions;
  readonly #open: () => Promise<ConsumerSource>;
  readonly #workers: Worker[] = [];
  readonly #stops: Map<string, (cause: StopCause, reason: string) => void> = new Map();
  readonly #revoked: Map<string, string> = new Map();
  readonly #sweeping: Map<string, Promise<void>> = new Map();
  readonly #owner: DeliveryOwner = {
    heard: (id) => this.#revoked.get(id),
    listen: (id, stop) => {
      this.#stops.set(id, stop);
      const reason = this.#revoked.get(id);
      if (reason !== undefined) stop('revoked', reason);
    },
    trouble: (error) => this.#trouble(error),
  };
  #subscriber: Redis | undefined;
  readonly #cancels: Set<Cancel> = new Set();

  constructor(options: ConsumeOptions, open: () => Promise<ConsumerSource>) {
    this.#options = options;
    this.#open = open;
  }

  async start(): Promise<void> {
    const source = await this.#open();
    this.#subscriber = source.connections.another();
    this.#subscriber.on('message', (_channel, text: string) => this.#hear(text));
    await this.#subscriber.subscribe(source.keys.revocations);
    for (const [queue, concurrency] of this.#options.queues) this.#workers.push(this.#work(queue, concurrency, source));
    await Promise.all(this.#workers.map((worker) => worker.waitUntilReady()));
    this.#every(revocationPause, source, () => this.#lookForRevocations(source));
    this.#every(housekeepingPause, source, () => this.#forgetOld(source));
    for (const worker of this.#workers) worker.run().catch((error: unknown) => this.#trouble(error));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()));
    this.#workers.length = 0;
    for (const cancel of this.#cancels) cancel();
    await Promise.all(this.#sweeping.values());
    this.#subscriber?.disconnect();
  }

  #work(queue: string, concurrency: number, source: ConsumerSource): Worker {
    const { packages, connections, settings } = source;
    const { prefix, lockDuration, stalledInterval } = settings;
    const worker = new packages.bullmq.Worker(queue, (job, token) => this.#process(job, token ?? '', source), {
      connection: connections.listener,
      autorun: false,
      concurrency,
      prefix,
      lockDuration,
      stalledInterval,
      maxStalledCount: maxCrashes,
      // How soon a worker looks again after its connection was lost.
      runRetryDelay: 1_000,
    });
    worker.on('error', (error) => {
      this.#trouble(error);
      if (mayBeUnreadable(error)) this.#sweep(queue, source);
    });
    worker.on('lockRenewalFailed', (ids) => {
      for (const id of ids) this.#stops.get(id)?.('lost', 'its worker lost hold of it, and another may have it now');
    });
    return worker;
  }

  #process(job: Job, token: string, source: ConsumerSource): Promise<unknown> {
    const delivery = new BullmqDelivery(job, this.#owner);
    const taken: TakenJob = { job, token, delivery };
    const { eta, feed } = delivery.data;
    // A task that waited for others comes without regard to its time, and with results to fetch.
    if (feed !== undefined || (eta !== undefined && eta > source.clock.now())) return this.#prepare(taken, source);
    return this.#handle(taken, source);
  }

  async #prepare(taken: TakenJob, source: ConsumerSource): Promise<unknown> {
    const { delivery, job, token } = taken;
    const { eta } = delivery.data;
    if (eta !== undefined && eta > source.clock.now() && delivery.revoked === undefined) {
      await job.moveToDelayed(eta, token);
      throw new source.packages.bullmq.DelayedError();
    }
    await delivery.feed();
    return this.#handle(taken, source);
  }

  /** A task that succeeds synchronously, as the short ones do, costs one promise. */
  #handle(taken: TakenJob, source: ConsumerSource): Promise<unknown> {
    const handled = this.#options.handle(taken.delivery);
    if ('then' in handled) return handled.then((settlement) => this.#settle(settlement, taken, source));
    if (handled.kind !== 'succeeded') return this.#settle(handled, taken, source);
    this.#stops.delete(taken.delivery.id);
    return Promise.resolve(handled.value);
  }

  async #settle(settlement: Settlement, taken: TakenJob, { packages, connections, keys }: ConsumerSource): Promise<unknown> {
    const { delivery, job, token } = taken;
    const { id } = delivery;
    this.#stops.delete(id);
    switch (settlement.kind) {
      case 'succeeded':
        return settlement.value;
      case 'failed':
        throw asFailure(new packages.bullmq.UnrecoverableError(), describe(settlement.error), job);
      case 'revoked': {
        const { stack } = describe(new TaskRevokedError(id, settlement.reason));
        throw asFailure(new packages.bullmq.UnrecoverableError(), { message: revokedText(settlement.reason), stack }, job);
      }
      case 'retry':
        // BullMQ decides from the job's options whether and when it comes again; the task's own policy has decided already.
        job.opts.attempts = job.attemptsMade + 2;
        // At least 1 ms, as BullMQ wakes no waiting worker for one that comes back at once.
        job.opts.backoff = { type: 'fixed', delay: Math.max(settlement.delay, 1) };
        throw asFailure(new Error(), describe(settlement.error), job);
      case 'returned':
        await job.moveToWait(token);
        // BullMQ wakes no waiting worker for a job with a priority that comes back; this is its own mark for that.
        await connections.listener.zadd(`${keys.queue(delivery.queue)}:marker`, 0, '0');
        throw new packages.bullmq.WaitingError();
      case 'lost':
        // Tells BullMQ to write nothing.
        throw new packages.bullmq.WaitingError();
    }
  }

  #hear(text: string): void {
    const revocation = readRevocation(text);
    if (revocation === undefined) return;
    const { id, reason } = revocation;
    this.#revoked.set(id, reason);
    for (const oldest of this.#revoked.keys()) {
      if (this.#revoked.size <= maxRemembered) break;
      this.#revoked.delete(oldest);
    }
    this.#stops.get(id)?.('revoked', reason);
  }

  /** Does something again and again, until the consumer stops. */
  #every(ms: number, { clock }: Pick<ConsumerSource, 'clock'>, look: () => Promise<unknown>): void {
    const cancel = clock.wakeAfter(ms, () => {
      this.#cancels.delete(cancel);
      void look()
        .catch((error: unknown) => this.#trouble(error))
        .then(() => {
          if (this.#workers.length > 0) this.#every(ms, { clock }, look);
        });
    });
    this.#cancels.add(cancel);
  }

  async #forgetOld({ connections, clock, settings, queue }: ConsumerSource): Promise<void> {
    for (const name of this.#options.queues.keys()) {
      await forgetOld(queue(name), connections.listener, { keep: settings.keep, now: clock.now() });
    }
  }

  async #lookForRevocations({ connections, keys }: ConsumerSource): Promise<void> {
    const ids = [...this.#stops.keys()];
    if (ids.length === 0) return;
    const reasons = await connections.listener.mget(...ids.map((id) => keys.revoked(id)));
    for (const [index, id] of ids.entries()) {
      const reason = reasons[index];
      if (typeof reason === 'string') this.#stops.get(id)?.('revoked', reason);
    }
  }

  /** One sweep a queue at a time: a job that cannot be read makes more than one error. */
  #sweep(queue: string, source: ConsumerSource): void {
    if (this.#sweeping.has(queue)) return;
    const { connections, keys, clock, settings } = source;
    const sweep = setAsideUnreadable(queue, { redis: connections.listener, keys, rememberMs: settings.keep.age, now: () => clock.now() })
      .then((aside) => {
        for (const { id, reason } of aside) this.#trouble(new Error(`message ${id} of queue ${queue} was set aside: ${reason}`));
      })
      .catch((error: unknown) => this.#trouble(error))
      .finally(() => this.#sweeping.delete(queue));
    this.#sweeping.set(queue, sweep);
  }

  #trouble(error: unknown): void {
    this.#options.trouble(error instanceof Error ? error : new Error(String(error)));
  }
}

/** What BullMQ writes down: the message, and the latest three stacks, whose first line tells the error's class and code. */
function asFailure(error: Error, { message, stack }: FailureText, job: Job): Error {
  job.opts.stackTraceLimit = 3;
  error.message = message;
  error.stack = stack;
  return error;
}

/** BullMQ throws these when a job's hash holds no JSON, or its key no hash. */
function mayBeUnreadable(error: Error): boolean {
  return error instanceof SyntaxError || error.name === 'SyntaxError' || /WRONGTYPE/.test(error.message);
}
