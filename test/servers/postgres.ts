import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type PrivateServer, startServer } from './private-server.ts';

export type PostgresServer = PrivateServer;

export interface PostgresOptions {
  /** Server settings, such as `{ max_connections: '20' }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A private PostgreSQL: superuser `postgres` without a password, database `postgres`, UTF-8, durability off. */
export function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer | undefined> {
  const settings = {
    listen_addresses: '127.0.0.1',
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    shared_buffers: '32MB',
    max_connections: '60',
    ...options.settings,
  };
  return startServer({
    name: 'PostgreSQL',
    package: 'postgresql',
    commands: ['postgres', 'initdb'],
    folders: debianFolders(),
    account: 'postgres',
    ready: 'ready to accept connections',
    stopSignal: 'SIGINT',
    orphanSignal: 'QUIT',
    prepare(directory, run) {
      run('initdb', ['-D', join(directory, 'data'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']);
    },
    args: (directory, port) => [
      ...['-D', join(directory, 'data'), '-p', String(port), '-k', directory],
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    url: (port) => `postgres://postgres@127.0.0.1:${port}/postgres`,
  });
}

/** Debian keeps the server's commands out of `PATH`, in a folder for each version. */
function debianFolders(): string[] {
  const root = '/usr/lib/postgresql';
  try {
    return readdirSync(root).map((version) => join(root, version, 'bin'));
  } catch {
    return [];
  }
}
