/**
 * Jobs in Redis, beside BullMQ and beside bare commands: no-op jobs that are due now are added in bulk, added one at a time
 * with 20 in flight, and run, on one Redis without persistence, in turns, in one run.
 *
 *   npm run build && node bench/persistent-redis.mjs [rounds] [jobs]
 *
 * Starts a redis-server of its own, or uses the one that REDIS_URL names, which it flushes. DIST names another build.
 * punctual keeps a row of every run; BullMQ is told to forget a job that is done, which is quicker for it.
 * Each figure is the median of the rounds; the last lines say what is held against what.
 */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { pathToFileURL } from 'node:url';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { inBatches, inFlight, median, range, rate } from './lib/measure.mjs';

const dist = process.env.DIST ?? new URL('../dist', import.meta.url).pathname;
const { Scheduler } = await import(pathToFileURL(`${dist}/index.js`).href);
const { RedisJobStore } = await import(pathToFileURL(`${dist}/stores/redis/index.js`).href);

const rounds = Number(process.argv[2] ?? 5);
const jobs = Number(process.argv[3] ?? 10_000);
const singles = Math.min(1_000, jobs);
const batch = 1_000;

const redis = await startRedis();
const admin = new Redis(redis.url);
const connection = { url: redis.url, maxRetriesPerRequest: null };
admin.defineCommand('take', {
  numberOfKeys: 2,
  lua: `local ids = redis.call('zrangebyscore', KEYS[1], '-inf', ARGV[1], 'limit', 0, ARGV[2]) if #ids == 0 then return {} end
local rows = redis.call('hmget', KEYS[2], unpack(ids)) redis.call('zrem', KEYS[1], unpack(ids)) redis.call('hdel', KEYS[2], unpack(ids)) return rows`,
});

const sides = { punctual, bullmq, bare };
const figures = ['add in bulk', 'add one at a time', 'run'];
const found = Object.fromEntries(Object.keys(sides).map((side) => [side, Object.fromEntries(figures.map((figure) => [figure, []]))]));
// The first round warms up. The sides take turns at going first.
for (let round = 0; round <= rounds; round += 1) {
  const names = Object.keys(sides);
  for (let turn = 0; turn < names.length; turn += 1) {
    const side = names[(round + turn) % names.length];
    await admin.flushall();
    const measured = await sides[side]();
    if (round > 0) for (const figure of figures) found[side][figure].push(measured[figure]);
  }
}

console.log(`node ${process.version}, ${jobs} jobs, medians of ${rounds} rounds, jobs/s`);
const medianOf = (side, figure) => median(found[side][figure]);
for (const figure of figures) {
  console.log(
    `${figure.padEnd(18)} ${Object.keys(sides)
      .map((side) => `${side} ${Math.round(medianOf(side, figure)).toString().padStart(7)}`)
      .join('   ')}`,
  );
}
const held = [
  ['run, over bullmq', medianOf('punctual', 'run') / medianOf('bullmq', 'run'), 2],
  ['add in bulk, over bare', medianOf('punctual', 'add in bulk') / medianOf('bare', 'add in bulk'), 0.4],
].map(([name, ratio, least]) => {
  console.log(`${name}: x${ratio.toFixed(2)}, at least ${least}${ratio >= least ? '' : ', NOT HELD'}`);
  return ratio >= least;
});
admin.disconnect();
await redis.stop();
process.exit(held.every(Boolean) ? 0 : 1);

async function punctual() {
  const logger = { debug() {}, info() {}, warn: console.warn, error: console.error };
  const scheduler = new Scheduler({ jobStore: new RedisJobStore({ url: redis.url }), timezone: 'UTC', logger });
  scheduler.task('noop', () => undefined);
  await scheduler.start({ paused: true });
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

async function bullmq() {
  const queue = new Queue('bench', { connection, defaultJobOptions: { removeOnComplete: true } });
  await queue.waitUntilReady();
  const added = await rate(jobs, () =>
    inBatches(jobs, batch, (from, to) => queue.addBulk(range(from, to).map((index) => ({ name: 'noop', data: { i: index } })))),
  );
  const single = await rate(singles, () => inFlight(singles, (index) => queue.add('noop', { i: index }, { delay: 3_600_000 })));
  let worker;
  const run = await rate(
    jobs,
    () =>
      new Promise((resolve) => {
        let done = 0;
        worker = new Worker('bench', async () => undefined, { connection, concurrency: 100 });
        worker.on('completed', () => {
          done += 1;
          if (done === jobs) resolve();
        });
      }),
  );
  await worker.close();
  await queue.close();
  return { 'add in bulk': added, 'add one at a time': single, run };
}

/** What Redis allows for "insert a due job" and "take due jobs away", with no scheduler on top. */
async function bare() {
  const put = (pipeline, index) => pipeline.zadd('bare:due', Date.now(), `job-${index}`).hset('bare:jobs', `job-${index}`, '{"i":1}');
  const single = await rate(singles, () => inFlight(singles, (index) => put(admin.multi(), index).exec()));
  await admin.del('bare:due', 'bare:jobs');
  const added = await rate(jobs, () => inBatches(jobs, batch, (from, to) => range(from, to).reduce(put, admin.pipeline()).exec()));
  const run = await rate(jobs, async () => {
    for (let done = 0; done < jobs; ) done += (await admin.take('bare:due', 'bare:jobs', Date.now(), batch)).length;
  });
  return { 'add in bulk': added, 'add one at a time': single, run };
}

async function startRedis() {
  if (process.env.REDIS_URL !== undefined) return { url: process.env.REDIS_URL, stop: async () => {} };
  const port = await new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const found = probe.address().port;
      probe.close(() => resolve(found));
    });
  });
  const server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], {
    stdio: 'ignore',
  });
  const gone = new Promise((resolve) => server.once('exit', resolve));
  return {
    url: `redis://127.0.0.1:${port}`,
    stop: async () => {
      server.kill();
      await gone;
    },
  };
}
