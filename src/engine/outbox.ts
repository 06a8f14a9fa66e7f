import type { Finish } from '../core/run.ts';
import type { RunStore, Taken } from '../core/run-store.ts';
import { Failure } from './sent.ts';

/** Ends in one write: many share its cost, and reading the answer to it does not hold up the event loop. */
const BATCH = 500;

/** Who is told how the writing went. */
export interface OutboxHooks<Entry> {
  /** The store has answered for this one; `taken` is false if another process holds the run by now. */
  written(ended: Entry, taken: Taken): void;
  failed(error: unknown): void;
}

/**
 * Writes how runs ended: all that came together while the last write was under way go in one write. After an error they
 * stay, in order, for `flush` to be called again; writing the same end twice is harmless by the store's law.
 */
export class Outbox<Entry extends Finish> {
  readonly #runs: RunStore;
  readonly #hooks: OutboxHooks<Entry>;
  #waiting: Entry[] = [];
  #flushing: Promise<void> | undefined;
  /** What the write under way holds. */
  #inFlight: readonly Entry[] = [];
  /** Ends the waiting for it. */
  #letGo = (): void => {};

  constructor(runs: RunStore, hooks: OutboxHooks<Entry>) {
    this.#runs = runs;
    this.#hooks = hooks;
  }

  /** Ends not in the store yet. */
  get size(): number {
    return this.#waiting.length + this.#inFlight.length;
  }

  push(ended: Entry): void {
    this.#waiting.push(ended);
  }

  /** Resolves once all is written, or a write has failed; synchronous as far as the store is. */
  flush(): Promise<void> | undefined {
    if (this.#flushing !== undefined) return this.#flushing;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      try {
        const answer = this.#runs.finish(batch);
        if (answer instanceof Promise) {
          this.#inFlight = batch;
          this.#flushing = new Promise((resolve) => {
            this.#letGo = resolve;
            void this.#rest(batch, answer).then(resolve, (error: unknown) => {
              this.#hooks.failed(error);
              resolve();
            });
          });
          return this.#flushing;
        }
        this.#tell(batch, answer);
      } catch (error) {
        this.#keep(batch, error);
        return undefined;
      }
    }
    return undefined;
  }

  async #rest(batch: Entry[], answer: Promise<readonly Taken[]>): Promise<void> {
    const taken = await answer.catch((error: unknown) => new Failure(error));
    if (!this.#landed(batch)) return;
    if (taken instanceof Failure) return this.#keep(batch, taken.error);
    this.#tell(batch, taken);
    await this.flush();
  }

  /** The write under way is over; false if it was taken back meanwhile. */
  #landed(batch: readonly Entry[]): boolean {
    if (this.#inFlight !== batch) return false;
    this.#flushing = undefined;
    this.#inFlight = [];
    return true;
  }

  /** Waits no longer for a write that a store left unanswered when it was closed: what it held is written again. */
  takeBack(): void {
    this.#waiting = [...this.#inFlight, ...this.#waiting];
    this.#inFlight = [];
    this.#flushing = undefined;
    this.#letGo();
  }

  #keep(batch: Entry[], error: unknown): void {
    this.#waiting = [...batch, ...this.#waiting];
    this.#hooks.failed(error);
  }

  #tell(batch: readonly Entry[], taken: readonly Taken[]): void {
    let index = 0;
    for (const ended of batch) {
      this.#hooks.written(ended, taken[index] ?? false);
      index += 1;
    }
  }
}
