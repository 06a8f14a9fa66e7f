import { type PrivateServer, startServer } from './private-server.ts';

export type RedisServer = PrivateServer;

export interface RedisOptions {
  /** Further flags for redis-server, such as `['--appendonly', 'yes']` for data that outlives a `kill`. */
  readonly flags?: readonly string[];
}

/** A private Redis without persistence, unless the flags ask for it. */
export function startRedis(options: RedisOptions = {}): Promise<RedisServer | undefined> {
  return startKind('redis', 'Redis', options);
}

/** The same of Valkey, which not every release of Debian has: it may be left out anywhere. */
export function startValkey(options: RedisOptions = {}): Promise<RedisServer | undefined> {
  return startKind('valkey', 'Valkey', options);
}

function startKind(kind: 'redis' | 'valkey', name: string, options: RedisOptions): Promise<RedisServer | undefined> {
  return startServer({
    name,
    package: `${kind}-server`,
    commands: [`${kind}-server`],
    optional: kind === 'valkey',
    account: kind,
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
