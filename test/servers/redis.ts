import { type PrivateServer, startServer } from './private-server.ts';

export type RedisServer = PrivateServer;

export interface RedisOptions {
  /** Further flags for redis-server, such as `['--appendonly', 'yes']` for data that outlives a `kill`. */
  readonly flags?: readonly string[];
}

/** A private Redis without persistence, unless the flags ask for it. */
export function startRedis(options: RedisOptions = {}): Promise<RedisServer | undefined> {
  return startServer({
    name: 'Redis',
    package: 'redis-server',
    commands: ['redis-server'],
    account: 'redis',
    ready: 'eady to accept connections',
    stopSignal: 'SIGTERM',
    orphanSignal: 'KILL',
    args: (directory, port) => [
      ...['--bind', '127.0.0.1', '--port', String(port), '--dir', directory, '--save', '', '--appendonly', 'no'],
      ...(options.flags ?? []),
    ],
    url: (port) => `redis://127.0.0.1:${port}`,
  });
}
