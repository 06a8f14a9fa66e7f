import { expect } from 'vitest';
import { Cluster, type Node, type Report, sleep } from './cluster.ts';
import { type Harm, readJournals } from './journal.ts';
import type { NodeOrders } from './node-main.ts';
import type { SharedStoreOptions } from './shared-store.ts';
import { runsUnderWay, takeovers } from './takeover.ts';
import { crashCalls } from './watched-store.ts';

/** Seconds for each store to be besieged, and the seed of what is done when. */
export const seconds: number = Number(process.env['NEMESIS_SECONDS'] ?? 60);
export const seed: number = Number(process.env['NEMESIS_SEED'] ?? Date.now() % 1_000_000);
const jobCount = Number(process.env['NEMESIS_JOBS'] ?? 500);

/** Something that is done to the store under all of them; resolves when it is whole again. */
export interface StoreHarm {
  readonly name: string;
  run(): Promise<void>;
}

export interface Siege {
  readonly store: SharedStoreOptions;
  readonly harms?: readonly StoreHarm[];
  /** What each process in turn is told besides. */
  readonly nodes?: readonly Partial<NodeOrders>[];
}

const drain = 3_000;

/** Processes are killed, frozen and told to stop at random, and the store is harmed, while the load runs. */
export async function besiege({ store, harms = [], nodes = [{}, {}, {}, {}] }: Siege): Promise<Report> {
  const random = mulberry(seed);
  const cluster = new Cluster({ store, drain });
  try {
    const orders = nodes.map((more) => ({ oneShotEvery: 300, ...more }));
    const started = orders.map((more) => cluster.start(more));
    await Promise.all(started.map(({ ready }) => ready));
    const { end } = await cluster.give({ count: jobCount, every: 1_000, lasts: seconds * 1_000 });
    await Promise.all(started.map(({ up }) => up));
    const told: string[] = [];
    let turn = 0;
    const replace = async (node: Node): Promise<void> => {
      const at = started.indexOf(node);
      const next = cluster.start(orders[at] ?? {});
      started[at] = next;
      await next.up;
    };
    while (Date.now() < end - 3_000) {
      const node = started[Math.floor(random() * started.length)];
      const harm = harms[turn % Math.max(1, harms.length)];
      const kind = random();
      turn += 1;
      if (harm !== undefined && kind < 0.5) {
        told.push(harm.name);
        await harmed(cluster, 'store', harm.run);
      } else if (node !== undefined) {
        if (kind < 0.7) {
          told.push(`kill ${node.pid}`);
          await cluster.kill(node);
          await replace(node);
        } else if (kind < 0.85) {
          told.push(`freeze ${node.pid}`);
          await cluster.freeze(node, 3 * store.lease);
        } else {
          const took = await cluster.term(node);
          told.push(`term ${node.pid}: ${took} ms`);
          expect(took).toBeLessThan(drain + 1_000);
          await replace(node);
        }
      }
      await sleep(random() * 1_000);
    }
    const report = await cluster.judge(30_000);
    const delays = takeovers(report.entries);
    say({ seed, told, outcomes: report.outcomes, takenOver: delays.length, latest: Math.max(0, ...delays.map(({ ms }) => ms)) });
    expect(report.violations).toEqual([]);
    expect(report.outcomes['succeeded']).toBeGreaterThan(jobCount);
    return report;
  } finally {
    await cluster.dispose();
  }
}

/** A process dies at each point around a store call in turn, beside one that does not. */
export async function dieAtEachPoint(store: SharedStoreOptions): Promise<void> {
  const points = crashCalls.flatMap((call) =>
    (['before', 'after'] as const).map((when) => ({ call, when, nth: call === 'add' || call === 'prune' ? 1 : 3 })),
  );
  const cluster = new Cluster({ store, drain });
  try {
    const steady = cluster.start({ oneShotEvery: 200 });
    await steady.ready;
    const { end } = await cluster.give({ count: 50, every: 1_000, lasts: 30_000 });
    await steady.up;
    for (let first = 0; first < points.length; first += 4) {
      const doomed = points.slice(first, first + 4).map((crash) => cluster.start({ crash }));
      await Promise.all(doomed.map(({ exited }) => exited));
    }
    const spare = end - Date.now();
    expect(spare).toBeGreaterThan(0);
    const report = await cluster.judge(20_000);
    say({ died: points.length, spare, outcomes: report.outcomes });
    expect(report.violations).toEqual([]);
  } finally {
    await cluster.dispose();
  }
}

/** So many processes, or fewer in a siege of less than a minute, are killed while they run something. What they ran begins elsewhere within the lease and a pass. */
export async function takeOver(store: SharedStoreOptions, most: number): Promise<void> {
  const kills = Math.min(most, Math.ceil((most * seconds) / 60));
  const cluster = new Cluster({ store, drain });
  try {
    const nodes = new Set([0, 1, 2].map(() => cluster.start()));
    await Promise.all([...nodes].map(({ ready }) => ready));
    const { end } = await cluster.give({ count: 30, every: 1_000, lasts: kills * 4_000 });
    for (let kill = 0; kill < kills && Date.now() < end - 5_000; kill += 1) {
      await Promise.all([...nodes].map(({ up }) => up));
      await sleep(500);
      const victim = await busiest(cluster, nodes);
      nodes.delete(victim);
      await cluster.kill(victim);
      nodes.add(cluster.start());
    }
    const report = await cluster.judge(20_000);
    const delays = takeovers(report.entries).map(({ ms }) => ms);
    const killed = report.entries.filter((entry) => entry.kind === 'harm' && entry.what === 'kill').length;
    const worst = Math.max(...delays);
    say({ kills: killed, takenOver: delays.length, worst, lease: store.lease, pollInterval: store.pollInterval });
    expect(report.violations).toEqual([]);
    expect(delays.length).toBeGreaterThan(kills / 2);
    // A pass on a busy machine: the look that finds the run, and the claim.
    expect(worst).toBeLessThan(store.lease + store.pollInterval + 500);
  } finally {
    await cluster.dispose();
  }
}

/** The process that runs the most, once there is one that runs anything: on some stores one process may do nearly all there is to do. */
async function busiest(cluster: Cluster, nodes: ReadonlySet<Node>): Promise<Node> {
  for (;;) {
    const running = runsUnderWay(readJournals(cluster.directory));
    const [most] = [...nodes].sort((a, b) => (running.get(b.pid) ?? 0) - (running.get(a.pid) ?? 0));
    if (most !== undefined && running.has(most.pid)) return most;
    await sleep(50);
  }
}

/** Clocks that are an hour off either way, one that runs fast and one that runs slow, and the two that are set in mid-run. */
export const wrongClocks: readonly Partial<NodeOrders>[] = [
  { skew: 3_600_000 },
  { skew: -3_600_000 },
  { rate: 1.05, step: { after: 5_000, by: 3_600_000 } },
  { rate: 0.95, step: { after: 8_000, by: -3_600_000 } },
];

async function harmed(cluster: Cluster, what: Harm['what'], run: () => Promise<void>): Promise<void> {
  const from = Date.now();
  await run();
  cluster.harm(what, from, Date.now());
}

function say(facts: object): void {
  process.stdout.write(`${JSON.stringify(facts)}\n`);
}

/** A small random generator, so that a seed tells the whole course of what is done. */
function mulberry(from: number): () => number {
  let state = from;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
