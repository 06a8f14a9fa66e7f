/**
 * A big schedule at an even pace: 100,000 interval jobs in PostgreSQL of which 1,000 are due each second, for ten minutes.
 * How late each run begins, by minute, and what the database does for it, which must not grow.
 *
 *   npm run build && node bench/steady-postgres.mjs [minutes] [jobs] [seconds between the runs of one job]
 *
 * BENCH_PG names the server (default: the one on 127.0.0.1:5432); the tables are dropped in the end.
 */
import pg from 'pg';
import { Scheduler } from '../dist/index.js';
import { SqlJobStore } from '../dist/stores/sql/index.js';

const minutes = Number(process.argv[2] ?? 10);
const jobs = Number(process.argv[3] ?? 100_000);
const every = Number(process.argv[4] ?? 100);
const url = process.env.BENCH_PG ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const prefix = 'bench_steady_';

const admin = new pg.Client({ connectionString: url });
await admin.connect();
const dropAll = async () => {
  const { rows } = await admin.query('select tablename from pg_tables where schemaname = current_schema() and starts_with(tablename, $1)', [
    prefix,
  ]);
  for (const { tablename } of rows) await admin.query(`drop table ${tablename} cascade`);
};
await dropAll();

const logger = { debug() {}, info() {}, warn: console.warn, error: console.error };
const scheduler = new Scheduler({ jobStore: new SqlJobStore({ url, prefix, keepRuns: { count: 5 } }), timezone: 'UTC', logger });
let late = [];
let ended = 0;
scheduler.task('noop', () => undefined);
scheduler.on('jobStarted', (run) => late.push(Date.now() - run.scheduledAt.toMillis()));
scheduler.on('jobExecuted', () => {
  ended += 1;
});
await scheduler.start({ paused: true });
const start = Date.now() + 30_000;
const began = performance.now();
for (let from = 0; from < jobs; from += 5_000) {
  await scheduler.addJobs(
    Array.from({ length: Math.min(5_000, jobs - from) }, (_, offset) => ({
      task: 'noop',
      id: `job-${from + offset}`,
      trigger: 'interval',
      seconds: every,
      // Spread evenly, and in no order that the database could profit from.
      startDate: new Date(start + Math.floor((((from + offset) * 7_919) % jobs) * ((every * 1_000) / jobs))),
    })),
  );
}
console.log(
  `node ${process.version}, ${jobs} jobs added in ${((performance.now() - began) / 1000).toFixed(1)} s, ${jobs / every} due a second`,
);
await admin.query('analyze');
await scheduler.resume();
await new Promise((resolve) => setTimeout(resolve, Math.max(0, start - Date.now())));
late = [];
ended = 0;
console.log('minute  runs  p50 ms  p99 ms  worst ms  transactions  rows written  blocks touched  tables MiB  our CPU %');
const worst = [];
let before = await figures();
for (let minute = 1; minute <= minutes; minute += 1) {
  const cpu = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, 60_000));
  const used = process.cpuUsage(cpu);
  const sorted = late.toSorted((a, b) => a - b);
  late = [];
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  const now = await figures();
  const row = [
    minute,
    ended,
    at(0.5),
    at(0.99),
    sorted.at(-1),
    now.transactions - before.transactions,
    now.written - before.written,
    now.blocks - before.blocks,
    now.size.toFixed(0),
    ((used.user + used.system) / 600_000).toFixed(0),
  ];
  console.log(row.join('\t'));
  worst.push(at(0.99));
  before = now;
  ended = 0;
}
const p99 = Math.max(...worst);
console.log(`p99 of the worst minute: ${p99} ms, at most 100${p99 <= 100 ? '' : ', NOT HELD'}`);
await scheduler.shutdown();
await dropAll();
await admin.end();
process.exit(p99 <= 100 ? 0 : 1);

async function figures() {
  const { rows } =
    await admin.query(`select xact_commit, tup_inserted + tup_updated + tup_deleted as written, blks_hit + blks_read as blocks
    from pg_stat_database where datname = current_database()`);
  const { rows: sizes } = await admin.query(
    'select sum(pg_total_relation_size(quote_ident(tablename)::regclass)) as size from pg_tables where schemaname = current_schema() and starts_with(tablename, $1)',
    [prefix],
  );
  return {
    transactions: Number(rows[0].xact_commit),
    written: Number(rows[0].written),
    blocks: Number(rows[0].blocks),
    size: Number(sizes[0].size) / 2 ** 20,
  };
}
