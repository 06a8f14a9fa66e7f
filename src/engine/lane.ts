import type { Cancel } from '../core/clock.ts';
import type { Fire } from '../core/job-store.ts';
import type { Finish, RunRecord } from '../core/run.ts';
import type { Taken } from '../core/run-store.ts';
import type { Claimant, Store } from '../core/store.ts';
import type { EngineContext } from './context.ts';
import { Dispatch } from './dispatch.ts';
import { earlier } from './earlier.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { LeftJobs } from './left-jobs.ts';
import { Outbox } from './outbox.ts';
import { Parking } from './parking.ts';
import { RunsUnderWay } from './run-job.ts';
import { Slice } from './slice.ts';
import { type StoreCalls, storeCalls } from './store-calls.ts';
import { StoreDoor } from './store-door.ts';
import { StoreTime } from './store-time.ts';
import { Trouble } from './trouble.ts';
import type { EndedRun } from './verdict.ts';

const PRUNE_EVERY = 30_000;
/** When to look again for runs that are due and that others hold just now, in milliseconds. */
const HELD_BY_OTHERS = 100;
/** Where nothing is due within so many milliseconds, every other look at a shared store is left out. */
const NEAR = 60_000;

/** How a store is doing. */
export interface LaneHealth {
  readonly ok: boolean;
  readonly lastPass: number | undefined;
  readonly nextLook: number | undefined;
  readonly lastError: Error | undefined;
  readonly unwritten: number;
}

/** What a lane is told by its scheduler. */
export interface LaneOptions {
  /** Who claims, among all processes. */
  readonly owner: string;
  /** Sets the timer again: `nextLook` has changed. */
  rearm(): void;
  /** Whether runs may begin. */
  isStarted(): boolean;
}

/**
 * One store and the scheduler's dealings with it: passes, leases, and the writing of results. A pass is one look: what waits and is
 * due is claimed, what is due is planned and fired, what was won is started, until nothing more is due or there is no room.
 */
export class Lane {
  readonly alias: string;
  readonly store: Store;
  /** The store as callers outside passes ask it. */
  readonly calls: StoreCalls;
  readonly runs: RunsUnderWay;
  readonly #engine: EngineContext;
  readonly #claimant: Claimant;
  readonly #time: StoreTime;
  readonly #trouble: Trouble;
  readonly #outbox: Outbox<EndedRun>;
  readonly #leases: LeaseKeeper;
  readonly #parking: Parking;
  readonly #slice: Slice;
  readonly #dispatch: Dispatch;
  readonly #door: StoreDoor;
  readonly #rearm: () => void;
  readonly #isStarted: () => boolean;
  /** Told after each run that ended, after each end that was written, and after each pass and step outside of one. */
  onEnded: (() => void) | undefined;
  /** When to look next, by this process's clock; `undefined` while there is nothing to wait for. */
  nextLook: number | undefined;
  /** Whether passes are made; results are written all the same. */
  #looking = false;
  #passing = false;
  /** Steps outside a pass that the store has not answered for. */
  #firing = 0;
  /** Called once nothing that claims is under way. */
  #claimed: (() => void) | undefined;
  #again = false;
  /** The earliest look asked for during a pass: the pass may have asked the store before that was there to see. */
  #wanted: number | undefined;
  #lastPass: number | undefined;
  #lastPrune: number | undefined;
  #flushAsked = false;
  #retry: Cancel | undefined;
  #unwatch: Cancel | undefined;

  constructor(alias: string, store: Store, engine: EngineContext, options: LaneOptions) {
    this.alias = alias;
    this.store = store;
    this.calls = storeCalls(store, alias);
    this.#engine = engine;
    this.#rearm = options.rearm;
    this.#isStarted = options.isStarted;
    this.#time = new StoreTime(engine.clock, store.durable);
    this.#trouble = new Trouble(engine, alias);
    this.#claimant = { owner: options.owner, lease: store.lease };
    this.#outbox = new Outbox(store.runs, {
      written: (ended, taken) => this.runs.written(ended, taken),
      failed: (error) => this.#writeFailed(error),
    });
    this.runs = new RunsUnderWay({
      engine,
      jobStore: alias,
      durable: store.durable,
      outbox: this.#outbox,
      storeNow: () => this.#time.now(),
      park: (claimed, reason) => void this.#parking.parkLater(claimed, reason),
      flushSoon: () => this.#flushSoon(),
      settled: (finish, taken) => this.#settled(finish, taken),
    });
    this.#parking = new Parking(store.jobs, engine, { jobStore: alias, failed: (operation, error) => this.#failed(operation, error) });
    this.#leases = new LeaseKeeper(store, engine.clock, this.#claimant, {
      holds: () => this.runs.size > 0 || this.#outbox.size > 0,
      takeProgress: () => this.runs.takeProgress(),
      cancelled: (ids) => void this.runs.abort('cancel', 'it was cancelled', (active) => ids.includes(active.runId)),
      lost: (ids) => void this.runs.abort('lost-lease', 'its lease was lost', (active) => ids.includes(active.runId)),
      expired: () => void this.runs.abort('lost-lease', 'its lease ran out while this process stood still'),
      failed: (error) => this.#failed('heartbeat', error),
    });
    this.#slice = new Slice(engine.clock);
    this.#dispatch = new Dispatch({
      engine,
      store,
      claimant: this.#claimant,
      leases: this.#leases,
      outbox: this.#outbox,
      parking: this.#parking,
      runs: this.runs,
      slice: this.#slice,
      time: this.#time,
      isLooking: () => this.#looking,
    });
    this.#door = new StoreDoor(
      engine,
      { alias, store, calls: this.calls },
      {
        ended: (run) => this.runs.tellEnded(run, { outcome: run.outcome, reason: run.reason }),
        learnTime: (now) => this.#time.note(now),
        opened: () => this.#opened(),
        finishUp: (isLate) => this.#finishUp(isLate),
        leave: () => this.#leave(),
        closed: () => this.#closed(),
      },
    );
  }

  get claimant(): Claimant {
    return this.#claimant;
  }

  /** The store's time, as of the last look. */
  storeNow(): number {
    return this.#time.now();
  }

  get isOpen(): boolean {
    return this.#door.isOpen;
  }

  /** Whether it is open, or about to be. */
  get isHeld(): boolean {
    return this.#door.isHeld;
  }

  /** Whether its scheduler is started, so that runs may begin. */
  get isStarted(): boolean {
    return this.#isStarted();
  }

  open(): Promise<void> {
    return this.#door.open();
  }

  /** What the last stop could not write comes first: to a pass, runs that are over by now would be those of a dead process. */
  async #opened(): Promise<void> {
    this.#unwatch = this.store.watch((time) => this.wake(time));
    await this.flush();
  }

  /** Passes are made from now on. */
  begin(): void {
    this.#looking = true;
    this.wake();
  }

  /** No pass is begun from now on. */
  cease(): void {
    this.#looking = false;
    this.nextLook = undefined;
  }

  /** After `cease`, once nothing runs. */
  close(end: number): Promise<void> {
    return this.#door.close(end);
  }

  async #finishUp(isLate: () => boolean): Promise<void> {
    // What has been claimed by now is given back.
    if (this.isClaiming) await new Promise<void>((resolve) => (this.#claimed = resolve));
    if (!isLate()) await this.flush();
    if (isLate()) return;
    await this.runs.release(async (id) => (await this.store.runs.list({ id, limit: 1 })).runs[0]);
  }

  #leave(): void {
    this.#retry?.();
    this.#retry = undefined;
    this.#leases.stop();
    this.#unwatch?.();
  }

  #closed(): number {
    this.#outbox.takeBack();
    return this.#outbox.size;
  }

  /** Look at this time of the store at the latest; now, if none is given. */
  wake(time?: number): void {
    if (!this.#looking) return;
    const local = time === undefined ? this.#engine.clock.now() : this.#time.here(time);
    if (this.#passing) {
      if (local <= this.#engine.clock.now()) this.#again = true;
      else this.#wanted = earlier(this.#wanted, local);
      return;
    }
    if (this.nextLook !== undefined && this.nextLook <= local) return;
    this.nextLook = local;
    this.#rearm();
  }

  /** One look; a wake-up that comes during it makes for another. */
  async pass(): Promise<void> {
    if (this.#passing || !this.#looking) return;
    this.#passing = true;
    // What it was armed for is being looked after: until the pass knows the next moment, there is nothing to wake for.
    this.nextLook = undefined;
    const release = this.#engine.clock.hold?.();
    this.#leases.check();
    this.#slice.begin();
    try {
      do {
        this.#again = false;
        await this.#look();
      } while (this.#again && this.#looking);
      this.#recovered();
      await this.#pruneSometimes();
    } catch (error) {
      this.#failed('pass', error);
    } finally {
      this.#passing = false;
      if (this.#looking) this.nextLook = earlier(this.nextLook, this.#again ? this.#engine.clock.now() : this.#wanted);
      this.#again = false;
      this.#wanted = undefined;
      this.#lastPass = this.#engine.clock.now();
      release?.();
      this.#rearm();
      this.#hasClaimed();
    }
  }

  /** Whether a pass is under way, or a step outside of one: either may yet begin runs. */
  get isClaiming(): boolean {
    return this.#passing || this.#firing > 0;
  }

  #hasClaimed(): void {
    if (!this.isClaiming) {
      this.#claimed?.();
      this.#claimed = undefined;
    }
    this.onEnded?.();
  }

  /** Resolves once every end that is known has been written, or a write has failed. */
  async flush(): Promise<void> {
    await this.#outbox.flush();
  }

  /** Ends not written yet. */
  get unwritten(): number {
    return this.#outbox.size;
  }

  health(): LaneHealth {
    return {
      ok: this.#trouble.failures === 0,
      lastPass: this.#lastPass,
      nextLook: this.nextLook,
      lastError: this.#trouble.lastError,
      unwritten: this.#outbox.size,
    };
  }

  /**
   * Fires one step outside a pass, and starts what it won, unless the scheduler was stopped meanwhile; answers with the rows it
   * recorded, or `undefined` if it was refused.
   */
  async fireNow(fire: Fire): Promise<readonly RunRecord[] | undefined> {
    const claiming = this.#leases.begin();
    this.#firing += 1;
    let rows: readonly RunRecord[];
    try {
      const [fired] = await this.calls.jobs.fire([fire], this.#claimant);
      if (fired === undefined || !fired.won) return undefined;
      rows = this.#dispatch.rowsOf(fire);
      this.#dispatch.take(fire);
      const lost = await this.#leases.confirm(claiming);
      for (const claimed of fired.started)
        if (this.#isStarted()) this.#dispatch.beginOrGiveBack(claimed, claiming, lost);
        else this.runs.giveBack(claimed);
    } finally {
      this.#leases.end();
      this.#firing -= 1;
      this.#hasClaimed();
    }
    this.#flushSoon();
    if (fire.dueAt !== undefined) this.wake(fire.dueAt);
    if (fire.runs.some((run) => run.outcome === 'waiting')) this.wake();
    return rows;
  }

  /** Due jobs with a kind of trigger that is not registered here, and why they were left. */
  leftJobs(): { readonly jobId: string; readonly reason: string }[] {
    return this.#dispatch.left.named((job) => void this.#engine.revive(job.trigger));
  }

  async #look(): Promise<void> {
    const { jobs } = this.store;
    // Until then all that is due was seen, and is for others to decide.
    let jobsAfter: number | undefined;
    for (;;) {
      const room = this.#dispatch.room();
      if (room.executors.size === 0 || !this.#looking) {
        this.nextLook = undefined;
        return;
      }
      const answer = jobs.nextDue(jobsAfter === undefined ? room : { ...room, jobsAfter });
      const next = answer instanceof Promise ? await answer : answer;
      this.#time.note(next.now);
      const runsDue = next.runs !== undefined && next.runs <= next.now;
      const jobsDue = next.jobs !== undefined && next.jobs <= next.now && (jobsAfter === undefined || next.jobs > jobsAfter);
      if (!jobsDue && jobsAfter === undefined) this.#dispatch.left = new LeftJobs();
      const claimed = runsDue && (await this.#dispatch.claim(room));
      const fired = jobsDue && (await this.#dispatch.fireDue(runsDue ? this.#dispatch.room() : room));
      if (claimed || fired) {
        jobsAfter = undefined;
        continue;
      }
      if (jobsDue) {
        jobsAfter = next.now;
        continue;
      }
      // What is due and was not to be had is in the hands of others: theirs to decide, or held just now.
      const soon = runsDue ? next.now + HELD_BY_OTHERS : next.runs;
      const isAhead = next.jobs !== undefined && (jobsAfter === undefined || next.jobs > jobsAfter);
      this.#lookAgainAt(earlier(isAhead ? next.jobs : undefined, soon));
      return;
    }
  }

  #lookAgainAt(due: number | undefined): void {
    const { pollInterval } = this.store;
    const now = this.#engine.clock.now();
    const next = due === undefined ? undefined : this.#time.here(due);
    const isNear = next !== undefined && next - now <= NEAR;
    const poll = pollInterval === undefined ? undefined : now + (isNear ? pollInterval : 2 * pollInterval);
    this.nextLook = earlier(next, poll);
  }

  #flushSoon(): void {
    if (this.#flushAsked) return;
    this.#flushAsked = true;
    const release = this.#engine.clock.hold?.();
    queueMicrotask(() => {
      this.#flushAsked = false;
      const flushing = this.#outbox.flush();
      const done = (): void => {
        release?.();
        this.onEnded?.();
      };
      if (flushing === undefined) return done();
      // The run is over, however long the store takes to hear of it.
      this.onEnded?.();
      void flushing.finally(done);
    });
  }

  /** After an end was written: what its job had waiting may go on. */
  #settled(finish: Finish, taken: Taken): void {
    this.onEnded?.();
    if (this.#retry !== undefined && this.#outbox.size === 0) this.#recovered();
    if (finish.outcome === 'waiting' && taken === true) this.wake(finish.dueAt);
    // Only the store knows whether anything waited for this; ask it where that can be.
    else if (this.store.durable && finish.outcome !== 'missed' && finish.outcome !== 'skipped') this.wake();
  }

  async #pruneSometimes(): Promise<void> {
    const now = this.#engine.clock.monotonic();
    if (this.#lastPrune !== undefined && now - this.#lastPrune < PRUNE_EVERY) return;
    this.#lastPrune = now;
    await this.store.runs.prune();
  }

  #writeFailed(error: unknown): void {
    this.#failed('finish', error);
    this.#retry?.();
    // A store that was let go is written to when it is opened again.
    if (!this.isOpen) return;
    this.#retry = this.#engine.clock.wakeAfter(this.#trouble.backoff, () => {
      this.#retry = undefined;
      void this.flush();
    });
  }

  /** A call outside a pass failed. */
  noteFailure(operation: string, error: unknown): void {
    this.#failed(operation, error);
  }

  #failed(operation: string, error: unknown): void {
    this.#trouble.note(operation, error);
    if (this.#looking) this.nextLook = this.#engine.clock.now() + this.#trouble.backoff;
    if (!this.#passing) this.#rearm();
  }

  #recovered(): void {
    if (this.#trouble.end() && this.#outbox.size > 0) void this.flush();
  }
}
