import type { Executor } from '../core/executor.ts';

/** An executor, and how many runs it has under way. */
export interface Seats {
  readonly executor: Executor;
  readonly capacity: number;
  running: number;
}

/** The executors by name, and how many runs each has under way: executors themselves count nothing. */
export class ExecutorRoom {
  readonly #executors: Map<string, Seats> = new Map();
  /** What `free` said, for as long as it holds: it is asked more often than it changes. */
  #free: ReadonlyMap<string, number> | undefined;
  /** Called when an executor that was full has room again. */
  onRoom: () => void = () => {};

  set(name: string, executor: Executor): void {
    // One of a user's own may leave its capacity out: then it has no limit.
    const capacity: number | undefined = executor.capacity;
    this.#executors.set(name, { executor, capacity: capacity ?? Infinity, running: 0 });
    this.#free = undefined;
  }

  get(name: string): Executor | undefined {
    return this.#executors.get(name)?.executor;
  }

  names(): string[] {
    return [...this.#executors.keys()];
  }

  /** How many more runs each takes now; those that are full are left out. */
  free(): ReadonlyMap<string, number> {
    if (this.#free !== undefined) return this.#free;
    const free = new Map<string, number>();
    for (const [name, { capacity, running }] of this.#executors) if (running < capacity) free.set(name, capacity - running);
    this.#free = free;
    return free;
  }

  /** Where a run of this executor is counted. */
  seats(name: string): Seats | undefined {
    return this.#executors.get(name);
  }

  take(seats: Seats): void {
    seats.running += 1;
    if (seats.capacity !== Infinity) this.#free = undefined;
  }

  leave(seats: Seats): void {
    const wasFull = seats.running >= seats.capacity;
    seats.running -= 1;
    if (seats.capacity !== Infinity) this.#free = undefined;
    if (wasFull) this.onRoom();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#executors.values()].map(({ executor }) => executor.close()));
  }
}
