import { afterAll, describe, expect, test } from 'vitest';
import { Cluster, sleep } from '../nemesis/cluster.ts';
import { places } from './replicas.ts';

const lease = 1_000;

/**
 * Three processes share the store; one is killed, one is frozen past its lease, one is told to stop, and another comes in their place.
 * No two of their clocks run equally fast.
 */
async function survives(url: string): Promise<void> {
  const cluster = new Cluster({ store: { url, lease, pollInterval: 100 }, drain: 1_000 });
  try {
    const [first, second, third] = [1, 1.05, 0.95].map((rate) => cluster.start({ oneShotEvery: 150, rate }));
    if (first === undefined || second === undefined || third === undefined) throw new Error('three were started');
    await Promise.all([first.ready, second.ready, third.ready]);
    const { start } = await cluster.give({ count: 40, every: 500, lasts: 3_000 });
    await Promise.all([first.up, second.up, third.up]);
    await sleep(start + 300 - Date.now());
    await cluster.kill(first);
    const replacement = cluster.start({ rate: 1.1 });
    await cluster.freeze(second, 2 * lease);
    await replacement.up;
    const drained = cluster.term(third);
    // The rest of the suite runs beside this; on a machine of its own, test/nemesis allows one second.
    expect(await drained).toBeLessThan(cluster.drain + 3_000);
    const { violations, outcomes } = await cluster.judge(15_000);
    expect(violations).toEqual([]);
    expect(outcomes['succeeded']).toBeGreaterThan(40);
  } finally {
    await cluster.dispose();
  }
}

const found = await places();
afterAll(async () => {
  for (const place of found) await place.stop();
});

describe('processes that are killed, frozen and stopped', () => {
  test.concurrent.each(found)('lose nothing and run nothing twice on $name', ({ url }) => survives(url), 60_000);
});
