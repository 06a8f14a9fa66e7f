import type { KeepRuns } from '../core/run-store.ts';

/**
 * The runs that are over, newest `count` of them: a ring.
 *
 *     slots   [ 5 ][ 6 ][ 2 ][ 3 ][ 4 ]
 *                        ^ next: the oldest, overwritten by the next one
 */
export class RunHistory<T extends { readonly finishedAt: number | undefined }> {
  readonly #slots: T[] = [];
  readonly #count: number;
  readonly #age: number | undefined;
  #next = 0;

  constructor(keep: KeepRuns) {
    this.#count = keep.count ?? Infinity;
    this.#age = keep.age;
  }

  add(run: T): void {
    if (this.#count === 0) return;
    if (this.#slots.length < this.#count) {
      this.#slots.push(run);
      return;
    }
    this.#slots[this.#next] = run;
    this.#next = (this.#next + 1) % this.#count;
  }

  find(fits: (run: T) => boolean): T | undefined {
    return this.#slots.find(fits);
  }

  /** Those not too old at `now`, in no order. */
  all(now: number): T[] {
    const age = this.#age;
    return age === undefined ? this.#slots : this.#slots.filter((run) => (run.finishedAt ?? now) >= now - age);
  }

  /** Lets go of those too old at `now`; answers how many. */
  prune(now: number): number {
    if (this.#age === undefined) return 0;
    const kept = [...this.#slots.slice(this.#next), ...this.#slots.slice(0, this.#next)].filter(
      (run) => (run.finishedAt ?? now) >= now - (this.#age ?? Infinity),
    );
    const gone = this.#slots.length - kept.length;
    this.#slots.splice(0, this.#slots.length, ...kept);
    this.#next = 0;
    return gone;
  }
}
