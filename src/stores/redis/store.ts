import type { Cancel } from '../../core/clock.ts';
import type { JobStore } from '../../core/job-store.ts';
import type { RunStore } from '../../core/run-store.ts';
import type { Store, StoreContext, StoreSurvey } from '../../core/store.ts';
import { rowFormat } from '../codec.ts';
import { Connection } from './connection.ts';
import { readHealth } from './health.ts';
import { RedisJobs } from './jobs.ts';
import { open } from './lua/care.ts';
import { type RedisJobStoreOptions, settingsOf } from './options.ts';
import { RedisRuns } from './runs.ts';
import { type Script, script } from './script.ts';
import { Server } from './server.ts';
import { WakeChannel } from './wake.ts';

const openScript: Script = script(open);

/**
 * Jobs and runs in Redis 6.2 or later, shared by any number of processes. Every step is one Lua script and one round trip;
 * the server's clock rules. What it promises to keep is what the server keeps: with `appendonly yes` a restart loses nothing
 * but the last second, without persistence everything. The server must not evict (`maxmemory-policy noeviction`).
 */
export class RedisJobStore implements Store {
  readonly durable = true;
  readonly pollInterval: number;
  readonly lease: number;
  readonly jobs: JobStore;
  readonly runs: RunStore;
  readonly #server: Server;
  readonly #wakes: WakeChannel;
  #open = false;

  /** Connects to nothing yet. Throws InvalidOptionError. */
  constructor(options: RedisJobStoreOptions) {
    const { target, prefix, pollInterval, lease, keepRuns, now } = settingsOf(options);
    this.pollInterval = pollInterval;
    this.lease = lease;
    this.#server = new Server({ connection: new Connection(target, prefix), keepRuns, now });
    this.#wakes = new WakeChannel(this.#server.self);
    this.jobs = new RedisJobs(this.#server);
    this.runs = new RedisRuns(this.#server);
  }

  async open(context: StoreContext): Promise<void> {
    if (this.#open) return;
    const { connection } = this.#server;
    this.#server.logger = context.logger;
    this.#server.clock = context.clock;
    await connection.open(context.logger);
    try {
      await this.#server.call(openScript, [rowFormat]);
    } catch (error) {
      await connection.close(context.clock);
      throw error;
    }
    this.#wakes.start(connection.subscriber(), connection.channel, context.logger);
    this.#open = true;
  }

  async close(): Promise<void> {
    this.#open = false;
    this.#wakes.stop();
    this.#server.held.clear();
    await this.#server.connection.close(this.#server.clock);
  }

  watch(wake: (time?: number) => void): Cancel {
    return this.#wakes.listen(wake);
  }

  /** What the store has set aside: rows that cannot be read, rows of a newer release, and jobs of other tasks than these. Reads all jobs, page by page. */
  health(tasks?: readonly string[]): Promise<StoreSurvey> {
    return readHealth(this.#server, tasks);
  }
}
