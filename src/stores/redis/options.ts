import type { Cluster, Redis } from 'ioredis';
import { InvalidOptionError } from '../../errors.ts';
import { checkStoreOptions, type Sharing, type SharingOptions, sharingOf, withoutPassword } from '../sharing.ts';
import type { RedisTarget } from './connection.ts';

export interface RedisJobStoreOptions extends SharingOptions {
  /** The server, such as `redis://localhost:6379/0`: the store makes its own connections. Either this or `client`. */
  readonly url?: string;
  /**
   * The application's ioredis client, of a server or a cluster; the store adds one connection to listen on, and closes only that.
   * Its own settings say how long a call, and with it `start`, waits for a server that is away.
   */
  readonly client?: Redis | Cluster;
  /** Begins every key, in braces, so that a cluster keeps the store in one slot; default `'punctual'`. */
  readonly prefix?: string;
}

/** The options after the one validation step. */
export interface RedisSettings extends Sharing {
  readonly target: RedisTarget;
  readonly prefix: string;
}

export function settingsOf(options: RedisJobStoreOptions): RedisSettings {
  checkStoreOptions(options, ['url', 'client', 'prefix']);
  const { prefix = 'punctual' } = options;
  if (typeof prefix !== 'string' || !/^[^{}\s]{1,100}$/.test(prefix)) {
    throw new InvalidOptionError('prefix', prefix, 'a text of 1 to 100 characters without braces and blanks');
  }
  return { target: targetOf(options), prefix, ...sharingOf(options) };
}

function targetOf({ url, client }: RedisJobStoreOptions): RedisTarget {
  if (client !== undefined && url !== undefined)
    throw new InvalidOptionError('url', withoutPassword(url), 'either `url` or `client`, and not both');
  if (client !== undefined) {
    if (typeof client !== 'object' || client === null || typeof client.call !== 'function' || typeof client.duplicate !== 'function') {
      throw new InvalidOptionError('client', withoutPassword(client), 'a client of ioredis: new Redis(...) or new Cluster(...)');
    }
    return { client };
  }
  if (typeof url !== 'string' || !/^rediss?:\/\/./.test(url)) {
    throw new InvalidOptionError(
      'url',
      withoutPassword(url),
      "an address such as 'redis://localhost:6379/0', or a client of ioredis as `client`",
    );
  }
  const database = /^rediss?:\/\/[^/]+\/([^?#]*)/.exec(url)?.[1] ?? '';
  // The driver would go on in another one.
  if (!/^\d{0,9}$/.test(database))
    throw new InvalidOptionError('url', withoutPassword(url), 'a database by its number, such as /0 at the end');
  return { url };
}
