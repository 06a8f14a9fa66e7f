import type { Cluster, Redis, RedisOptions } from 'ioredis';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import { InvalidOptionError, SchedulerStateError } from '../../errors.ts';
import { withoutPassword } from '../sharing.ts';
import type { Script } from './script.ts';

/** Where the store finds its server: an address, for connections of its own, or the application's ioredis client. */
export type RedisTarget = { readonly url: string } | { readonly client: Redis | Cluster };

export type RedisArgument = string | number;

/**
 * How a connection of the store's own behaves. While the server is away its commands fail at once, and one that was under way
 * fails instead of being sent a second time unseen: whoever called decides what to repeat.
 */
const ownOptions = {
  lazyConnect: true,
  connectionName: 'punctual',
  connectTimeout: 5_000,
  commandTimeout: 10_000,
  disconnectTimeout: 100,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  retryStrategy: (times: number) => Math.min(times * 50, 1_000),
} satisfies RedisOptions;

/** A subscriber has nothing to hurry: it waits for its server for as long as it takes. */
const subscriberOptions: RedisOptions = {
  lazyConnect: true,
  enableOfflineQueue: true,
  maxRetriesPerRequest: null,
  commandTimeout: undefined,
  retryStrategy: (times) => Math.min(times * 50, 1_000),
};

/** How long the closing of a connection may hold the process, in milliseconds. */
const longestCloseMs = 200;

/** The way to the server: runs scripts, and makes connections to listen on. */
export class Connection {
  readonly #target: RedisTarget;
  readonly #key: string;
  #client: Redis | Cluster | undefined;
  /** The same, where the store made it. */
  #own: Redis | undefined;
  /** Scripts that were sent and not answered yet. */
  #asked = 0;

  /** @param name the store's name, the tag that all keys begin with */
  constructor(target: RedisTarget, name: string) {
    this.#target = target;
    this.#key = `{${name}}`;
  }

  /** Fails if the server cannot be reached; may be tried again. A client of the application's is taken as it is. */
  async open(logger: Logger): Promise<void> {
    if (this.#client !== undefined) return;
    if ('client' in this.#target) {
      this.#client = this.#target.client;
      return;
    }
    const client = await ownClient(this.#target.url);
    let reason: Error | undefined;
    client.on('error', (error: Error) => {
      reason = error;
      logger.debug({ error }, 'the connection to Redis failed');
    });
    try {
      await client.connect();
      // Where the server has no such database the driver goes on in number 0, which may be somebody else's.
      if (client.options.db !== undefined && client.options.db > 0) await client.select(client.options.db);
    } catch (error) {
      client.disconnect();
      // What is thrown says that the connection closed; an event before it said why.
      throw reason ?? error;
    }
    this.#client = client;
    this.#own = client;
    client.on('ready', () => this.#keepAlive());
  }

  /** A server that does not answer is not waited for: it keeps the process no longer than `longestCloseMs`. */
  async close(clock: Clock | undefined): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    this.#own = undefined;
    if (client === undefined || 'client' in this.#target) return;
    const release = clock?.wakeAfter(longestCloseMs, () => client.disconnect());
    try {
      await client.quit();
    } catch {
      // Away already, which is all that is wanted.
      client.disconnect();
    } finally {
      release?.();
    }
  }

  /** Runs a script; a server that has lost it is sent the text. */
  async run(script: Script, args: readonly RedisArgument[]): Promise<unknown> {
    const client = this.#open;
    this.#asked += 1;
    if (this.#asked === 1) this.#keepAlive();
    try {
      return await client.call('EVALSHA', [script.sha, 1, this.#key, ...args]);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return await client.call('EVAL', [script.text, 1, this.#key, ...args]);
    } finally {
      this.#asked -= 1;
      if (this.#asked === 0) this.#keepAlive();
    }
  }

  /** The store's own connection keeps the process alive while something was asked over it, and else not. */
  #keepAlive(): void {
    // One that is closed is set right when the next is ready.
    if (this.#own === undefined || this.#own.stream.destroyed) return;
    if (this.#asked > 0) this.#own.stream.ref();
    else this.#own.stream.unref();
  }

  /** The channel on which scripts tell that something may have become due. */
  get channel(): string {
    const { options } = this.#open;
    const prefix = 'redisOptions' in options ? options.redisOptions?.keyPrefix : options.keyPrefix;
    return `${prefix ?? ''}${this.#key}:wake`;
  }

  /** A further connection to the same server, not connected yet. */
  subscriber(): Redis | Cluster {
    const client = this.#open;
    if ('nodes' in client) return client.duplicate([], { lazyConnect: true });
    const subscriber = client.duplicate(subscriberOptions);
    return subscriber.on('ready', () => subscriber.stream.unref());
  }

  get #open(): Redis | Cluster {
    if (this.#client === undefined) throw new SchedulerStateError('the Redis job store is not open; the scheduler opens it at start()');
    return this.#client;
  }
}

/** The driver is loaded only where an address is given. */
async function ownClient(url: string): Promise<Redis> {
  let Driver: typeof Redis;
  try {
    ({ Redis: Driver } = await import('ioredis'));
  } catch (cause) {
    throw new InvalidOptionError(
      'url',
      withoutPassword(url),
      'the package ioredis beside it (npm install ioredis), or a { client } of it',
      { cause },
    );
  }
  return new Driver(url, ownOptions);
}
