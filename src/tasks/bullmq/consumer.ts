import type { Job, Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Cancel, Clock } from '../../core/clock.ts';
import type { Consumer, ConsumeOptions, Settlement, StopCause } from '../engine.ts';
import { TaskRevokedError } from '../errors.ts';
import { describe, type FailureText } from '../failure.ts';
import type { Packages } from './connections.ts';
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
  /** The consumer's own, so that it can be given up without a word from the server. Blocking connections are copies of it. */
  readonly redis: Redis;
  /** The consumer's own, for the channel of revocations. */
  readonly subscriber: Redis;
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

/** Milliseconds that a worker told to stop at once waits for the server to take its tasks back. */
const patience = 3_000;

/** Milliseconds between looks whether the server is away, while a worker stops. */
const awayPause = 250;

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
  readonly #cancels: Set<Cancel> = new Set();
  #source: ConsumerSource | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: ConsumeOptions, open: () => Promise<ConsumerSource>) {
    this.#options = options;
    this.#open = open;
  }

  async start(): Promise<void> {
    const source = await this.#open();
    const { subscriber, redis, keys } = source;
    if (this.#stopped !== undefined) {
      subscriber.disconnect();
      redis.disconnect();
      return;
    }
    this.#source = source;
    subscriber.on('message', (_channel, text: string) => this.#hear(text));
    try {
      await subscriber.subscribe(keys.revocations);
      for (const [queue, concurrency] of this.#options.queues) this.#workers.push(this.#work(queue, concurrency, source));
      await Promise.all(this.#workers.map((worker) => worker.waitUntilReady()));
    } catch (error) {
      // Told to stop while it waited for the server.
      if (this.#stopped !== undefined) return;
      throw error;
    }
    if (this.#stopped !== undefined) return;
    this.#every(revocationPause, source, () => this.#lookForRevocations(source));
    this.#every(housekeepingPause, source, () => this.#forgetOld(source));
    for (const worker of this.#workers) worker.run().catch((error: unknown) => this.#trouble(error));
  }

  async stop({ force = false }: { readonly force?: boolean | undefined } = {}): Promise<void> {
    this.#stopped ??= this.#finish();
    // What is not written by then comes to another worker when the hold on it ends, as if this one had died.
    const cancel = force ? this.#source?.clock.wakeAfter(patience, () => this.#source?.redis.disconnect()) : undefined;
    await this.#stopped;
    cancel?.();
  }

  async #finish(): Promise<void> {
    // Ends a start that still waits for the server.
    this.#source?.subscriber.disconnect();
    for (const cancel of this.#cancels) cancel();
    if (this.#source !== undefined) this.#giveUp(this.#source);
    await Promise.all(this.#workers.map((worker) => worker.close()));
    for (const cancel of this.#cancels) cancel();
    await Promise.all(this.#sweeping.values());
    this.#source?.redis.disconnect();
  }

  #work(queue: string, concurrency: number, source: ConsumerSource): Worker {
    const { packages, redis, settings } = source;
    const { prefix, lockDuration, stalledInterval } = settings;
    const worker = new packages.bullmq.Worker(queue, (job, token) => this.#process(job, token ?? '', source), {
      connection: redis,
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
    const { notBefore = 0, data } = delivery;
    if (data.feed !== undefined || notBefore > source.clock.now()) return this.#prepare(taken, source);
    return this.#handle(taken, source);
  }

  async #prepare(taken: TakenJob, source: ConsumerSource): Promise<unknown> {
    const { delivery, job, token } = taken;
    const { notBefore = 0 } = delivery;
    if (notBefore > source.clock.now() && delivery.revoked === undefined) {
      await job.moveToDelayed(notBefore, token);
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

  async #settle(settlement: Settlement, taken: TakenJob, { packages, redis, keys }: ConsumerSource): Promise<unknown> {
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
        await redis.zadd(`${keys.queue(delivery.queue)}:marker`, 0, '0');
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

  /** When nothing runs here any more, but the server was away for as long as it holds a task: what is not written is another's by then. */
  #giveUp(source: ConsumerSource, away = 0): void {
    const { clock, redis, settings } = source;
    if (away >= settings.lockDuration && this.#stops.size === 0) return redis.disconnect();
    const cancel = clock.wakeAfter(awayPause, () => {
      this.#cancels.delete(cancel);
      this.#giveUp(source, redis.status === 'ready' ? 0 : away + awayPause);
    });
    this.#cancels.add(cancel);
  }

  /** Does something again and again, until the consumer stops. */
  #every(ms: number, { clock }: Pick<ConsumerSource, 'clock'>, look: () => Promise<unknown>): void {
    const cancel = clock.wakeAfter(ms, () => {
      this.#cancels.delete(cancel);
      void look()
        .catch((error: unknown) => this.#trouble(error))
        .then(() => {
          if (this.#stopped === undefined) this.#every(ms, { clock }, look);
        });
    });
    this.#cancels.add(cancel);
  }

  async #forgetOld({ redis, clock, settings, queue }: ConsumerSource): Promise<void> {
    for (const name of this.#options.queues.keys()) {
      await forgetOld(queue(name), redis, { keep: settings.keep, now: clock.now() });
    }
  }

  async #lookForRevocations({ redis, keys }: ConsumerSource): Promise<void> {
    const ids = [...this.#stops.keys()];
    if (ids.length === 0) return;
    const reasons = await redis.mget(...ids.map((id) => keys.revoked(id)));
    for (const [index, id] of ids.entries()) {
      const reason = reasons[index];
      if (typeof reason === 'string') this.#stops.get(id)?.('revoked', reason);
    }
  }

  /** One sweep a queue at a time: a job that cannot be read makes more than one error. */
  #sweep(queue: string, source: ConsumerSource): void {
    if (this.#sweeping.has(queue)) return;
    const { redis, keys, clock, settings } = source;
    const sweep = setAsideUnreadable(queue, { redis, keys, rememberMs: settings.keep.age, now: () => clock.now() })
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

/** BullMQ throws these when what a job's hash holds is not as it expects, and its scripts when the key is no hash or a member not theirs. */
function mayBeUnreadable({ name, message }: Error): boolean {
  return name === 'SyntaxError' || name === 'TypeError' || /^(?:WRONGTYPE|ERR) /.test(message) || /repeatable job/.test(message);
}
