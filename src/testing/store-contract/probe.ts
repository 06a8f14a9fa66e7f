import assert from 'node:assert/strict';
import type { JobPolicy, JobProgress, JobRecord, NewJob } from '../../core/job.ts';
import type { Added, Fire, Fired } from '../../core/job-store.ts';
import type { ClaimedRun, Finish, NewRun, RunRecord } from '../../core/run.ts';
import type { Taken } from '../../core/run-store.ts';
import type { Claimant, Room, Store, StoreContext } from '../../core/store.ts';

/**
 * What not every store promises.
 * - `durable`: what was stored outlives `close`; finished jobs are remembered; a run's key stays taken; tasks this process does not know are left.
 * - `leases`: a claim runs out, and others take the run.
 */
export type StoreNeed = 'durable' | 'leases';

export interface StoreUnderTestOptions {
  readonly keepRuns?: { readonly count?: number; readonly age?: number };
}

/** A store and the clock it judges time by, both in the hand of the test. */
export interface StoreUnderTest {
  readonly store: Store;
  readonly context: StoreContext;
  /** The store's own clock: it stands still until it is moved. */
  readonly clock: { now(): number; advance(ms: number): unknown };
  /** Frees what `create` made beside the store. */
  dispose?(): unknown;
}

export interface LawCase {
  readonly name: string;
  readonly needs?: readonly StoreNeed[];
  readonly options?: StoreUnderTestOptions;
  run(probe: StoreProbe): Promise<void>;
}

export interface RoomOptions {
  readonly executors?: Readonly<Record<string, number>>;
  readonly tasks?: readonly string[];
  readonly limit?: number;
}

export const plainPolicy: JobPolicy = Object.freeze({
  misfireGraceTime: undefined,
  coalesce: 'latest',
  maxInstances: 1,
  overlap: 'skip',
  jitter: 0,
  maxRuns: undefined,
  timeout: undefined,
  retry: undefined,
  onCrash: 'rerun',
});

/** Short words for the cases: what a scheduler would do to the store, with everything defaulted that a case is not about. */
export class StoreProbe {
  readonly store: Store;
  readonly context: StoreContext;
  readonly lease: number = 10_000;
  readonly #clock: StoreUnderTest['clock'];

  constructor(subject: StoreUnderTest) {
    this.store = subject.store;
    this.context = subject.context;
    this.#clock = subject.clock;
  }

  get now(): number {
    return this.#clock.now();
  }

  async advance(ms: number): Promise<void> {
    await this.#clock.advance(ms);
  }

  claimant(owner = 'owner-1'): Claimant {
    return { owner, lease: this.lease };
  }

  room(options: RoomOptions = {}): Room {
    return { executors: new Map(Object.entries(options.executors ?? { inline: 100 })), tasks: options.tasks, limit: options.limit ?? 1000 };
  }

  /** A job that is due now, unless the changes say otherwise. */
  newJob(id: string, changes: Partial<NewJob> = {}): NewJob {
    const trigger = { type: 'interval', milliseconds: 60_000 };
    return {
      id,
      name: undefined,
      task: { name: 'work' },
      args: [],
      executor: 'inline',
      executorOptions: undefined,
      policy: plainPolicy,
      metadata: undefined,
      trigger,
      registration: trigger,
      nextRunTime: this.now,
      dueAt: this.now,
      state: 'waiting',
      reason: undefined,
      runCount: 0,
      ...changes,
    };
  }

  async add(job: NewJob, onConflict: 'replace' | 'keep' | 'error' = 'replace'): Promise<Added> {
    return only(await this.store.jobs.add([job], { onConflict }));
  }

  async addDue(id: string, changes: Partial<NewJob> = {}): Promise<JobRecord> {
    await this.add(this.newJob(id, changes));
    return this.job(id);
  }

  /** The job as stored now; a case that comes here without one has failed. */
  async job(id: string): Promise<JobRecord> {
    const job = await this.store.jobs.get(id);
    assert.ok(job !== undefined, `the store has no job ${id}`);
    return job;
  }

  async due(options: RoomOptions = {}): Promise<readonly string[]> {
    return (await this.store.jobs.due(this.room(options))).jobs.map((job) => job.id);
  }

  newRun(outcome: NewRun['outcome'], changes: Partial<NewRun> = {}): NewRun {
    return {
      scheduledAt: this.now,
      dueAt: this.now,
      outcome,
      reason: undefined,
      coalesced: 1,
      coalescedFrom: undefined,
      manual: undefined,
      ...changes,
    };
  }

  /** A step that moves the cursor by a minute, unless the changes say otherwise. */
  step(job: JobRecord, runs: readonly NewRun[], changes: Partial<JobProgress & { cancelRunning: boolean }> = {}): Fire {
    const next = (job.nextRunTime ?? this.now) + 60_000;
    return {
      nextRunTime: next,
      dueAt: next,
      state: 'waiting',
      reason: undefined,
      runCount: job.runCount,
      cancelRunning: false,
      ...changes,
      job,
      runs,
    };
  }

  async fire(step: Fire, owner?: string): Promise<Fired> {
    return only(await this.store.jobs.fire([step], this.claimant(owner)));
  }

  /** Stores a due job and starts its run. */
  async start(id: string, changes: Partial<NewJob> = {}, owner?: string): Promise<ClaimedRun> {
    const job = await this.addDue(id, changes);
    return only((await this.fire(this.step(job, [this.newRun('running')]), owner)).started);
  }

  /** Stores a job whose one fire time was missed, and is over with that. */
  async finished(id: string): Promise<void> {
    const job = await this.addDue(id);
    await this.fire(this.step(job, [this.newRun('missed')], { nextRunTime: undefined, dueAt: undefined, state: 'ending' }));
  }

  /** Stores a job and leaves one waiting run of it, due now; answers with the run's id. */
  async queue(id: string, changes: Partial<NewJob> = {}, run: Partial<NewRun> = {}): Promise<string> {
    const job = await this.addDue(id, changes);
    const fired = await this.fire(this.step(job, [this.newRun('waiting', run)]));
    const recorded = only(fired.recorded);
    assert.ok(recorded !== undefined, 'the waiting run was not recorded');
    return recorded;
  }

  async claim(options: RoomOptions = {}, owner?: string): Promise<readonly ClaimedRun[]> {
    return (await this.store.runs.claim(this.room(options), this.claimant(owner))).runs;
  }

  end(run: RunRecord, outcome: Finish['outcome'], changes: Partial<Finish> = {}): Finish {
    return {
      run,
      outcome,
      reason: undefined,
      value: undefined,
      error: undefined,
      startedAt: this.now,
      finishedAt: this.now,
      attempt: run.attempt + 1,
      dueAt: run.dueAt,
      ...changes,
    };
  }

  async finish(end: Finish): Promise<Taken> {
    return only(await this.store.runs.finish([end]));
  }

  async run(id: string): Promise<RunRecord> {
    const { runs } = await this.store.runs.list({ id, limit: 2 });
    return only(runs);
  }

  /** All runs of a job, oldest first. */
  async runs(jobId: string): Promise<readonly RunRecord[]> {
    const { runs } = await this.store.runs.list({ jobId, limit: 1000 });
    return [...runs].reverse();
  }
}

/** The one element of a list that must have one. */
export function only<T>(list: readonly T[]): T {
  assert.equal(list.length, 1);
  for (const one of list) return one;
  throw new assert.AssertionError({ message: 'the list is empty' });
}

/** The counters of a job, for one comparison. */
export function counts(job: JobRecord): { active: number; queued: number } {
  return { active: job.active, queued: job.queued };
}

/** A trigger or a registration as JSON, be it live or stored. */
export function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
