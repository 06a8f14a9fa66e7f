import { createConnection, Socket } from 'node:net';
import { type Dialect, MysqlDialect, PostgresDialect, SqliteDialect } from 'kysely';
import type { Logger } from '../../core/logger.ts';
import { InvalidOptionError } from '../../errors.ts';
import { withoutPassword } from '../sharing.ts';
import { missingDriver } from './missing-driver.ts';
import type { Sockets } from './sockets.ts';
import { openSqlite } from './sqlite-driver.ts';
import type { DatabaseKind } from './statements.ts';

/** Where a URL leads. */
export interface Address {
  readonly kind: DatabaseKind;
  /** A file's path for SQLite, the URL itself for a server. */
  readonly place: string;
}

const expected = "'sqlite:jobs.db', 'sqlite::memory:', 'postgres://user@host/database' or 'mysql://user@host/database'";

/** Reads the URL of a store; throws `InvalidOptionError` for one that leads nowhere. */
export function parseAddress(url: string): Address {
  if (typeof url !== 'string') throw new InvalidOptionError('url', withoutPassword(url), expected);
  const [, scheme, rest] = /^([a-z]+):(.*)$/is.exec(url) ?? [];
  switch (scheme?.toLowerCase()) {
    case 'sqlite':
    case 'file': {
      // `sqlite:///var/jobs.db` is an absolute path, `sqlite:jobs.db` one from the working directory.
      const place = (rest ?? '').replace(/^\/\/(?=\/|$)/, '').replace(/^\/\/localhost(?=\/)/, '');
      if (place === '' || place.startsWith('//')) throw new InvalidOptionError('url', url, expected);
      // SQLite's own URLs take parameters; without this they would become part of the file's name.
      if (place.includes('?'))
        throw new InvalidOptionError(
          'url',
          url,
          `${expected}; SQLite's parameters are set on a database of your own, given as \`dialect\``,
        );
      return { kind: 'sqlite', place };
    }
    case 'postgres':
    case 'postgresql':
      return { kind: 'postgres', place: url };
    case 'mysql':
    case 'mariadb':
      return { kind: 'mysql', place: `mysql:${rest ?? ''}` };
    default:
      throw new InvalidOptionError('url', withoutPassword(url), expected);
  }
}

export interface ConnectOptions {
  readonly logger: Logger;
  /** Watches the connections of this store. */
  readonly sockets: Sockets;
  /** How long a process that stands still within a transaction may hold what others wait for, in milliseconds. */
  readonly idleMs: number;
}

/** kysely's dialect for an address, on a driver that the application has installed. */
export async function connect(address: Address, { logger, idleMs, sockets }: ConnectOptions): Promise<Dialect> {
  switch (address.kind) {
    case 'sqlite':
      return new SqliteDialect({ database: openSqlite(address.place) });
    case 'postgres': {
      const { default: pg } = await driver(() => import('pg'), 'pg');
      const pool = new pg.Pool({ connectionString: address.place, allowExitOnIdle: true, stream: () => sockets.watch(new Socket()) });
      // An idle connection that breaks is replaced when next needed; without a listener it would end the process.
      const lost = (error: Error): void => logger.debug({ err: error }, 'a connection to PostgreSQL was lost');
      pool.on('error', lost);
      // One that breaks in use tells its statement, and then the connection too.
      pool.on('connect', (client) => void client.on('error', lost));
      return new PostgresDialect({ pool });
    }
    case 'mysql': {
      const { createPool } = await driver(() => import('mysql2'), 'mysql2');
      const pool = createPool({
        uri: address.place,
        charset: 'utf8mb4',
        supportBigNumbers: true,
        stream: ({ config }: { readonly config: ServerAddress }) => sockets.watch(connectTo(config)),
      });
      // MariaDB only: elsewhere the transaction of a process that stands still lasts as long as its connection.
      const limit = `set session idle_transaction_timeout = ${Math.ceil(idleMs / 1000)}`;
      pool.on('connection', (connection) => {
        connection.query(limit, (error) => {
          if (error !== null) logger.debug({ err: error }, 'this server does not end transactions that stand still');
        });
      });
      // As pg's pool does when asked: one that nobody uses keeps no process alive.
      pool.on('acquire', (connection) => socketOf(connection)?.ref());
      pool.on('release', (connection) => socketOf(connection)?.unref());
      return new MysqlDialect({ pool });
    }
  }
}

/** Where mysql2 has found that the server is. */
interface ServerAddress {
  readonly socketPath?: string | undefined;
  readonly port: number;
  readonly host: string;
}

/** Not in mysql2's types. */
function socketOf(connection: object): Socket | undefined {
  const stream: unknown = Reflect.get(connection, 'stream');
  return stream instanceof Socket ? stream : undefined;
}

function connectTo({ socketPath, port, host }: ServerAddress): Socket {
  return socketPath === undefined ? createConnection({ port, host, keepAlive: true }) : createConnection(socketPath);
}

async function driver<T>(load: () => Promise<T>, name: string): Promise<T> {
  try {
    return await load();
  } catch (error) {
    throw missingDriver([name], error);
  }
}
