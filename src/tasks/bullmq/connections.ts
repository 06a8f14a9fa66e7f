import type { Redis, RedisOptions } from 'ioredis';
import { TaskEngineError } from '../errors.ts';

/** The packages that carry this engine, loaded when it is first used. */
export interface Packages {
  readonly bullmq: typeof import('bullmq');
  readonly Redis: typeof import('ioredis').Redis;
}

export const engineName = 'BullMQ';

/** @throws TaskEngineError saying what to install */
export async function loadPackages(): Promise<Packages> {
  try {
    const [bullmq, { Redis }] = await Promise.all([import('bullmq'), import('ioredis')]);
    return { bullmq, Redis };
  } catch (cause) {
    throw new TaskEngineError(engineName, 'loading the packages bullmq and ioredis (npm install bullmq ioredis)', cause);
  }
}

/** Where Redis is: a URL, or ioredis' options; not how it maps replies, which BullMQ relies on. */
export type RedisAddress = string | RedisSettings;

type RedisSettings = Omit<RedisOptions, 'replyMapping'>;

/** Milliseconds before the next try to connect. */
function retryDelay(times: number): number {
  return Math.min(times * 100, 2_000);
}

/**
 * The connections of one engine, made when first asked for:
 * - `sender`, for all that somebody waits for: a command fails when the server stayed away for about five seconds;
 * - `listener`, for what only waits: it waits for the server as long as it takes. Blocking connections are copies of it.
 */
export class Connections {
  readonly #address: RedisAddress;
  readonly #packages: Packages;
  readonly #trouble: (error: Error) => void;
  #sender: Redis | undefined;
  #listener: Redis | undefined;

  constructor(address: RedisAddress, packages: Packages, trouble: (error: Error) => void) {
    this.#address = address;
    this.#packages = packages;
    this.#trouble = trouble;
  }

  get sender(): Redis {
    this.#sender ??= this.#connect({ maxRetriesPerRequest: 10 });
    return this.#sender;
  }

  get listener(): Redis {
    this.#listener ??= this.#connect({ maxRetriesPerRequest: null });
    return this.#listener;
  }

  /** A connection of the caller's own, for him to end; like `listener` it waits for the server. */
  another(): Redis {
    return this.#connect({ maxRetriesPerRequest: null });
  }

  /** Resolves when the sender is connected; rejects when the server stays away. */
  async ready(): Promise<void> {
    if (this.sender.status !== 'ready') await this.sender.ping();
  }

  close(): void {
    this.#sender?.disconnect();
    this.#listener?.disconnect();
    this.#sender = undefined;
    this.#listener = undefined;
  }

  #connect(more: RedisSettings): Redis {
    const options: RedisSettings = { retryStrategy: retryDelay, ...(typeof this.#address === 'string' ? {} : this.#address), ...more };
    const { Redis } = this.#packages;
    const redis: Redis = typeof this.#address === 'string' ? new Redis(this.#address, options) : new Redis(options);
    redis.on('error', this.#trouble);
    return endsWhenTold(redis);
  }
}

/**
 * Told to disconnect while it waits to connect again, ioredis stays as it is: it tells nobody that it ended, and what waits on it waits for
 * ever, a closing worker of BullMQ among them. Here it ends then as it does before its first attempt to connect, and its copies with it.
 */
function endsWhenTold(redis: Redis): Redis {
  const { disconnect, duplicate } = redis;
  const copies: Redis[] = [];
  redis.disconnect = (reconnect = false): void => {
    if (!reconnect && redis.status === 'reconnecting') redis.status = 'wait';
    disconnect.call(redis, reconnect);
    if (!reconnect) for (const copy of copies.splice(0)) if (copy.status !== 'end') copy.disconnect();
  };
  redis.duplicate = (override) => {
    const copy = endsWhenTold(duplicate.call(redis, override));
    copies.push(copy);
    return copy;
  };
  return redis;
}
