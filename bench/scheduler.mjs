/**
 * The scheduler in memory beside the least that could do the work: an indexed heap with one timer, and bare message ports.
 *
 *   npm run build && node bench/scheduler.mjs [rounds]
 *
 * Each measurement is a process of its own, the sides take turns, and each figure is the median of the rounds.
 * The last column is ours over bare, and what it should be at least (at most, for times). DIST names another build.
 */
import { fork } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

const dist = process.env.DIST ?? new URL('../dist', import.meta.url).pathname;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const hour = 3_600_000;

/** A heap that knows where each job is, and one timer; gives way every 5 ms. It validates, records and tells nothing. */
function bareHeap() {
  const items = [];
  const byId = new Map();
  let timer;
  const set = (place, job) => {
    items[place] = job;
    job.place = place;
  };
  const up = (start, job) => {
    let place = start;
    for (let above = (place - 1) >> 1; place > 0 && items[above].at > job.at; above = (place - 1) >> 1) {
      set(place, items[above]);
      place = above;
    }
    set(place, job);
  };
  const down = (start, job) => {
    let place = start;
    for (let below = 2 * place + 1; below < items.length; below = 2 * place + 1) {
      if (below + 1 < items.length && items[below + 1].at < items[below].at) below += 1;
      if (items[below].at >= job.at) break;
      set(place, items[below]);
      place = below;
    }
    set(place, job);
  };
  const drop = (job) => {
    const last = items.pop();
    if (last === job) return;
    if (last.at < job.at) up(job.place, last);
    else down(job.place, last);
  };
  const arm = () => {
    clearTimeout(timer);
    if (items.length > 0) timer = setTimeout(fire, Math.min(2 ** 31 - 1, Math.max(0, items[0].at - Date.now())));
  };
  const fire = () => {
    const now = Date.now();
    const end = performance.now() + 5;
    for (let count = 1; items.length > 0 && items[0].at <= now; count += 1) {
      const [top] = items;
      if (top.every) {
        top.at += top.every;
        down(0, top);
      } else {
        drop(top);
        byId.delete(top.id);
      }
      top.fn();
      if ((count & 63) === 0 && performance.now() > end) return void setImmediate(fire);
    }
    arm();
  };
  const add = (job) => {
    byId.set(job.id, job);
    items.push(job);
    up(items.length - 1, job);
    if (job.place === 0) arm();
  };
  return {
    once: (id, at, fn) => add({ id, at, fn, every: 0, place: 0 }),
    every: (id, ms, fn) => add({ id, at: Date.now() + ms, fn, every: ms, place: 0 }),
    remove(id) {
      drop(byId.get(id));
      byId.delete(id);
    },
  };
}

async function ours() {
  const { Scheduler } = await import(pathToFileURL(`${dist}/index.js`).href);
  const scheduler = new Scheduler({ timezone: 'UTC', logger: quiet });
  await scheduler.start();
  return {
    once: (id, at, fn) => scheduler.addJob(fn, { id, trigger: 'date', runDate: at }),
    every: (id, milliseconds, fn) => scheduler.addJob(fn, { id, trigger: 'interval', milliseconds }),
    remove: (id) => scheduler.removeJob(id),
  };
}

async function collect() {
  for (let turn = 0; turn < 3; turn += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const noop = () => {};
const perSecond = (count, began) => count / ((performance.now() - began) / 1000);

const measures = {
  async 'add and remove'(side) {
    const n = 500_000;
    const scheduler = side === 'ours' ? await ours() : bareHeap();
    const base = Date.now() + hour;
    const ids = Array.from({ length: n }, (_, index) => `job-${index}`);
    await collect();
    const heap = process.memoryUsage().heapUsed;
    let began = performance.now();
    for (let index = 0; index < n; index += 1) await scheduler.once(ids[index], base + ((index * 7919) % 1_000_003), noop);
    const add = perSecond(n, began);
    await collect();
    const bytes = (process.memoryUsage().heapUsed - heap) / n;
    began = performance.now();
    for (let index = 0; index < n; index += 1) await scheduler.remove(ids[(index * 7919) % n]);
    return { 'add, jobs/s': add, 'remove by id, jobs/s': perSecond(n, began), 'heap a job, bytes': bytes };
  },
  async burst(side) {
    const n = 100_000;
    const scheduler = side === 'ours' ? await ours() : bareHeap();
    const due = Date.now() + 4_000;
    const clock = () => performance.timeOrigin + performance.now();
    let count = 0;
    let finish;
    const done = new Promise((resolve) => {
      finish = resolve;
    });
    const fn = () => {
      count += 1;
      if (count === n) finish(clock());
    };
    for (let index = 0; index < n; index += 1) await scheduler.once(`job-${index}`, due, fn);
    return { 'all of 100,000 called after due, ms': (await done) - due };
  },
  async lateness(side) {
    const scheduler = side === 'ours' ? await ours() : bareHeap();
    const late = [];
    for (let index = 0; index < 1000; index += 1) {
      let next = Date.now() + 1000;
      await scheduler.every(`job-${index}`, 1000, () => {
        late.push(performance.timeOrigin + performance.now() - next);
        next += 1000;
      });
      if (index % 10 === 9) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    late.sort((a, b) => a - b);
    return { 'lateness p50, ms': late[Math.floor(late.length * 0.5)], 'lateness p99, ms': late[Math.floor(late.length * 0.99)] };
  },
  async threads(side) {
    const n = 20_000;
    const run = side === 'ours' ? await ourThreads() : barePorts();
    const all = async (count) => {
      const began = performance.now();
      await Promise.all(Array.from({ length: count }, run));
      return perSecond(count, began);
    };
    await all(2_000);
    return { 'no-op tasks in 2 threads, tasks/s': await all(n) };
  },
  async import(side) {
    const began = performance.now();
    await import(side === 'ours' ? pathToFileURL(`${dist}/index.js`).href : 'luxon');
    return { 'import, ms': performance.now() - began };
  },
};

const task = new URL('lib/noop.mjs', import.meta.url);

async function ourThreads() {
  const { Scheduler } = await import(pathToFileURL(`${dist}/index.js`).href);
  const scheduler = new Scheduler({ timezone: 'UTC', logger: quiet, threads: { min: 2, max: 2 } });
  const waiting = new Map();
  scheduler.on('jobExecuted', ({ jobId }) => {
    waiting.get(jobId)();
    waiting.delete(jobId);
  });
  await scheduler.start();
  const url = new URL('#noop', task);
  let count = 0;
  return () =>
    new Promise((resolve) => {
      count += 1;
      waiting.set(`job-${count}`, resolve);
      void scheduler.addJob(url, { id: `job-${count}`, trigger: 'date', runDate: Date.now() });
    });
}

/** One message under way for each worker. */
function barePorts() {
  const queue = [];
  const workers = Array.from({ length: 2 }, () => ({ worker: new Worker(task, { workerData: { bare: true } }), resolve: undefined }));
  const next = (each) => {
    const resolve = queue.shift();
    each.resolve = resolve;
    if (resolve !== undefined) each.worker.postMessage(1);
  };
  for (const each of workers)
    each.worker.on('message', () => {
      each.resolve();
      next(each);
    });
  return () =>
    new Promise((resolve) => {
      queue.push(resolve);
      const idle = workers.find((each) => each.resolve === undefined);
      if (idle !== undefined) next(idle);
    });
}

/** The figure, what is best, and the bound on ours over bare. */
const bounds = {
  'add, jobs/s': ['at least', 0.25],
  'remove by id, jobs/s': ['at least', 0.4],
  'heap a job, bytes': ['at most 450 bytes'],
  'all of 100,000 called after due, ms': ['at most', 5],
  'lateness p50, ms': ['at most', 1.5],
  'lateness p99, ms': ['at most', 1.5],
  'no-op tasks in 2 threads, tasks/s': ['at least', 0.7],
  'import, ms': ['at most 15 ms more than luxon'],
};

function measure(name, side) {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), ['--measure', name, side], {
      execArgv: ['--expose-gc', '--max-old-space-size=4096'],
      env: { ...process.env, TZ: 'UTC' },
    });
    child.once('message', resolve);
    child.once('exit', (code) => code !== 0 && reject(new Error(`${name} of ${side} ended with ${code}`)));
  });
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const shown = (value) => (value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3));

if (process.argv[2] === '--measure') {
  const result = await measures[process.argv[3]](process.argv[4]);
  process.send(result, () => process.exit(0));
} else {
  const rounds = Number(process.argv[2] ?? 5);
  console.log('| | bare | ours | ours over bare | wanted |\n|---|--:|--:|--:|---|');
  for (const name of Object.keys(measures)) {
    const results = { ours: [], bare: [] };
    for (let round = 0; round < rounds; round += 1)
      for (const side of round % 2 === 0 ? ['ours', 'bare'] : ['bare', 'ours']) results[side].push(await measure(name, side));
    for (const figure of Object.keys(results.ours[0])) {
      const [mine, least] = ['ours', 'bare'].map((side) => median(results[side].map((result) => result[figure])));
      console.log(`| ${figure} | ${shown(least)} | ${shown(mine)} | ${(mine / least).toFixed(2)} | ${bounds[figure].join(' ')} |`);
    }
  }
}
