import { join } from 'node:path';
import type { Store } from '../../src/core/store.ts';
import { Scheduler, type SchedulerOptions } from '../../src/index.ts';
import { RedisJobStore } from '../../src/stores/redis/index.ts';
import { SqlJobStore } from '../../src/stores/sql/index.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { recordingLog } from '../fixtures/requests.ts';
import { startMariadb } from '../servers/mariadb.ts';
import { startPostgres } from '../servers/postgres.ts';
import { startRedis } from '../servers/redis.ts';
import { freshPrefix, temporaryDirectory } from '../stores/sql-under-test.ts';

/** A database that replicas can share, and how to stop it. */
export interface Place {
  readonly name: string;
  readonly url: string;
  stop(): Promise<void>;
}

/** SQLite always, the servers where they are installed. */
export async function places(): Promise<readonly Place[]> {
  const servers = await Promise.all([startPostgres(), startMariadb(), startRedis()]);
  const found: Place[] = [
    { name: 'SQLite', url: `sqlite:${join(await temporaryDirectory(), 'replicas.db')}`, stop: () => Promise.resolve() },
  ];
  for (const [index, name] of ['PostgreSQL', 'MariaDB', 'Redis'].entries()) {
    const server = servers[index];
    if (server !== undefined) found.push({ name, url: server.url, stop: () => server.stop() });
  }
  return found;
}

/** Replicas of one app: each with a scheduler and a store of its own on one database. Their clock is also the database's. */
export class Replicas {
  readonly clock: VirtualClock = new VirtualClock({ now: '2030-01-01T00:00:00Z' });
  readonly prefix: string = freshPrefix();
  readonly #url: string;
  readonly #made: Scheduler[] = [];

  constructor(place: Place) {
    this.#url = place.url;
  }

  store(): Store {
    const options = { url: this.#url, prefix: this.prefix, now: (): number => this.clock.now() };
    return this.#url.startsWith('redis:') ? new RedisJobStore(options) : new SqlJobStore(options);
  }

  make(options: SchedulerOptions = {}): Scheduler {
    const { clock } = this;
    const jobStore = options.jobStores === undefined ? { jobStore: this.store() } : {};
    const scheduler = new Scheduler({ clock, timezone: 'UTC', logger: recordingLog().log, ...jobStore, ...options });
    this.#made.push(scheduler);
    return scheduler;
  }

  async started(setUp: (scheduler: Scheduler) => void, options: SchedulerOptions = {}): Promise<Scheduler> {
    const scheduler = this.make(options);
    setUp(scheduler);
    await scheduler.start();
    return scheduler;
  }

  async dispose(): Promise<void> {
    for (const scheduler of this.#made) if (scheduler.state !== 'stopped') await scheduler.shutdown();
  }
}
