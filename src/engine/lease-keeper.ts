import type { Cancel, Clock } from '../core/clock.ts';
import type { RunStore } from '../core/run-store.ts';
import type { Claimant } from '../core/store.ts';

/** The part of a store that keeps claims. */
export interface LeaseStore {
  readonly durable: boolean;
  readonly runs: Pick<RunStore, 'heartbeat'>;
}

/** What the keeper asks of the runs it keeps. */
export interface Leased {
  /** Whether anything is held that must stay ours. */
  holds(): boolean;
  /** What was said of progress since the last call. */
  takeProgress(): ReadonlyMap<string, unknown>;
  cancelled(ids: readonly string[]): void;
  lost(ids: readonly string[]): void;
  /** The lease ran out unseen: nothing that is held can be trusted to be ours. */
  expired(): void;
  failed(error: unknown): void;
}

/** One call that claims, from when it is made until its runs have begun. */
export interface Claiming {
  /** A lease that runs out ends it. */
  readonly term: number;
  /** When it was made, on the monotonic hand. */
  readonly since: number;
}

/** Ids of runs that are no longer ours; `undefined` where the store did not say. */
export type Lost = readonly string[] | undefined;

const NONE: Lost = Object.freeze([]);

/**
 * Prolongs the claims of this process, three times in each lease. Trust in them ends one lease after the *start* of the last heartbeat
 * that succeeded, on whichever hand of the clock moved more: a process that was frozen, or a machine that slept,
 * finds out at its first timer and says so before it does anything else.
 */
export class LeaseKeeper {
  readonly #store: LeaseStore;
  readonly #clock: Clock;
  readonly #claimant: Claimant;
  readonly #leased: Leased;
  #cancel: Cancel | undefined;
  /** Claims asked for whose runs have not begun: they have to be kept too. */
  #claiming = 0;
  #term = 0;
  #beating: Promise<Lost> | undefined;
  #renewed = 0;
  #renewedWall = 0;

  constructor(store: LeaseStore, clock: Clock, claimant: Claimant, leased: Leased) {
    this.#store = store;
    this.#clock = clock;
    this.#claimant = claimant;
    this.#leased = leased;
  }

  /** Said before something is claimed. */
  begin(): Claiming {
    const since = this.#clock.monotonic();
    if (!this.#store.durable) return { term: this.#term, since };
    this.#claiming += 1;
    if (this.#cancel === undefined) {
      this.#note(since, this.#clock.now());
      this.#arm();
    }
    return { term: this.#term, since };
  }

  /**
   * Said when the answer has come; answers with what of it was lost by then. A claim counts from when the store made it, which can be when
   * it was asked for: no heartbeat before the answer knew of it, and the next may come too late for one that was long under way.
   * Such a one is prolonged first.
   */
  confirm(claiming: Claiming): Promise<Lost> | Lost {
    if (!this.#store.durable || this.#clock.monotonic() - claiming.since <= this.#claimant.lease / 3) return NONE;
    return this.#beatAfter(this.#beating);
  }

  /** Whether what was claimed can still be ours, or this process stood still for longer than its lease since. */
  stands({ term }: Claiming): boolean {
    this.check();
    return term === this.#term;
  }

  /** Said once what was claimed has begun, or the claim has failed. */
  end(): void {
    if (this.#store.durable) this.#claiming -= 1;
  }

  /** No heartbeat from now on; one that a store has not answered is waited for no longer, nor is a claim. */
  stop(): void {
    this.#term += 1;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#beating = undefined;
  }

  /** True if the lease has run out since the last heartbeat; says so to the runs. */
  check(): boolean {
    if (this.#cancel === undefined) return false;
    const passed = Math.max(this.#clock.monotonic() - this.#renewed, this.#clock.now() - this.#renewedWall);
    if (passed <= this.#claimant.lease) return false;
    this.#term += 1;
    // Said once: what is claimed from now on has a lease of its own.
    this.#note(this.#clock.monotonic(), this.#clock.now());
    this.#leased.expired();
    return true;
  }

  #note(monotonic: number, wall: number): void {
    this.#renewed = monotonic;
    this.#renewedWall = wall;
  }

  /** Wakes three times in each lease, and at the moment at which it runs out. */
  #arm(): void {
    const { lease } = this.#claimant;
    const left = this.#renewed + lease + 1 - this.#clock.monotonic();
    this.#cancel = this.#clock.wakeAfter(Math.max(1, Math.min(lease / 3, left)), () => this.#woken());
  }

  /** Goes on beside a heartbeat that is not answered: the lease runs out all the same. */
  #woken(): void {
    this.check();
    if (!this.#leased.holds() && this.#claiming === 0) {
      this.#cancel = undefined;
      return;
    }
    this.#arm();
    void this.#beatOnce();
  }

  /** One that is under way was sent too early. */
  async #beatAfter(earlier: Promise<Lost> | undefined): Promise<Lost> {
    await earlier;
    return this.#beatOnce();
  }

  #beatOnce(): Promise<Lost> {
    if (this.#beating !== undefined) return this.#beating;
    const beating = this.#beat().finally(() => {
      if (this.#beating === beating) this.#beating = undefined;
    });
    this.#beating = beating;
    return beating;
  }

  async #beat(): Promise<Lost> {
    const monotonic = this.#clock.monotonic();
    const wall = this.#clock.now();
    try {
      const pulse = await this.#store.runs.heartbeat(this.#claimant, this.#leased.takeProgress());
      if (monotonic > this.#renewed) this.#note(monotonic, wall);
      if (pulse.lost.length > 0) this.#leased.lost(pulse.lost);
      if (pulse.cancel.length > 0) this.#leased.cancelled(pulse.cancel);
      return pulse.lost;
    } catch (error) {
      this.#leased.failed(error);
      return undefined;
    }
  }
}
