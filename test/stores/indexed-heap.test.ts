import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type HeapItem, IndexedHeap, OUTSIDE } from '../../src/stores/indexed-heap.ts';

interface Item extends HeapItem<Item> {
  dueAt: number | undefined;
}

function item(order: number, dueAt: number | undefined): Item {
  return { order, dueAt, position: OUTSIDE, before: undefined, after: undefined };
}

function before(a: Item, b: Item): number {
  return (a.dueAt ?? Infinity) - (b.dueAt ?? Infinity) || a.order - b.order;
}

describe('the indexed heap', () => {
  test('gives the earliest first, ties in the order of their number', () => {
    const heap = new IndexedHeap<Item>();
    for (const [order, dueAt] of [
      [1, 5],
      [2, 3],
      [3, 5],
      [4, 1],
      [5, 3],
    ] as const)
      heap.push(item(order, dueAt));
    const orders = Array.from({ length: 5 }, () => heap.pop()?.order);
    expect(orders).toEqual([4, 2, 5, 1, 3]);
    expect([heap.pop(), heap.peek(), heap.size]).toEqual([undefined, undefined, 0]);
  });

  test('removes any item, once, and forgets its place', () => {
    const heap = new IndexedHeap<Item>();
    const items = [7, 3, 9, 1].map((dueAt, order) => item(order, dueAt));
    for (const each of items) heap.push(each);
    const [, three] = items;
    if (three === undefined) throw new Error('no item');
    heap.remove(three);
    heap.remove(three);
    expect([heap.size, three.position]).toEqual([3, OUTSIDE]);
    expect([heap.pop()?.dueAt, heap.pop()?.dueAt, heap.pop()?.dueAt]).toEqual([1, 7, 9]);
  });

  test('keeps its order while it gives back the memory of a bigger time', () => {
    const heap = new IndexedHeap<Item>();
    const items = Array.from({ length: 5_000 }, (_, order) => item(order, (order * 7_919) % 5_003));
    for (const each of items) heap.push(each);
    const gone = items.filter((_, index) => index % 50 !== 0);
    for (const each of gone) heap.remove(each);
    const left = items.filter((_, index) => index % 50 === 0).sort(before);
    expect(heap.size).toBe(left.length);
    expect(left.map(() => heap.pop())).toEqual(left);
    heap.push(item(1, 1));
    expect(heap.pop()?.order).toBe(1);
  });

  test('does what a sorted list does, for any pushes, pops and removals', () => {
    const operations = fc.array(
      fc.oneof(
        {
          arbitrary: fc.record({ do: fc.constant('push' as const), dueAt: fc.integer({ min: 0, max: 20 }), old: fc.boolean() }),
          weight: 3,
        },
        { arbitrary: fc.record({ do: fc.constant('pop' as const) }), weight: 1 },
        { arbitrary: fc.record({ do: fc.constant('remove' as const), index: fc.nat(100) }), weight: 1 },
      ),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(operations, (list) => {
        const heap = new IndexedHeap<Item>();
        let sorted: Item[] = [];
        for (const [order, operation] of list.entries()) {
          if (operation.do === 'push') {
            // Some come back with a number from before, as a recurring job does.
            const made = item(operation.old ? -order : order, operation.dueAt);
            heap.push(made);
            sorted = [...sorted, made].sort(before);
          } else if (operation.do === 'pop') {
            expect(heap.pop()).toBe(sorted.shift());
          } else {
            const chosen = sorted[operation.index % Math.max(1, sorted.length)];
            if (chosen === undefined) continue;
            heap.remove(chosen);
            expect([chosen.position, chosen.before, chosen.after]).toEqual([OUTSIDE, undefined, undefined]);
            sorted = sorted.filter((each) => each !== chosen);
          }
          expect(heap.peek()).toBe(sorted[0]);
          expect(heap.size).toBe(sorted.length);
        }
        // Each item knows its place, or stands in the ring of one that does: no two share one, and none is outside.
        const places = sorted
          .map((each) => each.position)
          .filter((place) => place >= 0)
          .sort((a, b) => a - b);
        expect(places).toEqual(places.map((_, index) => index));
        for (const each of sorted) expect(each.position >= 0 || each.before?.dueAt === each.dueAt).toBe(true);
        while (sorted.length > 0) expect(heap.pop()).toBe(sorted.shift());
      }),
      { numRuns: 500 },
    );
  });
});
