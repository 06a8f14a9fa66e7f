import { PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Store } from '../../src/core/store.ts';
import { RedisJobStore } from '../../src/stores/redis/index.ts';
import { SqlJobStore } from '../../src/stores/sql/index.ts';

export interface SharedStoreOptions {
  /** `sqlite:`, `postgres:`, `mysql:` or `redis:`. */
  readonly url: string;
  readonly lease: number;
  readonly pollInterval: number;
  /** PostgreSQL: so many connections at most. */
  readonly pool?: number | undefined;
}

/** The store that all processes of a test share; it keeps every run. */
export function sharedStore({ url, lease, pollInterval, pool }: SharedStoreOptions): Store {
  const options = { lease, pollInterval, keepRuns: { count: 1_000_000 } };
  if (url.startsWith('redis:')) return new RedisJobStore({ url, ...options });
  if (pool === undefined) return new SqlJobStore({ url, ...options });
  const connections = new pg.Pool({ connectionString: url, max: pool });
  // A connection that breaks, idle or in use, is replaced; without listeners pg would end the process.
  connections.on('error', () => undefined);
  connections.on('connect', (client) => void client.on('error', () => undefined));
  return new SqlJobStore({ dialect: new PostgresDialect({ pool: connections }), ...options });
}
