/**
 * punctual's side of the comparison of job queues that keep their jobs: due no-op jobs are added one at a time and in bulk, and run, with
 * one row for each run, history kept. The comparison takes any file like this one; what it measures beside it is its own.
 *
 * Each default export has a `queue` that opens a store of its own and answers with
 * `{ addOne(i), addMany(n), run(n), close() }`; `server` says what it needs: 'pg', 'redis', or nothing for SQLite.
 * OURS names the checkout, built (default: this one), BENCH_PG a PostgreSQL, BENCH_REDIS_PORT a Redis.
 */
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = process.env.OURS ?? new URL('..', import.meta.url).pathname;
const load = (file) => import(pathToFileURL(join(root, 'dist', file)).href);
const quiet = { debug() {}, info() {}, warn: console.warn, error: console.error };

const sqliteFile = join(tmpdir(), 'punctual-bench-queue.db');

const stores = {
  sqlite: async () => {
    for (const end of ['', '-wal', '-shm']) rmSync(sqliteFile + end, { force: true });
    return new (await load('stores/sql/index.js')).SqlJobStore({ url: `sqlite:${sqliteFile}` });
  },
  pg: async () =>
    new (await load('stores/sql/index.js')).SqlJobStore({
      url: process.env.BENCH_PG ?? 'postgres://postgres@127.0.0.1:5497/bench',
      prefix: 'bench_queue_',
    }),
  redis: async () =>
    new (await load('stores/redis/index.js')).RedisJobStore({
      url: `redis://127.0.0.1:${process.env.BENCH_REDIS_PORT ?? 6397}`,
      prefix: 'bench-queue',
    }),
};

const queue = (kind) => async () => {
  const { Scheduler } = await load('index.js');
  const scheduler = new Scheduler({ jobStore: await stores[kind](), timezone: 'UTC', logger: quiet });
  let ran = 0;
  let awaited = Number.POSITIVE_INFINITY;
  let finish;
  scheduler.task('noop', () => {
    ran += 1;
    if (ran === awaited) setImmediate(() => finish());
  });
  await scheduler.start({ paused: true });
  await scheduler.removeAllJobs();
  const job = (id, i) => ({ task: 'noop', id, trigger: 'date', runDate: Date.now(), misfireGraceTime: null, args: [{ i }] });
  return {
    addOne: (i) => {
      const { task, ...options } = job(`one-${i}`, i);
      return scheduler.addJob(task, options);
    },
    async addMany(n) {
      for (let from = 0; from < n; from += 1_000)
        await scheduler.addJobs(Array.from({ length: Math.min(1_000, n - from) }, (_, i) => job(`job-${from + i}`, from + i)));
    },
    run: (n) =>
      new Promise((resolve) => {
        awaited = n;
        finish = resolve;
        void scheduler.resume();
      }),
    close: () => scheduler.shutdown(),
  };
};

// oxlint-disable-next-line import/no-default-export -- what loads adapters takes the default export
export default [
  { name: 'punctual (sqlite)', pkg: 'punctual', queue: queue('sqlite') },
  { name: 'punctual (postgres)', pkg: 'punctual', server: 'pg', queue: queue('pg') },
  { name: 'punctual (redis)', pkg: 'punctual', server: 'redis', queue: queue('redis') },
];
