/**
 * Jobs in SQL databases, beside bare statements: no-op jobs that are due now are added in bulk, added one at a time with 20 in
 * flight, and run, on durable settings, in turns, in one run.
 *
 *   npm run build && node bench/persistent-sql.mjs [rounds] [jobs]
 *
 * SQLite (WAL, synchronous NORMAL, one driver for both sides) always; PostgreSQL where BENCH_PG names a server, or one listens on
 * 127.0.0.1:5432; MariaDB where BENCH_MYSQL names one. DIST names another build.
 * punctual keeps a row of every run; the bare side deletes what it took.
 * Each figure is the median of the rounds; the last lines say what is held against what.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { inBatches, inFlight, median, range, rate } from './lib/measure.mjs';

const dist = process.env.DIST ?? new URL('../dist', import.meta.url).pathname;
const { Scheduler } = await import(pathToFileURL(`${dist}/index.js`).href);
const { SqlJobStore } = await import(pathToFileURL(`${dist}/stores/sql/index.js`).href);
const Sqlite = createRequire(import.meta.url)('libsql');

const rounds = Number(process.argv[2] ?? 5);
const jobs = Number(process.argv[3] ?? 10_000);
const singles = Math.min(1_000, jobs);
const batch = 1_000;
const figures = ['add in bulk', 'add one at a time', 'run'];
const directory = mkdtempSync(join(tmpdir(), 'punctual-bench-'));
let files = 0;

const postgresUrl = process.env.BENCH_PG ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const sides = {
  'sqlite punctual': () => punctual(`sqlite:${newFile()}`),
  'sqlite bare': bareSqlite,
  ...((await answers(postgresUrl)) ? { 'postgres punctual': () => punctual(postgresUrl), 'postgres bare': barePostgres } : {}),
  ...(process.env.BENCH_MYSQL === undefined ? {} : { 'mariadb punctual': () => punctual(process.env.BENCH_MYSQL) }),
};
const found = Object.fromEntries(Object.keys(sides).map((side) => [side, Object.fromEntries(figures.map((figure) => [figure, []]))]));
// The first round warms up. The sides take turns at going first.
for (let round = 0; round <= rounds; round += 1) {
  const names = Object.keys(sides);
  for (let turn = 0; turn < names.length; turn += 1) {
    const side = names[(round + turn) % names.length];
    const measured = await sides[side]();
    if (round > 0) for (const figure of figures) found[side][figure].push(measured[figure]);
  }
}

console.log(`node ${process.version}, ${jobs} jobs, medians of ${rounds} rounds, jobs/s`);
const medianOf = (side, figure) => median(found[side][figure]);
for (const side of Object.keys(sides)) {
  console.log(
    `${side.padEnd(18)} ${figures.map((figure) => `${figure} ${Math.round(medianOf(side, figure)).toString().padStart(7)}`).join('   ')}`,
  );
}
const wanted = [
  ['sqlite', 'run', 0.15],
  ['sqlite', 'add in bulk', 0.4],
  ['postgres', 'run', 0.1],
  ['postgres', 'add in bulk', 0.4],
];
const held = wanted
  .filter(([database]) => `${database} bare` in sides)
  .map(([database, figure, least]) => {
    const ratio = medianOf(`${database} punctual`, figure) / medianOf(`${database} bare`, figure);
    console.log(`${database}, ${figure}, over bare: x${ratio.toFixed(3)}, at least ${least}${ratio >= least ? '' : ', NOT HELD'}`);
    return ratio >= least;
  });
rmSync(directory, { recursive: true, force: true });
process.exit(held.every(Boolean) ? 0 : 1);

async function punctual(url) {
  const logger = { debug() {}, info() {}, warn: console.warn, error: console.error };
  const scheduler = new Scheduler({ jobStore: new SqlJobStore({ url, prefix: 'bench_' }), timezone: 'UTC', logger });
  scheduler.task('noop', () => undefined);
  await scheduler.start({ paused: true });
  await scheduler.removeAllJobs();
  const runDate = Date.now();
  const entry = (index) => ({ task: 'noop', id: `job-${index}`, trigger: 'date', runDate, misfireGraceTime: null, args: [{ i: index }] });
  const added = await rate(jobs, () => inBatches(jobs, batch, (from, to) => scheduler.addJobs(range(from, to).map(entry))));
  const single = await rate(singles, () =>
    inFlight(singles, (index) => scheduler.addJob('noop', { id: `one-${index}`, trigger: 'date', runDate: Date.now() + 3_600_000 })),
  );
  const run = await rate(
    jobs,
    () =>
      new Promise((resolve) => {
        let done = 0;
        scheduler.on('jobExecuted', () => {
          done += 1;
          if (done === jobs) resolve();
        });
        void scheduler.resume();
      }),
  );
  const kept = await scheduler.getRuns({ outcome: 'succeeded', limit: 10 });
  if (kept.length !== 10) throw new Error(`expected a row of every run, found ${kept.length}`);
  await scheduler.shutdown();
  return { 'add in bulk': added, 'add one at a time': single, run };
}

/** What SQLite allows for "insert a due job" and "take due jobs away", with no scheduler on top. */
async function bareSqlite() {
  const database = new Sqlite(newFile());
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = NORMAL');
  database.exec('create table jobs (id text primary key, due integer not null, data text) without rowid; create index due on jobs (due)');
  const insert = database.prepare('insert into jobs values (?, ?, ?)');
  const take = database.prepare(
    'delete from jobs where id in (select id from jobs where due <= ? order by due limit ?) returning id, data',
  );
  const many = database.transaction((from, to) => {
    for (let index = from; index < to; index += 1) insert.run(`job-${index}`, Date.now(), '{"i":1}');
  });
  const added = await rate(jobs, () => inBatches(jobs, batch, many));
  const single = await rate(singles, () => inFlight(singles, (index) => insert.run(`one-${index}`, Date.now() + 3_600_000, '{"i":1}')));
  const run = await rate(jobs, async () => {
    for (let done = 0; done < jobs; ) done += take.all(Date.now(), batch).length;
  });
  database.close();
  return { 'add in bulk': added, 'add one at a time': single, run };
}

/** What PostgreSQL allows for the same, with two connections that take. */
async function barePostgres() {
  const pool = new pg.Pool({ connectionString: postgresUrl, max: 20 });
  await pool.query(
    'drop table if exists bench_bare; create table bench_bare (id text primary key, due timestamptz not null, data jsonb); create index on bench_bare (due)',
  );
  const put = { name: 'put', text: 'insert into bench_bare select * from unnest($1::text[], $2::timestamptz[], $3::jsonb[])' };
  const take = {
    name: 'take',
    text: 'delete from bench_bare where id in (select id from bench_bare where due <= now() order by due limit $1 for update skip locked) returning id, data',
  };
  const added = await rate(jobs, () =>
    inBatches(jobs, batch, (from, to) => {
      const ids = range(from, to).map((index) => `job-${index}`);
      return pool.query({ ...put, values: [ids, ids.map(() => new Date().toISOString()), ids.map(() => '{"i":1}')] });
    }),
  );
  const single = await rate(singles, () =>
    inFlight(singles, (index) =>
      pool.query("insert into bench_bare values ($1, now() + interval '1 hour', $2)", [`one-${index}`, '{"i":1}']),
    ),
  );
  const run = await rate(jobs, async () => {
    let done = 0;
    const one = async () => {
      while (done < jobs) {
        const { rowCount } = await pool.query({ ...take, values: [batch] });
        done += rowCount;
      }
    };
    await Promise.all([one(), one()]);
  });
  await pool.query('drop table bench_bare');
  await pool.end();
  return { 'add in bulk': added, 'add one at a time': single, run };
}

async function answers(url) {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    await client.end();
    return true;
  } catch (error) {
    console.log(`PostgreSQL is left out: ${error.message}`);
    return false;
  }
}

function newFile() {
  files += 1;
  return join(directory, `${files}.db`);
}
