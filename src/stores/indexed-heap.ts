/** What the heap orders: by `dueAt`, ties by `order`; it notes the place of each item in `position`, -1 when outside. */
export interface HeapItem {
  readonly dueAt: number | undefined;
  readonly order: number;
  position: number;
}

/**
 * A binary min-heap that can remove any item in O(log n), because every item knows its place.
 *
 *     items   [ 0 ][ 1 ][ 2 ][ 3 ][ 4 ] ...      parent of i: (i - 1) >> 1
 *     times   [   ][   ][   ][   ][   ]          children:    2i + 1, 2i + 2
 *     orders  [   ][   ][   ][   ][   ]
 *               |
 *               item.position === 0
 *
 * The keys stand in arrays of their own, so that finding a place touches no item but those that move.
 * An item's `dueAt` must not change while it is inside: remove it, change it, push it.
 */
export class IndexedHeap<T extends HeapItem> {
  readonly #items: T[] = [];
  readonly #times: number[] = [];
  readonly #orders: number[] = [];

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const place = this.#items.length;
    const time = item.dueAt ?? Infinity;
    this.#items.push(item);
    this.#times.push(time);
    this.#orders.push(item.order);
    this.#up(place, item, time);
  }

  pop(): T | undefined {
    const top = this.#items[0];
    if (top !== undefined) this.remove(top);
    return top;
  }

  /** Takes an item out; nothing happens if it is not inside. */
  remove(item: T): void {
    const place = item.position;
    if (place < 0) return;
    item.position = -1;
    const last = this.#items.pop();
    const time = this.#times.pop() ?? Infinity;
    const order = this.#orders.pop() ?? 0;
    if (last === undefined || last === item) return;
    if (place > 0 && this.#isAfter((place - 1) >> 1, time, order)) this.#up(place, last, time);
    else this.#down(place, last, time);
  }

  /** Whether the item at `place` comes after such a key. */
  #isAfter(place: number, time: number, order: number): boolean {
    const other = this.#times[place] as number;
    return other > time || (other === time && (this.#orders[place] as number) > order);
  }

  #up(start: number, item: T, time: number): void {
    const { order } = item;
    let place = start;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (!this.#isAfter(above, time, order)) break;
      this.#move(above, place);
      place = above;
    }
    this.#set(place, item, time);
  }

  #down(start: number, item: T, time: number): void {
    const { order } = item;
    const count = this.#items.length;
    let place = start;
    for (let below = 2 * place + 1; below < count; below = 2 * place + 1) {
      const right = below + 1;
      if (right < count && this.#isAfter(below, this.#times[right] as number, this.#orders[right] as number)) below = right;
      if (this.#isAfter(below, time, order)) break;
      this.#move(below, place);
      place = below;
    }
    this.#set(place, item, time);
  }

  #move(from: number, to: number): void {
    const item = this.#items[from] as T;
    this.#items[to] = item;
    this.#times[to] = this.#times[from] as number;
    this.#orders[to] = this.#orders[from] as number;
    item.position = to;
  }

  #set(place: number, item: T, time: number): void {
    this.#items[place] = item;
    this.#times[place] = time;
    this.#orders[place] = item.order;
    item.position = place;
  }
}
