/**
 * One process of a test: a scheduler on the shared store, which writes down what it does. Its orders are JSON in the first argument;
 * its load comes as a message once it has said `ready`, and is registered again at each start, as every replica does. SIGTERM drains and stops it.
 */
import { once } from 'node:events';
import { currentRun } from '../../src/current-run.ts';
import { Scheduler } from '../../src/scheduler.ts';
import { Journal } from './journal.ts';
import { jobsOf, type Load, taskName, type Work } from './load.ts';
import { sharedStore, type SharedStoreOptions } from './shared-store.ts';
import { shiftedClock } from './shifted-clock.ts';
import { type CrashPoint, watchedStore } from './watched-store.ts';

export interface NodeOrders {
  readonly store: SharedStoreOptions;
  readonly journal: string;
  /** Adds a one-shot job about every so many milliseconds. */
  readonly oneShotEvery?: number | undefined;
  readonly crash?: CrashPoint | undefined;
  /** How wrong this process's clock is, in milliseconds, how many times as fast as others it runs, and by how much it is set after so long. */
  readonly skew?: number | undefined;
  readonly rate?: number | undefined;
  readonly step?: { readonly after: number; readonly by: number } | undefined;
  /** No file may grow beyond so many blocks of 1,024 bytes: to this process the disk is full from there on. */
  readonly largestFile?: number | undefined;
  /** How long a stop may take. */
  readonly drain: number;
}

const orders = JSON.parse(process.argv[2] ?? '{}') as NodeOrders;
const { pid } = process;
const journal = new Journal(orders.journal);
const clock = shiftedClock(orders.skew ?? 0, orders.rate);
const silent = (): void => undefined;
const log = (facts: object, message: string): void => {
  if (process.env['NEMESIS_LOG'] !== undefined) console.error(pid, message, facts);
};
const scheduler = new Scheduler({
  jobStore: watchedStore(sharedStore(orders.store), journal, orders.crash),
  clock,
  logger: { debug: silent, info: silent, warn: log, error: log },
});

scheduler.task(taskName, async ({ ms, failsFirst }: Work): Promise<string> => {
  const run = currentRun();
  if (run === undefined) throw new Error('called outside a run');
  const { jobId, runId, scheduledAt, attempt, signal } = run;
  journal.note({ kind: 'begin', pid, at: Date.now(), jobId, runId, scheduledAt: scheduledAt.toMillis(), attempt });
  const aborted = ms > 0 && !(await pause(ms, signal));
  const ok = !aborted && !(failsFirst === true && attempt === 1);
  journal.note({ kind: 'end', pid, at: Date.now(), runId, attempt, ok });
  if (!ok) throw new Error(aborted ? 'told to stop' : 'fails at first');
  return runId;
});

/** False if it was told to stop before the time was over. */
function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve(false);
    });
  });
}

/** A machine that is too busy to run a process for long looks to the others like one that is frozen. */
function noteStalls(): void {
  let last = Date.now();
  setInterval(() => {
    const now = Date.now();
    if (now - last > orders.store.lease / 2) journal.note({ kind: 'harm', pid, what: 'stall', from: last, at: now });
    last = now;
  }, 50).unref();
}

let shots = 0;

/** Adds a job that runs once, until the load is over; one that could not be stored may have been: it is added again. */
async function addOneShot(load: Load): Promise<void> {
  const time = Date.now() + Math.round(Math.random() * 1000);
  if (time < load.end) {
    shots += 1;
    const jobId = `shot-${pid}-${shots}`;
    await scheduler.addJob(taskName, {
      id: jobId,
      trigger: 'date',
      runDate: new Date(time),
      misfireGraceTime: 7_200_000,
      args: [{ ms: 10 }],
    });
    journal.note({ kind: 'added', pid, at: Date.now(), jobId, time });
  }
}

async function register(load: Load): Promise<void> {
  for (;;) {
    try {
      await scheduler.start();
      await scheduler.addJobs(jobsOf(load));
      return;
    } catch (error) {
      log({ err: error }, 'the store does not answer yet');
      await new Promise((resolve) => setTimeout(resolve, 200));
      if (scheduler.state !== 'stopped') await scheduler.shutdown();
    }
  }
}

noteStalls();
// Nobody is left to judge.
process.once('disconnect', () => process.exit(1));
const stopping = new Promise<void>((resolve) => process.once('SIGTERM', () => resolve()));
process.send?.('ready');
const [load]: readonly Load[] = await once(process, 'message');
if (load === undefined) throw new Error('no load was sent');
await register(load);
journal.note({ kind: 'up', pid, at: Date.now() });
process.send?.('up');
const { oneShotEvery, step } = orders;
if (step !== undefined) {
  setTimeout(() => {
    clock.shift(step.by);
    journal.note({ kind: 'harm', pid, what: 'clock', from: Date.now(), at: Date.now() });
  }, step.after).unref();
}
let adding: Promise<unknown> = Promise.resolve();
const adder = setInterval(
  () => {
    adding = Promise.all([adding, addOneShot(load).catch((error: unknown) => log({ err: error }, 'not added'))]);
  },
  oneShotEvery ?? 2 ** 31 - 1,
);
await stopping;
const told = Date.now();
clearInterval(adder);
journal.note({ kind: 'harm', pid, what: 'term', from: Date.now(), at: Date.now() + orders.drain });
await adding;
const added = Date.now() - told;
await scheduler.shutdown({ timeout: orders.drain });
log({ added, took: Date.now() - told }, 'shut down');
process.exit(0);
