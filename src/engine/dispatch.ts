import type { DueJobs, Fire, Fired } from '../core/job-store.ts';
import type { ClaimedRun, RunRecord } from '../core/run.ts';
import type { Awaitable, Claimant, Room, Store } from '../core/store.ts';
import type { EngineContext } from './context.ts';
import { decide } from './decide.ts';
import type { Claiming, LeaseKeeper, Lost } from './lease-keeper.ts';
import { LeftJobs } from './left-jobs.ts';
import type { Outbox } from './outbox.ts';
import type { Parking } from './parking.ts';
import { rowOf } from './planned-row.ts';
import type { RunsUnderWay } from './run-job.ts';
import { Failure, type Part, sent } from './sent.ts';
import type { Slice } from './slice.ts';
import type { StoreTime } from './store-time.ts';
import type { EndedRun } from './verdict.ts';

/** Rows in one step: small where steps are cheap, so that a big burst gives way often; large where each costs a round trip. */
const MEMORY_BATCH = 64;
const DURABLE_BATCH = 500;
/** Of these, so many are decided in one step of the store. */
const DURABLE_STEP = 250;

/** What a dispatch works with: the parts of its lane. */
export interface DispatchParts {
  readonly engine: EngineContext;
  readonly store: Store;
  readonly claimant: Claimant;
  readonly leases: LeaseKeeper;
  readonly outbox: Outbox<EndedRun>;
  readonly parking: Parking;
  readonly runs: RunsUnderWay;
  readonly slice: Slice;
  readonly time: StoreTime;
  /** Whether passes are to go on. */
  isLooking(): boolean;
}

/** What a store was asked for: jobs that are due, for this room, and for as many more as were left to others. */
interface Question {
  readonly room: Room;
  readonly asked: Room;
  readonly answer: Awaitable<DueJobs>;
}

/** The work of a pass: from what is due in a store to runs that have begun. */
export class Dispatch {
  readonly #parts: DispatchParts;
  /** What is due and waits for processes that know more than this one, as of the last look. */
  left: LeftJobs = new LeftJobs();

  constructor(parts: DispatchParts) {
    this.#parts = parts;
  }

  room(): Room {
    const { engine, store } = this.#parts;
    return {
      executors: engine.executors.free(),
      tasks: store.durable ? engine.knownTasks() : undefined,
      limit: store.durable ? DURABLE_BATCH : MEMORY_BATCH,
    };
  }

  /** Begins runs that wait and are due. Answers whether there was anything to claim. */
  async claim(room: Room): Promise<boolean> {
    if (room.executors.size === 0) return true;
    const { store, claimant, leases } = this.#parts;
    const claiming = leases.begin();
    try {
      const answer = store.runs.claim(room, claimant);
      const { runs } = answer instanceof Promise ? await answer : answer;
      if (runs.length > 0) await this.#beginClaimed(runs, claiming);
      return runs.length > 0;
    } finally {
      leases.end();
    }
  }

  /** Decides jobs that are due, and begins what was won. Answers whether there was anything that this process can decide. */
  async fireDue(room: Room): Promise<boolean> {
    if (room.executors.size === 0) return true;
    const { engine, store, parking, slice } = this.#parts;
    const left = new LeftJobs();
    const deciding = { engine, durable: store.durable };
    let decided = false;
    let question = this.#ask(room, left);
    for (;;) {
      const { asked } = question;
      const due = question.answer instanceof Promise ? await question.answer : question.answer;
      if (!this.#parts.isLooking()) return true;
      const known = left.size;
      const fires: Fire[] = [];
      for (const [index, job] of due.jobs.entries()) {
        // Looked at before the first one too: reading the rows may have used up the slice.
        if ((index & 15) === 0 && slice.isOver) await slice.giveWay();
        const fire = decide(job, due.now, deciding);
        if (fire === undefined) {
          left.note(job);
          continue;
        }
        decided = true;
        if (typeof fire === 'string') await parking.park(job, fire);
        else fires.push(fire);
      }
      const isLast = due.jobs.length < asked.limit && left.size === known;
      const within = left.within(question.room, fires);
      let next: Question | undefined;
      if (within.length > 0)
        await this.#fire(within, () => {
          if (!isLast) next = this.#askAhead(within, left);
        });
      if (isLast) {
        this.left = left;
        return decided;
      }
      if (next === undefined) {
        const free = this.room();
        if (free.executors.size === 0 || !this.#parts.isLooking()) return true;
        next = this.#ask(free, left);
      }
      question = next;
    }
  }

  /** What follows a step that won, before its runs begin. */
  take(fire: Fire): void {
    const { runs } = this.#parts;
    if (fire.cancelRunning)
      runs.abort('cancel', 'a later fire time came', ({ job, run }) => job.id === fire.job.id && job.uid === fire.job.uid && !run.manual);
    for (const run of fire.runs)
      if (run.outcome === 'missed' || run.outcome === 'skipped') runs.tellRecorded(this.#rowOf(fire, run), fire.job);
  }

  rowsOf(fire: Fire): readonly RunRecord[] {
    return fire.runs.map((run) => this.#rowOf(fire, run));
  }

  /** A run whose lease ran out before it could begin, or may have, waits again; one that another process has by now is its affair. */
  beginOrGiveBack(claimed: ClaimedRun, claiming: Claiming, lost: Lost): void {
    const { leases, runs } = this.#parts;
    if (lost !== undefined && lost.length > 0 && lost.includes(claimed.run.id)) return;
    if (lost !== undefined && leases.stands(claiming)) runs.start(claimed);
    else runs.giveBack(claimed);
  }

  #ask(room: Room, left: LeftJobs): Question {
    const asked = left.widen(room);
    return { room, asked, answer: this.#parts.store.jobs.due(asked) };
  }

  /** A shared store looks up what else is due while what was won begins; within the room that is left by then for certain. */
  #askAhead(fires: readonly Fire[], left: LeftJobs): Question | undefined {
    if (!this.#parts.store.durable || !this.#parts.isLooking()) return undefined;
    const room = this.room();
    const executors = new Map(room.executors);
    for (const { job, runs } of fires) {
      const free = (executors.get(job.executor) ?? 0) - runs.length;
      if (free > 0) executors.set(job.executor, free);
      else executors.delete(job.executor);
    }
    if (executors.size === 0) return undefined;
    const question = this.#ask({ ...room, executors }, left);
    // A failure counts where the answer is awaited; should that never come, nobody misses the answer.
    if (question.answer instanceof Promise) question.answer.catch(() => undefined);
    return question;
  }

  /** Calls `onFired` once the store has answered for all of them, before the last ones that were won begin. */
  async #fire(fires: readonly Fire[], onFired: () => void): Promise<void> {
    const { store, claimant, leases, slice } = this.#parts;
    const claiming = leases.begin();
    try {
      // What the first ones won begins while a shared store is at the next.
      const size = store.durable ? DURABLE_STEP : MEMORY_BATCH;
      const parts: Part<Fire, readonly Fired[]>[] = [];
      for (let from = 0; from < fires.length; from += size) {
        if (slice.isOver) await slice.giveWay();
        parts.push(sent(fires.slice(from, from + size), (steps) => store.jobs.fire(steps, claimant)));
      }
      let failure: Failure | undefined;
      for (const part of parts) {
        const fired = part.answer instanceof Promise ? await part.answer : part.answer;
        if (part === parts.at(-1)) onFired();
        if (fired instanceof Failure) failure ??= fired;
        else await this.#beginWon(part.items, fired, claiming);
      }
      if (failure !== undefined) throw failure.error;
    } finally {
      leases.end();
    }
  }

  async #beginWon(fires: readonly Fire[], fired: readonly Fired[], claiming: Claiming): Promise<void> {
    const confirmed = this.#parts.leases.confirm(claiming);
    const lost = confirmed instanceof Promise ? await confirmed : confirmed;
    for (let index = 0; index < fires.length; index += 1) {
      const fire = fires[index];
      const step = fired[index];
      // Looked at before a run rather than after: the store may have used up the slice, and then nothing has ended yet that is to be written.
      if ((index & 3) === 0 && this.#parts.slice.isOver) await this.#flush();
      if (fire === undefined || step === undefined || !step.won) continue;
      this.take(fire);
      for (const claimed of step.started) this.#begin(claimed, claiming, lost);
    }
    await this.#flush();
  }

  async #beginClaimed(claimed: readonly ClaimedRun[], claiming: Claiming): Promise<void> {
    const confirmed = this.#parts.leases.confirm(claiming);
    const lost = confirmed instanceof Promise ? await confirmed : confirmed;
    for (const [index, run] of claimed.entries()) {
      if ((index & 3) === 0 && this.#parts.slice.isOver) await this.#flush();
      this.#begin(run, claiming, lost);
    }
    await this.#flush();
  }

  /** Begins a run that a pass claimed, unless the lane was told to cease meanwhile. */
  #begin(claimed: ClaimedRun, claiming: Claiming, lost: Lost): void {
    if (this.#parts.isLooking()) this.beginOrGiveBack(claimed, claiming, lost);
    else this.#parts.runs.giveBack(claimed);
  }

  /** Has what ended written, and gives way if the slice is over. */
  async #flush(): Promise<void> {
    const { engine, store, outbox, slice } = this.#parts;
    // A durable store's writes go beside the pass; memory's are done when this returns.
    const flushing = outbox.flush();
    if (flushing !== undefined && !store.durable) await flushing;
    else if (flushing !== undefined) void flushing.finally(engine.clock.hold?.());
    if (slice.isOver) await slice.giveWay();
  }

  #rowOf(fire: Fire, run: Fire['runs'][number]): RunRecord {
    return rowOf(fire.job, run, this.#parts.time.now());
  }
}
