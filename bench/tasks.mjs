/**
 * Tasks on BullMQ beside bare BullMQ, on one Redis without persistence: the same work, in turns, in one run.
 *
 *   npm run build && node --expose-gc bench/tasks.mjs [rounds]
 *
 * Starts a redis-server of its own, or uses the one that REDIS_URL names, which it flushes.
 * Each figure is the median of the rounds; the last column is ours over bare, and what it must be at least (at most, for times).
 */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { Queue, QueueEvents, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { bullmq, group, TaskApp } from '../dist/tasks/index.js';

const rounds = Number(process.argv[2] ?? 5);
const sent = 3_000;
const processed = 10_000;
const trips = 500;

const redis = await startRedis();
const admin = new Redis(redis.url);
const connection = { url: redis.url, maxRetriesPerRequest: null };
const queue = new Queue('bench', { connection });
const app = new TaskApp({ engine: bullmq({ connection: redis.url }) });
const noop = app.task('noop', (value) => value);

/** What is measured, by each side: for the same work, in turns. */
const measures = {
  'send one by one': {
    atLeast: 0.8,
    bare: () =>
      rate(sent, async () => {
        for (let index = 0; index < sent; index += 1) await queue.add('noop', { args: [index] });
      }),
    ours: () =>
      rate(sent, async () => {
        for (let index = 0; index < sent; index += 1) await noop.delay(index);
      }),
  },
  'send in bulk': { atLeast: 0.8, bare: () => rate(processed, sendBare), ours: () => rate(processed, sendOurs) },
  'process, concurrency 10': { atLeast: 0.8, bare: () => processBare(10), ours: () => processOurs(10) },
  'process, concurrency 50': { atLeast: 0.8, bare: () => processBare(50), ours: () => processOurs(50) },
  'round trip p50': { atMost: 1.3, bare: tripsBare, ours: tripsOurs },
};

let within = true;
console.log(`node ${process.version}, medians of ${rounds} rounds, the ratio that of neighbours in time, CPU of this process in brackets`);
for (const [name, measure] of Object.entries(measures)) {
  const found = { bare: [], ours: [] };
  // The first round warms up. The sides take turns at going first.
  for (let round = 0; round <= rounds; round += 1) {
    for (const side of round % 2 === 0 ? ['bare', 'ours'] : ['ours', 'bare']) {
      await admin.flushall();
      // What one side left behind is not for the other to clean up.
      globalThis.gc?.();
      const figure = await measure[side]();
      if (round > 0) found[side].push(figure);
    }
  }
  const [theirs, mine] = [median(found.bare), median(found.ours)];
  // Of neighbours in time, so that what else the machine does weighs on both.
  const ratio = middle(found.ours.map((figure, round) => figure.value / found.bare[round].value));
  const held = measure.atMost === undefined ? ratio >= measure.atLeast : ratio <= measure.atMost;
  if (!held) within = false;
  const limit = measure.atMost === undefined ? `at least ${measure.atLeast}` : `at most ${measure.atMost}`;
  console.log(
    `${name.padEnd(24)} bare ${show(theirs)}   punctual ${show(mine)}   x${ratio.toFixed(2)}, ${limit}${held ? '' : ', NOT HELD'}`,
  );
}
await app.close();
await queue.close();
admin.disconnect();
await redis.stop();
process.exitCode = within ? 0 : 1;

async function sendBare() {
  for (let start = 0; start < processed; start += 1_000) {
    await queue.addBulk(Array.from({ length: 1_000 }, (_, index) => ({ name: 'noop', data: { args: [start + index] } })));
  }
}

async function sendOurs() {
  for (let start = 0; start < processed; start += 1_000) {
    await group(Array.from({ length: 1_000 }, (_, index) => noop.s(start + index))).delay();
  }
}

/** From making the worker, connecting included, until the last result is stored. */
async function processBare(concurrency) {
  await sendBare();
  let worker;
  const figure = await rate(
    processed,
    () =>
      new Promise((resolve) => {
        let done = 0;
        worker = new Worker('bench', async (job) => job.data.args[0], { connection, concurrency });
        worker.on('completed', () => {
          done += 1;
          if (done === processed) resolve();
        });
      }),
  );
  await worker.close();
  return figure;
}

async function processOurs(concurrency) {
  await sendOurs();
  const worker = app.worker({ concurrency });
  const figure = await rate(processed, async () => {
    await new Promise((resolve) => {
      let done = 0;
      worker.on('taskSucceeded', () => {
        done += 1;
        if (done === processed) resolve();
      });
      void worker.start();
    });
    while ((await admin.zcard('bull:default:completed')) < processed);
  });
  await worker.stop();
  return figure;
}

async function tripsBare() {
  const events = new QueueEvents('bench', { connection });
  await events.waitUntilReady();
  const worker = new Worker('bench', async (job) => job.data.args[0], { connection, concurrency: 10 });
  await worker.waitUntilReady();
  const figure = await roundTrips(async (index) => (await queue.add('noop', { args: [index] })).waitUntilFinished(events));
  await worker.close();
  await events.close();
  return figure;
}

async function tripsOurs() {
  const worker = app.worker({ concurrency: 10 });
  await worker.start();
  const figure = await roundTrips(async (index) => (await noop.delay(index)).get());
  await worker.stop();
  return figure;
}

/** How many a second, and microseconds of CPU for each. */
async function rate(count, work) {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await work();
  const value = (count / (performance.now() - start)) * 1_000;
  return { value, unit: '/s', cpu: cpuSince(cpu) / count };
}

/** Milliseconds of one trip, half of them took less. */
async function roundTrips(trip) {
  for (let index = 0; index < 50; index += 1) await trip(index);
  const times = [];
  const cpu = process.cpuUsage();
  for (let index = 0; index < trips; index += 1) {
    const start = performance.now();
    const value = await trip(index);
    times.push(performance.now() - start);
    if (value !== index) throw new Error(`sent ${index}, got ${value}`);
  }
  times.sort((a, b) => a - b);
  return { value: times[Math.floor(trips / 2)], unit: 'ms', cpu: cpuSince(cpu) / trips };
}

function cpuSince(before) {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

function middle(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function median(figures) {
  return { unit: figures[0].unit, value: middle(figures.map(({ value }) => value)), cpu: middle(figures.map(({ cpu }) => cpu)) };
}

function show({ value, unit, cpu }) {
  return `${(unit === 'ms' ? value.toFixed(2) : String(Math.round(value))).padStart(6)} ${unit} (${Math.round(cpu)} us)`;
}

async function startRedis() {
  if (process.env.REDIS_URL !== undefined) return { url: process.env.REDIS_URL, stop: async () => {} };
  const port = await new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = server.address();
      server.close(() => resolve(free));
    });
  });
  const child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.stdout.on('data', (text) => String(text).includes('eady to accept connections') && resolve());
  });
  return { url: `redis://127.0.0.1:${port}`, stop: async () => void child.kill() };
}
