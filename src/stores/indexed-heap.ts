/** What the heap orders: by `dueAt`, ties by `order`. The rest is the heap's own: where it has put the item. */
export interface HeapItem<T> {
  readonly dueAt: number | undefined;
  readonly order: number;
  /** Its place in the heap; {@link OUTSIDE}, or {@link QUEUED} behind one that has a place. */
  position: number;
  /** Its neighbours in the ring of those due at the same time. */
  before: T | undefined;
  after: T | undefined;
}

/** The `position` of an item that is in no heap. */
export const OUTSIDE = -1;
const QUEUED = -2;
/** So few places are not worth giving back. */
const SMALL = 1024;

/**
 * A binary min-heap that can remove any item in O(log n), because every item knows its place. Those that are due at the same time stand
 * in one place, in a ring whose first has it: schedules meet at round times, and there a step costs no more than in a list.
 *
 *     items   [ 0 ][ 1 ][ 2 ][ 3 ][ 4 ] ...      parent of i: (i - 1) >> 1
 *     times   [   ][   ][   ][   ][   ]          children:    2i + 1, 2i + 2
 *               |    |
 *               |    item -> after -> after -> item
 *               item.position === 0
 *
 * The times stand in an array of their own, so that finding a place touches no item but those that move, and those with the same time.
 * An item's `dueAt` must not change while it is inside: remove it, change it, push it.
 */
export class IndexedHeap<T extends HeapItem<T>> {
  #items: T[] = [];
  #times: number[] = [];
  /** The most places there were since memory was last given back. */
  #peak = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const time = item.dueAt ?? Infinity;
    const { order } = item;
    this.#size += 1;
    let place = this.#items.length;
    for (let above = (place - 1) >> 1; place > 0; above = (place - 1) >> 1) {
      if (this.#times[above] === time && this.#queue(item, this.#items[above] as T)) return;
      if (!this.#isAfter(above, time, order)) break;
      place = above;
    }
    if (this.#items.length >= this.#peak) this.#peak = this.#items.length + 1;
    // Two places may have the same time, where neither came by the other; their order decides.
    this.#makeWay(place);
    this.#set(place, item, time);
  }

  pop(): T | undefined {
    const top = this.#items[0];
    if (top !== undefined) this.remove(top);
    return top;
  }

  /** Takes an item out; nothing happens if it is not inside. */
  remove(item: T): void {
    const place = item.position;
    if (place === OUTSIDE) return;
    this.#size -= 1;
    item.position = OUTSIDE;
    const { after } = item;
    if (after !== undefined) {
      leaveRing(item, after);
      if (place >= 0) this.#down(place, after, this.#times[place] as number);
      return;
    }
    const last = this.#items.pop();
    const time = this.#times.pop() ?? Infinity;
    if (this.#items.length * 4 < this.#peak && this.#peak > SMALL) this.#shrink();
    if (last === undefined || last === item) return;
    if (place > 0 && this.#isAfter((place - 1) >> 1, time, last.order)) this.#up(place, last, time);
    else this.#down(place, last, time);
  }

  /** An array keeps the memory of its longest time; a copy has what it needs. */
  #shrink(): void {
    this.#items = this.#items.slice();
    this.#times = this.#times.slice();
    this.#peak = this.#items.length;
  }

  /** Puts an item last in the ring of another, if it comes after all there; answers whether it did. */
  #queue(item: T, first: T): boolean {
    const last = first.before ?? first;
    if (last.order > item.order) return false;
    item.position = QUEUED;
    item.before = last;
    item.after = first;
    last.after = item;
    first.before = item;
    return true;
  }

  /** Whether the item at `place` comes after such a key. */
  #isAfter(place: number, time: number, order: number): boolean {
    const other = this.#times[place] as number;
    return other > time || (other === time && (this.#items[place] as T).order > order);
  }

  /** Moves all between `place` and the new end one step down, so that `place` is free. */
  #makeWay(place: number): void {
    for (let below = this.#items.length; below > place; ) {
      const above = (below - 1) >> 1;
      this.#move(above, below);
      below = above;
    }
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
      if (right < count && this.#isAfter(below, this.#times[right] as number, (this.#items[right] as T).order)) below = right;
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
    item.position = to;
  }

  #set(place: number, item: T, time: number): void {
    this.#items[place] = item;
    this.#times[place] = time;
    item.position = place;
  }
}

function leaveRing<T extends HeapItem<T>>(item: T, after: T): void {
  const before = item.before as T;
  if (before === after) {
    after.before = undefined;
    after.after = undefined;
  } else {
    before.after = after;
    after.before = before;
  }
  item.before = undefined;
  item.after = undefined;
}
