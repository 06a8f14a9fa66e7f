import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunRecord } from '../../src/core/run.ts';
import type { Store } from '../../src/core/store.ts';
import { createSystemClock } from '../../src/clocks/system-clock.ts';
import { check, type Expected, type FinalJob, type Violation } from './checker.ts';
import { type Entry, type Harm, Journal, readJournals } from './journal.ts';
import { expectedOf, jobsOf, type Load } from './load.ts';
import type { NodeOrders } from './node-main.ts';
import { Scheduler } from '../../src/scheduler.ts';
import { taskName } from './load.ts';
import { sharedStore, type SharedStoreOptions } from './shared-store.ts';

const program = join(import.meta.dirname, 'node-main.ts');
const silence = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** How long before its first fire time a load is given: storing it takes a while on a busy machine, and what has passed by then is nobody's. */
const leadMs = 3_000;

export interface ClusterOptions {
  readonly store: SharedStoreOptions;
  /** Default 5,000. */
  readonly drain?: number;
}

/** A process of the cluster. */
export interface Node {
  readonly pid: number;
  /** Resolves once it waits for its load, or is dead. */
  readonly ready: Promise<unknown>;
  /** Resolves once it takes part, or is dead. */
  readonly up: Promise<unknown>;
  readonly exited: Promise<unknown>;
  isAlive(): boolean;
}

export interface Report {
  readonly violations: readonly Violation[];
  readonly rows: readonly RunRecord[];
  readonly entries: readonly Entry[];
  /** How many runs had which outcome. */
  readonly outcomes: Readonly<Record<string, number>>;
}

/** Real processes on one store, what is done to them, and the judgement in the end. */
export class Cluster {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'punctual-nemesis-'));
  readonly nodes: Node[] = [];
  readonly #options: ClusterOptions;
  readonly #journal: Journal = new Journal(join(this.directory, 'harness.jsonl'));
  /** Those that are ready and have no load. */
  readonly #waiting: ChildProcess[] = [];
  /** Those that ended in a way that nobody did to them, and how. */
  readonly #failed: string[] = [];
  #files = 0;
  #load: Load | undefined;

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  get drain(): number {
    return this.#options.drain ?? 5_000;
  }

  /** Stores a load of `lasts` milliseconds that begins soon, as a deploy would before the first replica starts, and hands it to all processes. */
  async give({ lasts, ...what }: Pick<Load, 'count' | 'every'> & { readonly lasts: number }): Promise<Load> {
    const scheduler = new Scheduler({ jobStore: sharedStore(this.#options.store), logger: silence });
    scheduler.task(taskName);
    await scheduler.start({ paused: true });
    const start = Date.now() + leadMs;
    const load = { ...what, start, end: start + lasts };
    await scheduler.addJobs(jobsOf(load));
    if (Date.now() > load.start) throw new Error('the load was stored only after its first fire time');
    await scheduler.shutdown();
    this.#load = load;
    for (const child of this.#waiting.splice(0)) child.send(load);
    return load;
  }

  /** Starts a process. */
  start(more: Partial<NodeOrders> = {}): Node {
    this.#files += 1;
    const orders: NodeOrders = {
      store: this.#options.store,
      journal: join(this.directory, `node-${this.#files}.jsonl`),
      drain: this.drain,
      ...more,
    };
    const args = ['--import', 'tsx', program, JSON.stringify(orders)];
    const { largestFile } = orders;
    const [command, words] =
      largestFile === undefined
        ? [process.execPath, args]
        : ['bash', ['-c', `ulimit -f ${largestFile}; exec "$@"`, 'bash', process.execPath, ...args]];
    const child = spawn(command, words, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const pid = child.pid ?? 0;
    // What it runs it cannot write down, so others run it again.
    if (largestFile !== undefined) this.harm('store', Date.now(), Date.now() + 3_600_000, pid);
    const exited = once(child, 'exit');
    const ready = once(child, 'message');
    const up = ready.then(() => {
      if (this.#load === undefined) this.#waiting.push(child);
      else child.send(this.#load);
      return once(child, 'message');
    });
    const node: Node = {
      pid,
      exited,
      ready: Promise.race([ready, exited]),
      up: Promise.race([up, exited]),
      isAlive: () => child.exitCode === null && child.signalCode === null,
    };
    // One that kills itself at a crash point is to be told from one that was told to stop.
    void exited.then(() => {
      if (child.signalCode === 'SIGKILL') this.harm('kill', Date.now(), Date.now(), pid);
      else if (child.exitCode !== 0) this.#failed.push(`${pid} (${child.signalCode ?? child.exitCode})`);
    });
    this.nodes.push(node);
    return node;
  }

  alive(): Node[] {
    return this.nodes.filter((node) => node.isAlive());
  }

  /** Writes down what was done, to one process or to all. */
  harm(what: Harm['what'], from: number, at: number, pid = 0): void {
    this.#journal.note({ kind: 'harm', what, pid, from, at });
  }

  async kill(node: Node): Promise<void> {
    process.kill(node.pid, 'SIGKILL');
    await node.exited;
  }

  /** Stops the process for so many milliseconds. */
  async freeze(node: Node, ms: number): Promise<void> {
    const from = Date.now();
    process.kill(node.pid, 'SIGSTOP');
    await sleep(ms);
    if (node.isAlive()) process.kill(node.pid, 'SIGCONT');
    // A process that is frozen in the middle of a write holds SQLite's only lock: its leases are not the only ones that run out.
    const isAlone = !this.#options.store.url.startsWith('sqlite:');
    this.harm('freeze', from, Date.now(), isAlone ? node.pid : 0);
  }

  /** Tells the process to drain and stop; answers how long it took, in milliseconds. */
  async term(node: Node): Promise<number> {
    const began = Date.now();
    process.kill(node.pid, 'SIGTERM');
    await node.exited;
    return Date.now() - began;
  }

  /** Waits until all is over, stops every process in order, and judges. Gives up waiting after `limit` milliseconds. */
  async judge(limit: number): Promise<Report> {
    const { store: storeOptions } = this.#options;
    const load = this.#load;
    if (load === undefined) throw new Error('nothing was given to do');
    const store = sharedStore(storeOptions);
    await store.open({ alias: 'harness', clock: createSystemClock(), logger: silence });
    const until = Math.max(Date.now(), load.end) + limit;
    await sleep(load.end - Date.now());
    while (Date.now() < until && !(await isOver(store))) await sleep(200);
    // One that is just being started cannot hear yet.
    await Promise.all(this.alive().map(({ ready }) => ready));
    await Promise.all(this.alive().map((node) => this.term(node)));
    if (this.#failed.length > 0) throw new Error(`ended by themselves: ${this.#failed.join(', ')}`);
    const entries = readJournals(this.directory);
    const expected: Expected[] = expectedOf(load);
    for (const entry of entries)
      if (entry.kind === 'added') expected.push({ jobId: entry.jobId, times: [entry.time], maxInstances: 1, onCrash: 'rerun' });
    const jobs: FinalJob[] = [];
    for (const { jobId } of expected) {
      const job = await store.jobs.get(jobId);
      if (job !== undefined) jobs.push(job);
    }
    const rows = await allRuns(store);
    await store.close();
    const outcomes: Record<string, number> = {};
    for (const row of rows) outcomes[row.outcome] = (outcomes[row.outcome] ?? 0) + 1;
    return { violations: check({ expected, rows, jobs, entries, lease: storeOptions.lease }), rows, entries, outcomes };
  }

  /** Ends what is left, and removes the journals; with `NEMESIS_KEEP` in the environment they stay, to be read. */
  async dispose(): Promise<void> {
    for (const node of this.alive()) await this.kill(node);
    if (process.env['NEMESIS_KEEP'] === undefined) rmSync(this.directory, { recursive: true, force: true });
    else process.stderr.write(`journals: ${this.directory}\n`);
  }
}

async function isOver(store: Store): Promise<boolean> {
  if ((await store.jobs.list()).length > 0) return false;
  const { runs } = await store.runs.list({ outcome: ['waiting', 'running'], limit: 1 });
  return runs.length === 0;
}

async function allRuns(store: Store): Promise<readonly RunRecord[]> {
  const rows: RunRecord[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.runs.list({ limit: 1000, cursor });
    rows.push(...page.runs);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return rows;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
