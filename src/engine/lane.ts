import type { Cancel } from '../core/clock.ts';
import type { Fire } from '../core/job-store.ts';
import type { ClaimedRun, Finish, RunRecord } from '../core/run.ts';
import type { Claimant, Room, Store } from '../core/store.ts';
import type { EngineContext } from './context.ts';
import { decide } from './decide.ts';
import { earlier } from './earlier.ts';
import { Failure, inParts } from './in-parts.ts';
import { inTime } from './in-time.ts';
import { type Claiming, LeaseKeeper, type Lost } from './lease-keeper.ts';
import { LeftJobs } from './left-jobs.ts';
import { Outbox } from './outbox.ts';
import { Parking } from './parking.ts';
import { rowOf } from './planned-row.ts';
import { RunsUnderWay } from './run-job.ts';
import { failed, type StoreCalls, storeCalls } from './store-calls.ts';
import { StoreTime } from './store-time.ts';
import { Trouble } from './trouble.ts';
import type { EndedRun } from './verdict.ts';

/** Rows in one step: small where steps are cheap, so that a big burst gives way often; large where each costs a round trip. */
const MEMORY_BATCH = 64;
const DURABLE_BATCH = 500;
/** Of these, so many are decided in one step of the store. */
const DURABLE_STEP = 250;
/** The longest the loop works without giving way, in milliseconds. */
const SLICE = 6;
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
  readonly #rearm: () => void;
  /** Told after each run that ended, after each end that was written, and after each pass. */
  onEnded: (() => void) | undefined;
  /** When to look next, by this process's clock; `undefined` while there is nothing to wait for. */
  nextLook: number | undefined;
  /** Whether passes are made; results are written all the same. */
  #looking = false;
  #isOpen = false;
  #opening: Promise<void> | undefined;
  #passing = false;
  #again = false;
  /** The earliest look asked for during a pass: the pass may have asked the store before that was there to see. */
  #wanted: number | undefined;
  #lastPass: number | undefined;
  #lastPrune: number | undefined;
  #sliceBegan = 0;
  #flushAsked = false;
  #retry: Cancel | undefined;
  #unwatch: Cancel | undefined;
  /** What is due and waits for processes that know more than this one, as of the last look. */
  #left: LeftJobs = new LeftJobs();

  constructor(alias: string, store: Store, engine: EngineContext, options: { owner: string; rearm: () => void }) {
    this.alias = alias;
    this.store = store;
    this.calls = storeCalls(store, alias);
    this.#engine = engine;
    this.#rearm = options.rearm;
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
      settled: (finish) => this.#settled(finish),
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
  }

  get claimant(): Claimant {
    return this.#claimant;
  }

  /** The store's time, as of the last look. */
  storeNow(): number {
    return this.#time.now();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Opens the store, once however many ask for it at the same time. */
  open(): Promise<void> {
    this.#opening ??= this.#open().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async #open(): Promise<void> {
    if (this.#isOpen) return;
    try {
      await this.store.open({
        alias: this.alias,
        clock: this.#engine.clock,
        logger: this.#engine.logger,
        ended: (run) => this.runs.tellEnded(run, { outcome: run.outcome, reason: run.reason }),
      });
      // Jobs are placed in time by the store's clock, also before the first look.
      if (this.store.durable) this.#time.note((await this.store.jobs.nextDue({ executors: new Map(), tasks: [], limit: 1 })).now);
    } catch (error) {
      failed(this.alias, 'open', error);
    }
    this.#unwatch = this.store.watch((time) => this.wake(time));
    this.#isOpen = true;
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

  /**
   * After `cease`, once nothing runs: writes what is left and lets go of the store. A store that has not answered by `end`, on the monotonic
   * clock, is left to itself: it may be behind a network that swallows all.
   */
  async close(end: number): Promise<void> {
    const { clock, logger } = this.#engine;
    let answered = false;
    try {
      answered = await inTime(clock, end, this.#finishUp());
    } finally {
      this.#retry?.();
      this.#retry = undefined;
      this.#leases.stop();
      this.#unwatch?.();
      this.#isOpen = false;
      const closed = await inTime(clock, end, Promise.resolve(this.calls.close()));
      const unwritten = this.#outbox.size;
      if (!answered || !closed || unwritten > 0)
        logger.warn(
          { jobStore: this.alias, unwritten },
          'a job store did not take all at the shutdown: runs that are over and not written are taken over when their lease runs out',
        );
    }
  }

  async #finishUp(): Promise<void> {
    await this.flush();
    await this.runs.release(async (id) => (await this.store.runs.list({ id, limit: 1 })).runs[0]);
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
    this.#sliceBegan = this.#engine.clock.monotonic();
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
      this.onEnded?.();
    }
  }

  /** Whether a pass is under way. */
  get isPassing(): boolean {
    return this.#passing;
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

  /** Fires one step outside a pass, and starts what it won; answers with the rows it recorded, or `undefined` if it was refused. */
  async fireNow(fire: Fire): Promise<readonly RunRecord[] | undefined> {
    const claiming = this.#leases.begin();
    let rows: readonly RunRecord[];
    try {
      const [fired] = await this.calls.jobs.fire([fire], this.#claimant);
      if (fired === undefined || !fired.won) return undefined;
      rows = this.#rowsOf(fire);
      this.#take(fire);
      const lost = await this.#leases.confirm(claiming);
      for (const claimed of fired.started) this.#beginOrGiveBack(claimed, claiming, lost);
    } finally {
      this.#leases.end();
    }
    this.#flushSoon();
    if (fire.dueAt !== undefined) this.wake(fire.dueAt);
    if (fire.runs.some((run) => run.outcome === 'waiting')) this.wake();
    return rows;
  }

  async #look(): Promise<void> {
    const { jobs } = this.store;
    // Until then all that is due was seen, and is for others to decide.
    let jobsAfter: number | undefined;
    for (;;) {
      const room = this.#room();
      if (room.executors.size === 0 || !this.#looking) {
        this.nextLook = undefined;
        return;
      }
      const answer = jobs.nextDue(jobsAfter === undefined ? room : { ...room, jobsAfter });
      const next = answer instanceof Promise ? await answer : answer;
      this.#time.note(next.now);
      const runsDue = next.runs !== undefined && next.runs <= next.now;
      const jobsDue = next.jobs !== undefined && next.jobs <= next.now && (jobsAfter === undefined || next.jobs > jobsAfter);
      if (!jobsDue && jobsAfter === undefined) this.#left = new LeftJobs();
      const claimed = runsDue && (await this.#claim(room));
      const fired = jobsDue && (await this.#fireDue(runsDue ? this.#room() : room));
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

  #room(): Room {
    const { durable } = this.store;
    return {
      executors: this.#engine.executors.free(),
      tasks: durable ? this.#engine.knownTasks() : undefined,
      limit: durable ? DURABLE_BATCH : MEMORY_BATCH,
    };
  }

  /** Answers whether there was anything to claim. */
  async #claim(room: Room): Promise<boolean> {
    if (room.executors.size === 0) return true;
    const claiming = this.#leases.begin();
    try {
      const answer = this.store.runs.claim(room, this.#claimant);
      const claimed = answer instanceof Promise ? await answer : answer;
      if (claimed.runs.length > 0) await this.#start(claimed.runs, claiming);
      return claimed.runs.length > 0;
    } finally {
      this.#leases.end();
    }
  }

  /** Answers whether there was anything that this process can decide. */
  async #fireDue(room: Room): Promise<boolean> {
    const left = new LeftJobs();
    const deciding = { engine: this.#engine, durable: this.store.durable };
    let decided = false;
    for (;;) {
      if (room.executors.size === 0 || !this.#looking) return true;
      const asked = left.widen(room);
      const dueAnswer = this.store.jobs.due(asked);
      const due = dueAnswer instanceof Promise ? await dueAnswer : dueAnswer;
      const known = left.size;
      const fires: Fire[] = [];
      for (const job of due.jobs) {
        const fire = decide(job, due.now, deciding);
        if (fire === undefined) {
          left.note(job);
          continue;
        }
        decided = true;
        if (typeof fire === 'string') await this.#parking.park(job, fire);
        else fires.push(fire);
      }
      const within = left.within(room, fires);
      if (within.length > 0) await this.#fire(within);
      if (due.jobs.length < asked.limit && left.size === known) {
        this.#left = left;
        return decided;
      }
      room = this.#room();
    }
  }

  /** Due jobs with a kind of trigger that is not registered here, and why they were left. */
  leftJobs(): { readonly jobId: string; readonly reason: string }[] {
    return this.#left.named((job) => void this.#engine.revive(job.trigger));
  }

  async #fire(fires: readonly Fire[]): Promise<void> {
    const claiming = this.#leases.begin();
    try {
      // What the first ones won begins while a shared store is at the next.
      const size = this.store.durable ? DURABLE_STEP : MEMORY_BATCH;
      const parts = inParts(fires, size, (steps) => this.store.jobs.fire(steps, this.#claimant));
      let failure: Failure | undefined;
      for (const { items: steps, answer } of parts) {
        const fired = answer instanceof Promise ? await answer : answer;
        if (fired instanceof Failure) {
          failure ??= fired;
          continue;
        }
        const confirmed = this.#leases.confirm(claiming);
        const lost = confirmed instanceof Promise ? await confirmed : confirmed;
        for (let index = 0; index < steps.length; index += 1) {
          const fire = steps[index];
          const step = fired[index];
          // Looked at before a run rather than after: the store may have used up the slice, and then nothing has ended yet that is to be written.
          if ((index & 3) === 0 && this.#sliceIsOver()) await this.#flushInPass();
          if (fire === undefined || step === undefined || !step.won) continue;
          this.#take(fire);
          for (const claimed of step.started) this.#begin(claimed, claiming, lost);
        }
        await this.#flushInPass();
      }
      if (failure !== undefined) throw failure.error;
    } finally {
      this.#leases.end();
    }
  }

  /** What follows a step that won, before its runs begin. */
  #take(fire: Fire): void {
    if (fire.cancelRunning)
      this.runs.abort(
        'cancel',
        'a later fire time came',
        ({ job, run }) => job.id === fire.job.id && job.uid === fire.job.uid && !run.manual,
      );
    for (const run of fire.runs)
      if (run.outcome === 'missed' || run.outcome === 'skipped') this.runs.tellRecorded(rowOf(fire.job, run, this.#time.now()), fire.job);
  }

  /** Begins a run that a pass claimed, unless the lane was told to cease meanwhile. */
  #begin(claimed: ClaimedRun, claiming: Claiming, lost: Lost): void {
    if (this.#looking) this.#beginOrGiveBack(claimed, claiming, lost);
    else this.runs.giveBack(claimed);
  }

  /** A run whose lease ran out before it could begin, or may have, waits again; one that another process has by now is its affair. */
  #beginOrGiveBack(claimed: ClaimedRun, claiming: Claiming, lost: Lost): void {
    if (lost !== undefined && lost.length > 0 && lost.includes(claimed.run.id)) return;
    if (lost !== undefined && this.#leases.stands(claiming)) this.runs.start(claimed);
    else this.runs.giveBack(claimed);
  }

  async #start(claimed: readonly ClaimedRun[], claiming: Claiming): Promise<void> {
    const confirmed = this.#leases.confirm(claiming);
    const lost = confirmed instanceof Promise ? await confirmed : confirmed;
    for (const [index, run] of claimed.entries()) {
      if ((index & 3) === 0 && this.#sliceIsOver()) await this.#flushInPass();
      this.#begin(run, claiming, lost);
    }
    await this.#flushInPass();
  }

  #rowsOf(fire: Fire): readonly RunRecord[] {
    const now = this.#time.now();
    return fire.runs.map((run) => rowOf(fire.job, run, now));
  }

  #sliceIsOver(): boolean {
    return this.#engine.clock.monotonic() - this.#sliceBegan > SLICE;
  }

  /** Has what ended written, and gives way if the slice is over. */
  async #flushInPass(): Promise<void> {
    // A durable store's writes go beside the pass; memory's are done when this returns.
    const flushing = this.#outbox.flush();
    if (flushing !== undefined && !this.store.durable) await flushing;
    else if (flushing !== undefined) void flushing.finally(this.#engine.clock.hold?.());
    if (!this.#sliceIsOver()) return;
    await new Promise<void>((resolve) => void this.#engine.clock.wakeAfter(0, resolve));
    this.#sliceBegan = this.#engine.clock.monotonic();
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
  #settled(finish: Finish): void {
    this.onEnded?.();
    if (this.#retry !== undefined && this.#outbox.size === 0) this.#recovered();
    if (finish.outcome === 'waiting') this.wake(finish.dueAt);
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
    if (!this.#isOpen) return;
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
