import type { Cancel, Clock } from '../core/clock.ts';
import type { JobChanges, JobProgress, JobRecord, NewJob } from '../core/job.ts';
import type { Added, AddOptions, DueJobs, Fire, Fired, JobStore, NextDue } from '../core/job-store.ts';
import type { Finish, NewRun } from '../core/run.ts';
import type { Claimed, KeepRuns, Pulse, RunFilter, RunPage, RunStore, Taken } from '../core/run-store.ts';
import type { Claimant, Room, Store, StoreContext } from '../core/store.ts';
import { InvalidOptionError } from '../errors.ts';
import { checkNames } from '../nearest.ts';
import { type DurationInput, parseDuration } from '../time/duration.ts';
import { MemoryJob, MemoryRun, sameRegistration } from './memory-records.ts';
import { RunHistory } from './run-history.ts';
import { takenAs } from './taken-as.ts';
import { type HeapItem, IndexedHeap, OUTSIDE } from './indexed-heap.ts';
import { LinkedList } from './linked-list.ts';

export interface MemoryJobStoreOptions {
  /** How many runs that are over it remembers, all jobs together (default 1,000), and for how long (default: no limit). */
  readonly keepRuns?: { readonly count?: number | undefined; readonly age?: DurationInput | undefined };
}

const superseded = 'superseded by a later fire time';

/**
 * Jobs and runs of one process, gone with it. Takes any function and any arguments.
 *
 * One flat record a job; a heap of due jobs and a heap of waiting runs for each executor, so that a full one never
 * hides another. The cursor is the uniqueness: with one process, a fire time that was decided cannot come again.
 */
export class MemoryJobStore implements Store {
  readonly durable = false;
  readonly pollInterval = undefined;
  readonly lease: number = Infinity;
  readonly jobs: JobStore;
  readonly runs: RunStore;
  readonly #shelf: Shelf;

  /** @throws InvalidOptionError */
  constructor(options: MemoryJobStoreOptions = {}) {
    checkNames(options, ['keepRuns'], '');
    this.#shelf = new Shelf(checkedKeepRuns(options.keepRuns));
    this.jobs = new MemoryJobs(this.#shelf);
    this.runs = new MemoryRuns(this.#shelf);
  }

  open(context: StoreContext): void {
    this.#shelf.clock = context.clock;
    this.#shelf.ended = (run) => context.ended?.(run);
  }

  close(): void {
    // The jobs stay: a scheduler may start again after its shutdown.
  }

  watch(wake: (time?: number) => void): Cancel {
    this.#shelf.wake = wake;
    return () => {
      if (this.#shelf.wake === wake) this.#shelf.wake = ignore;
    };
  }
}

function ignore(): void {}

function checkedKeepRuns(keep: MemoryJobStoreOptions['keepRuns']): KeepRuns {
  if (keep !== undefined) checkNames(keep, ['count', 'age'], 'keepRuns');
  const { count = 1000, age } = keep ?? {};
  if (!Number.isInteger(count) || count < 0) throw new InvalidOptionError('keepRuns.count', count, 'a whole number, 0 or more');
  return { count, age: age === undefined ? undefined : parseDuration(age, 'keepRuns.age') };
}

/** The state that jobs and runs share. */
class Shelf {
  readonly jobs = new Map<string, MemoryJob>();
  readonly due = new Map<string, IndexedHeap<MemoryJob>>();
  readonly waiting = new Map<string, IndexedHeap<MemoryRun>>();
  /** Runs that wait or run. */
  readonly live = new LinkedList<MemoryRun>();
  readonly history: RunHistory<MemoryRun>;
  clock: Clock | undefined;
  wake: (time?: number) => void = ignore;
  /** Told of runs that end without `finish` and without `cancel`. */
  ended: (run: MemoryRun) => void = ignore;
  #uid = 0;
  #fence = 0;

  constructor(keep: KeepRuns) {
    this.history = new RunHistory(keep);
  }

  get now(): number {
    return this.clock?.now() ?? 0;
  }

  nextUid(): number {
    this.#uid += 1;
    return this.#uid;
  }

  nextFence(): number {
    this.#fence += 1;
    return this.#fence;
  }

  /** Puts a job where `due` finds it, if it has a due time. */
  enqueue(job: MemoryJob): void {
    job.held = false;
    if (job.dueAt === undefined) return;
    heapOf(this.due, job.executor).push(job);
  }

  dequeue(job: MemoryJob): void {
    this.due.get(job.executor)?.remove(job);
  }

  /** Changes a job; its waiting runs follow it to another executor's heap. */
  change(job: MemoryJob, changes: JobChanges): void {
    const followers =
      changes.executor === undefined || changes.executor === job.executor
        ? NO_RUNS
        : this.waitingOf(job).filter((run) => run.position !== OUTSIDE);
    this.dequeue(job);
    for (const run of followers) this.waiting.get(job.executor)?.remove(run);
    job.assign(changes);
    for (const run of followers) heapOf(this.waiting, job.executor).push(run);
    this.enqueue(job);
  }

  waitingOf(job: MemoryJob): readonly MemoryRun[] {
    return job.queued === 0 ? NO_RUNS : [...this.live].filter((run) => run.job === job && run.outcome === 'waiting');
  }

  record(job: MemoryJob, planned: NewRun, owner: string): MemoryRun {
    const run = new MemoryRun(job, planned, this.nextUid());
    if (run.outcome === 'running') {
      this.start(run, owner);
      this.live.add(run);
    } else if (run.outcome === 'waiting') {
      job.queued += 1;
      this.live.add(run);
      heapOf(this.waiting, job.executor).push(run);
    } else {
      run.droppedAt = this.now;
      this.history.add(run);
    }
    return run;
  }

  start(run: MemoryRun, owner: string): void {
    run.job.active += 1;
    run.outcome = 'running';
    run.owner = owner;
    run.fence = this.nextFence();
  }

  /** Ends a run that waits. */
  drop(run: MemoryRun, outcome: 'skipped' | 'cancelled', reason: string): void {
    this.waiting.get(run.job.executor)?.remove(run);
    run.job.queued -= 1;
    run.outcome = outcome;
    run.reason = reason;
    run.droppedAt = this.now;
    this.live.delete(run);
    this.history.add(run);
  }

  /** After one of its runs left: what waited for that may go on, and a job at its end is forgotten. */
  settle(job: MemoryJob): void {
    if (job.active < job.policy.maxInstances) {
      if (job.blocked.length > 0) {
        for (const run of job.blocked) if (run.outcome === 'waiting') heapOf(this.waiting, job.executor).push(run);
        job.blocked = NO_RUNS;
        this.wake();
      }
      if (job.held) {
        this.enqueue(job);
        this.wake();
      }
    }
    if (job.state === 'ending' && job.active === 0 && job.queued === 0) {
      job.state = 'finished';
      job.live = false;
      if (!job.replaced) this.jobs.delete(job.id);
    }
  }
}

const NO_RUNS: readonly MemoryRun[] = Object.freeze([]);

function heapOf<T extends HeapItem<T>>(heaps: Map<string, IndexedHeap<T>>, executor: string): IndexedHeap<T> {
  let heap = heaps.get(executor);
  if (heap === undefined) {
    heap = new IndexedHeap<T>();
    heaps.set(executor, heap);
  }
  return heap;
}

class MemoryJobs implements JobStore {
  readonly #shelf: Shelf;
  /** Handed out by the last `due` and not fired yet: they go back into the heap if they never are. */
  #taken: MemoryJob[] = [];

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  add(list: readonly NewJob[], options: AddOptions): readonly Added[] {
    if (options.transaction !== undefined)
      throw new InvalidOptionError('transaction', options.transaction, 'a job store in a database: the memory store has no transactions');
    if (options.onConflict === 'error' && this.#isTaken(list)) return this.#conflicts(list);
    const added: Added[] = [];
    for (const job of list) added.push(this.#addOne(job, options));
    return added;
  }

  /** Whether the id of one of them is in use, or two have the same. */
  #isTaken(list: readonly NewJob[]): boolean {
    for (const { id } of list) if (this.#shelf.jobs.has(id)) return true;
    return list.length > 1 && new Set(list.map(({ id }) => id)).size < list.length;
  }

  #conflicts(list: readonly NewJob[]): readonly Added[] {
    const seen = new Set(this.#shelf.jobs.keys());
    return list.map((job) => {
      const outcome = seen.has(job.id) ? 'conflict' : 'kept';
      seen.add(job.id);
      return { outcome, job: this.#shelf.jobs.get(job.id)?.copy() ?? new MemoryJob(job, 0) };
    });
  }

  #addOne(job: NewJob, options: AddOptions): Added {
    const stored = this.#shelf.jobs.get(job.id);
    if (stored === undefined || stored.state === 'ending') {
      const made = new MemoryJob(job, this.#shelf.nextUid());
      made.live = true;
      if (stored !== undefined) stored.replaced = true;
      this.#shelf.jobs.set(job.id, made);
      this.#shelf.enqueue(made);
      // A snapshot: `made` goes on living.
      return { outcome: 'added', job: new MemoryJob(job, made.uid) };
    }
    if (options.onConflict === 'keep') return { outcome: 'kept', job: stored.copy() };
    const { id: _id, trigger, nextRunTime, dueAt, state, reason, runCount, ...definition } = job;
    if (!sameRegistration(stored.registration, job.registration))
      this.#shelf.change(stored, { ...definition, trigger, nextRunTime, dueAt, state, reason, runCount });
    else if (stored.state === 'parked')
      this.#shelf.change(stored, {
        ...definition,
        dueAt: stored.nextRunTime ?? nextRunTime,
        nextRunTime: stored.nextRunTime ?? nextRunTime,
        state: 'waiting',
        reason: undefined,
      });
    else this.#shelf.change(stored, definition);
    return { outcome: 'replaced', job: stored.copy() };
  }

  update(job: JobRecord, changes: JobChanges): JobRecord | undefined {
    const stored = this.#shelf.jobs.get(job.id);
    if (stored === undefined || stored.uid !== job.uid || stored.version !== job.version) return undefined;
    this.#shelf.change(stored, changes);
    this.#shelf.settle(stored);
    return stored.copy();
  }

  remove(ids?: readonly string[]): readonly string[] {
    const gone: string[] = [];
    for (const id of ids ?? [...this.#shelf.jobs.keys()]) {
      const job = this.#shelf.jobs.get(id);
      if (job === undefined) continue;
      this.#shelf.jobs.delete(id);
      this.#shelf.dequeue(job);
      job.live = false;
      if (job.queued > 0) for (const run of this.#shelf.waitingOf(job)) this.#dropAndTell(run, 'cancelled', 'the job was removed');
      gone.push(id);
    }
    return gone;
  }

  get(id: string): JobRecord | undefined {
    return this.#shelf.jobs.get(id)?.copy();
  }

  list(): readonly JobRecord[] {
    const jobs: JobRecord[] = [];
    for (const job of this.#shelf.jobs.values()) if (job.state !== 'ending') jobs.push(job.copy());
    return jobs.sort(byNextRunTime);
  }

  due(room: Room): DueJobs {
    this.#putBack();
    const now = this.#shelf.now;
    for (const [executor, free] of room.executors) {
      const heap = this.#shelf.due.get(executor);
      if (heap === undefined) continue;
      const most = Math.min(free, room.limit - this.#taken.length);
      for (let count = 0; count < most; ) {
        const job = heap.peek();
        if (job?.dueAt === undefined || job.dueAt > now) break;
        heap.remove(job);
        if (job.policy.coalesce === 'all' && job.active >= job.policy.maxInstances) {
          job.held = true;
          continue;
        }
        job.takenVersion = job.version;
        this.#taken.push(job);
        count += 1;
      }
    }
    return { now, jobs: this.#taken };
  }

  #putBack(): void {
    if (this.#taken.length === 0) return;
    for (const job of this.#taken)
      if (job.position === OUTSIDE && !job.held && job.live && job.takenVersion === job.version) this.#shelf.enqueue(job);
    this.#taken = [];
  }

  nextDue(room: Room): NextDue {
    this.#putBack();
    const now = this.#shelf.now;
    return { now, jobs: earliest(this.#shelf.due, room), runs: earliest(this.#shelf.waiting, room) };
  }

  fire(batch: readonly Fire[], claimant: Claimant): readonly Fired[] {
    const results: Fired[] = [];
    for (const step of batch) results.push(this.#fireOne(step, claimant.owner));
    return results;
  }

  #fireOne(step: Fire, owner: string): Fired {
    // The record that `due` handed out is the job itself: what it was then is noted in `takenVersion`.
    const job = step.job instanceof MemoryJob && step.job.live ? step.job : this.#shelf.jobs.get(step.job.id);
    if (job === undefined || job.uid !== step.job.uid || job.version !== (job === step.job ? job.takenVersion : step.job.version))
      return LOST;
    let starts = 0;
    for (const run of step.runs) if (run.outcome === 'running') starts += 1;
    if (starts > 0 && job.active + starts > job.policy.maxInstances) return LOST;
    this.#shelf.dequeue(job);
    job.move(step);
    if (step.cancelRunning) this.#supersede(job);
    const recorded = step.runs.map((run) => this.#shelf.record(job, run, owner));
    this.#shelf.enqueue(job);
    if (job.state === 'ending') this.#shelf.settle(job);
    return new MemoryFired(recorded);
  }

  #supersede(job: MemoryJob): void {
    for (const run of this.#shelf.live) if (run.job === job && !run.manual && run.outcome === 'running') run.cancelReason = superseded;
    for (const run of this.#shelf.waitingOf(job)) if (!run.manual) this.#dropAndTell(run, 'skipped', superseded);
  }

  #dropAndTell(run: MemoryRun, outcome: 'skipped' | 'cancelled', reason: string): void {
    // Whoever was told of the one before may have ended this one.
    if (run.outcome !== 'waiting') return;
    this.#shelf.drop(run, outcome, reason);
    this.#shelf.ended(run);
  }
}

/** What `fire` answers for a step that won; ids are made only if somebody reads them. */
class MemoryFired implements Fired {
  readonly won = true;
  readonly #runs: readonly MemoryRun[];

  constructor(runs: readonly MemoryRun[]) {
    this.#runs = runs;
  }

  get started(): readonly MemoryRun[] {
    return this.#runs.length === 1 && this.#runs[0]?.outcome === 'running'
      ? this.#runs
      : this.#runs.filter((run) => run.outcome === 'running');
  }

  get recorded(): readonly string[] {
    return this.#runs.map((run) => run.id);
  }
}

const LOST: Fired = Object.freeze({ won: false, started: [], recorded: [] });

function earliest(heaps: Map<string, IndexedHeap<MemoryJob> | IndexedHeap<MemoryRun>>, room: Room): number | undefined {
  let time: number | undefined;
  for (const [executor, free] of room.executors) {
    const due = free > 0 ? heaps.get(executor)?.peek()?.dueAt : undefined;
    if (due !== undefined && (time === undefined || due < time)) time = due;
  }
  return time;
}

function byNextRunTime(a: JobProgress & { id: string }, b: JobProgress & { id: string }): number {
  const left = a.dueAt === undefined ? Infinity : (a.nextRunTime ?? Infinity);
  const right = b.dueAt === undefined ? Infinity : (b.nextRunTime ?? Infinity);
  if (left !== right) return left < right ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

class MemoryRuns implements RunStore {
  readonly #shelf: Shelf;

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  claim(room: Room, claimant: Claimant): Claimed {
    const now = this.#shelf.now;
    const runs: MemoryRun[] = [];
    for (const [executor, free] of room.executors) {
      const heap = this.#shelf.waiting.get(executor);
      if (heap === undefined) continue;
      const most = Math.min(free, room.limit - runs.length);
      for (let count = 0; count < most; ) {
        const run = heap.peek();
        if (run === undefined || run.dueAt > now) break;
        heap.remove(run);
        if (run.job.active >= run.job.policy.maxInstances) {
          run.job.blocked = [...run.job.blocked, run];
          continue;
        }
        run.job.queued -= 1;
        this.#shelf.start(run, claimant.owner);
        runs.push(run);
        count += 1;
      }
    }
    return { now, runs };
  }

  finish(list: readonly Finish[]): readonly Taken[] {
    const taken: Taken[] = [];
    for (const item of list) taken.push(this.#finishOne(item));
    return taken;
  }

  #finishOne(item: Finish): Taken {
    const run = this.#stored(item.run);
    if (run === undefined || run.fence !== item.run.fence) return false;
    if (run.outcome !== 'running') return takenAs(item, run);
    const { job } = run;
    const state = run.finish(item);
    job.active -= 1;
    if (state === 'waiting') {
      job.queued += 1;
      heapOf(this.#shelf.waiting, job.executor).push(run);
    } else {
      this.#shelf.live.delete(run);
      this.#shelf.history.add(run);
    }
    if (job.state === 'ending' || job.held || job.blocked.length > 0) this.#shelf.settle(job);
    return takenAs(item, run);
  }

  #stored(run: { readonly id: string }): MemoryRun | undefined {
    if (run instanceof MemoryRun) return run;
    for (const live of this.#shelf.live) if (live.id === run.id) return live;
    return this.#shelf.history.find((old) => old.id === run.id);
  }

  heartbeat(claimant: Claimant, progress: ReadonlyMap<string, unknown>): Pulse {
    const cancel: string[] = [];
    for (const run of this.#shelf.live) {
      if (run.outcome !== 'running' || run.owner !== claimant.owner) continue;
      if (progress.size > 0 && progress.has(run.id)) run.progress = progress.get(run.id);
      if (run.cancelReason !== undefined) cancel.push(run.id);
    }
    return { cancel, lost: [] };
  }

  cancel(id: string, reason: string): 'cancelled' | 'requested' | undefined {
    for (const run of this.#shelf.live) {
      if (run.id !== id) continue;
      if (run.outcome === 'waiting') {
        this.#shelf.drop(run, 'cancelled', reason);
        this.#shelf.settle(run.job);
        return 'cancelled';
      }
      run.cancelReason = reason;
      return 'requested';
    }
    return undefined;
  }

  list(filter: RunFilter): RunPage {
    const outcomes = filter.outcome === undefined ? undefined : new Set<string>(filter.outcome);
    const fits = (run: MemoryRun): boolean =>
      (filter.jobId === undefined || run.jobId === filter.jobId) &&
      (outcomes === undefined || outcomes.has(run.outcome)) &&
      (filter.from === undefined || run.scheduledAt >= filter.from) &&
      (filter.to === undefined || run.scheduledAt <= filter.to) &&
      (filter.id === undefined || run.id === filter.id) &&
      (filter.cursor === undefined || pageKey(run) < filter.cursor);
    const found = [...this.#shelf.live, ...this.#shelf.history.all(this.#shelf.now)].filter(fits).sort(newestFirst);
    const runs = found.slice(0, filter.limit);
    const last = runs.at(-1);
    return { runs: runs.map((run) => run.copy()), cursor: last !== undefined && found.length > runs.length ? pageKey(last) : undefined };
  }

  prune(): number {
    return this.#shelf.history.prune(this.#shelf.now);
  }
}

function newestFirst(a: MemoryRun, b: MemoryRun): number {
  if (a.scheduledAt !== b.scheduledAt) return b.scheduledAt - a.scheduledAt;
  return a.id < b.id ? 1 : -1;
}

/** Orders like `newestFirst` read backwards, as text. */
function pageKey(run: MemoryRun): string {
  return `${String(run.scheduledAt + 1e15).padStart(17, '0')} ${run.id}`;
}
