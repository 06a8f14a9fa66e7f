import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidOptionError } from '../../src/errors.ts';
import { Scheduler } from '../../src/scheduler.ts';
import { LinkedList, type Linked } from '../../src/stores/linked-list.ts';
import { MemoryJobStore } from '../../src/stores/memory.ts';
import { RunHistory } from '../../src/stores/run-history.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';

describe('the memory store', () => {
  test.each([[{ count: -1 }], [{ count: 1.5 }], [{ count: Number.NaN }], [{ age: 0 }], [{ age: -5 }], [{ age: 'long' }]])(
    'refuses keepRuns %j',
    (keepRuns) => {
      expect(() => new MemoryJobStore({ keepRuns })).toThrow(InvalidOptionError);
    },
  );

  test.each([60_000, '1m', { minutes: 1 }])('takes %j for a minute', async (age) => {
    const clock = new VirtualClock({ now: '2030-01-01T00:00:00Z' });
    const scheduler = new Scheduler({ clock, timezone: 'UTC', jobStore: new MemoryJobStore({ keepRuns: { age } }) });
    await scheduler.start();
    await scheduler.addJob(() => undefined, { trigger: 'interval', seconds: 50 });
    await clock.advance('5m');
    expect(await scheduler.getRuns()).toHaveLength(2);
    await scheduler.shutdown();
  });

  test('says that it is not durable, and that nobody else can change it', () => {
    expect(new MemoryJobStore()).toMatchObject({ durable: false, pollInterval: undefined, lease: Infinity });
  });
});

interface Ended {
  readonly finishedAt: number | undefined;
}

describe('the history of runs', () => {
  test('is a ring: the newest so many, whatever came before', () => {
    fc.assert(
      fc.property(fc.nat(12), fc.nat(60), (count, added) => {
        const history = new RunHistory<Ended>({ count, age: undefined });
        const runs = Array.from({ length: added }, (_, finishedAt) => ({ finishedAt }));
        for (const run of runs) history.add(run);
        const kept = [...history.all(added)].map(({ finishedAt }) => finishedAt ?? -1).sort((a, b) => a - b);
        expect(kept).toEqual(runs.slice(Math.max(0, added - count)).map(({ finishedAt }) => finishedAt));
      }),
      { numRuns: 200 },
    );
  });

  test('shows and keeps none that are too old, and goes on as a ring after pruning', () => {
    const history = new RunHistory<Ended>({ count: 4, age: 10 });
    for (const finishedAt of [1, 2, 3, 4, 5, 6]) history.add({ finishedAt });
    const times = (now: number): (number | undefined)[] => [...history.all(now)].map(({ finishedAt }) => finishedAt).sort();
    expect(times(15)).toEqual([5, 6]);
    expect(history.prune(15)).toBe(2);
    expect(history.prune(15)).toBe(0);
    for (const finishedAt of [7, 8, 9]) history.add({ finishedAt });
    expect(times(15)).toEqual([6, 7, 8, 9]);
  });

  test('finds a run', () => {
    const history = new RunHistory<Ended>({ count: 3, age: undefined });
    for (const finishedAt of [1, 2, 3, 4]) history.add({ finishedAt });
    expect(history.find((run) => run.finishedAt === 4)).toEqual({ finishedAt: 4 });
    expect(history.find((run) => run.finishedAt === 1)).toBeUndefined();
  });
});

interface Node extends Linked<Node> {
  readonly name: number;
}

describe('the linked list', () => {
  test('does what a set does, for any adding and deleting', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { maxLength: 60 }), (names) => {
        const list = new LinkedList<Node>();
        const nodes = Array.from({ length: 10 }, (_, name): Node => ({ name, previous: undefined, next: undefined }));
        const set = new Set<Node>();
        for (const name of names) {
          const node = nodes[name];
          if (node === undefined) continue;
          if (set.delete(node)) list.delete(node);
          else {
            set.add(node);
            list.add(node);
          }
          expect([...list]).toEqual([...set]);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('lets the item that a walk just gave be taken out', () => {
    const list = new LinkedList<Node>();
    const nodes = Array.from({ length: 5 }, (_, name): Node => ({ name, previous: undefined, next: undefined }));
    for (const node of nodes) list.add(node);
    const seen: number[] = [];
    for (const node of list) {
      seen.push(node.name);
      list.delete(node);
    }
    expect(seen).toEqual([0, 1, 2, 3, 4]);
    expect([...list]).toEqual([]);
  });
});
