import { isDeepStrictEqual } from 'node:util';
import { isHidden, type JobProgress, type JobRecord, type NewJob } from './core/job.ts';
import type { Added } from './core/job-store.ts';
import type { Awaitable } from './core/store.ts';
import { grouped, refuseTwins } from './draft-groups.ts';
import { type EngineContext, tell } from './engine/context.ts';
import type { Lane } from './engine/lane.ts';
import { progressTo } from './engine/plan.ts';
import { ConflictingJobError, JobNeverRunsError, SchedulerStateError } from './errors.ts';
import type { Job } from './job.ts';
import type { Draft, JobDesk } from './job-desk.ts';
import type { PendingJobs } from './pending-jobs.ts';

/** Whether the jobs to be stored were told of already, when they were kept for the start. */
interface Telling {
  readonly wasTold?: boolean;
}

/** Where jobs go, and how they are shown to who gave them. */
interface Places {
  readonly pending: PendingJobs;
  readonly lanes: ReadonlyMap<string, Lane>;
  /** @throws InvalidOptionError */
  lane(name: string): Lane;
  shown(job: JobRecord, lane: Lane): Job;
  shownDraft(draft: Draft, lane: Lane): Job;
}

/** How jobs come in: into their stores, or to wait for the start. */
export class JobAdding {
  readonly #engine: EngineContext;
  readonly #desk: JobDesk;
  readonly #places: Places;

  constructor(engine: EngineContext, desk: JobDesk, places: Places) {
    this.#engine = engine;
    this.#desk = desk;
    this.#places = places;
  }

  /** Stores jobs of one store in one step, or keeps them until the start. */
  async add(drafts: readonly Draft[]): Promise<Job[]> {
    if (this.#places.pending.moving !== undefined) await this.#places.pending.moving;
    return this.#addAll(drafts);
  }

  async #addAll(drafts: readonly Draft[], options: Telling = {}): Promise<Job[]> {
    const groups = grouped(drafts);
    refuseTwins(drafts);
    // Each group checks its own jobs; with several, none must be stored before all are checked.
    if (groups.length > 1) {
      for (const draft of drafts) {
        const lane = this.#places.lane(draft.jobStore);
        if (this.#isWaited(lane, [draft])) refuseTransaction(draft);
        await this.#spent(lane, draft);
        if (draft.onConflict === 'error' && (await this.#isTaken(lane, draft.definition.id)))
          throw new ConflictingJobError(draft.definition.id);
      }
    }
    const jobs: Job[] = [];
    for (const group of groups) jobs.push(...(await this.#addGroup(group, options)));
    return jobs;
  }

  /** Stores one job; answers at once where the store does. */
  addOne(draft: Draft): Job | Promise<Job> {
    const lane = this.#places.lane(draft.jobStore);
    if (lane.store.durable || this.#places.pending.moving !== undefined || this.#isWaited(lane, [draft]))
      return this.add([draft]).then(([job]) => job ?? unanswered());
    let job: NewJob;
    try {
      // Its times count from the call that gave it.
      job = this.#desk.complete(draft, draft.since);
    } catch (error) {
      if (!(error instanceof JobNeverRunsError)) throw error;
      return this.#addGroup([draft]).then(([known]) => known ?? unanswered());
    }
    const answer = lane.calls.jobs.add([job], { onConflict: draft.onConflict, transaction: draft.transaction });
    if (answer instanceof Promise || answer.some(hasHadItsRuns))
      return this.#whenAdded(lane, answer).then(([added]) => added ?? unanswered());
    return this.#added(lane, answer)[0] ?? unanswered();
  }

  async #addGroup(drafts: readonly Draft[], options: Telling = {}): Promise<Job[]> {
    const [first] = drafts;
    if (first === undefined) return [];
    const lane = this.#places.lane(first.jobStore);
    if (!options.wasTold && this.#isWaited(lane, drafts)) return this.#addPending(lane, drafts);
    const now = lane.storeNow();
    const list: NewJob[] = [];
    /** By their place: those that the store has and that are over. */
    const spent = new Map<number, Job>();
    for (const [index, draft] of drafts.entries()) {
      try {
        list.push(this.#desk.complete(draft, now));
      } catch (error) {
        const known = await this.#knownOrThrow(lane, draft, error);
        if (isHidden(known)) spent.set(index, this.#places.shown(known, lane));
        // Moved, paused or rescheduled since, it still waits: registering it again changes what it does, not when.
        else list.push({ ...draft.definition, ...placeOf(known) });
      }
    }
    const { onConflict, transaction } = first;
    const answer = list.length === 0 ? [] : lane.calls.jobs.add(list, { onConflict, ...(transaction !== undefined && { transaction }) });
    // Within somebody's transaction nothing can be done to what it has just written.
    const jobs = transaction === undefined ? await this.#whenAdded(lane, answer, options) : this.#added(lane, await answer, options);
    for (const [index, job] of spent) jobs.splice(index, 0, job);
    return jobs;
  }

  /** Tells of what a store took; jobs registered anew with a lower `maxRuns` than they have reached end first, as no fire time will end them. */
  async #whenAdded(lane: Lane, answer: Awaitable<readonly Added[]>, options: Telling = {}): Promise<Job[]> {
    const added: Added[] = [];
    for (const each of await answer) {
      const { job } = each;
      const ended = hasHadItsRuns(each)
        ? await lane.calls.jobs.update(job, progressTo(job, this.#engine.revive(job.trigger), undefined, job.runCount))
        : undefined;
      added.push(ended === undefined ? each : { ...each, job: ended });
    }
    return this.#added(lane, added, options);
  }

  /** Tells of what a store took, and wakes for it. */
  #added(lane: Lane, added: readonly Added[], { wasTold = false }: Telling = {}): Job[] {
    const conflict = added.find((each) => each.outcome === 'conflict');
    if (conflict !== undefined) throw new ConflictingJobError(conflict.job.id);
    const jobs: Job[] = [];
    for (const { job, outcome } of added) {
      if (job.dueAt !== undefined) lane.wake(job.dueAt);
      // Of a pending one only the start can say that a durable store had it already.
      if (outcome === 'added' && !wasTold) this.#tellAdded('jobAdded', job.id, lane);
      else if (outcome === 'replaced' && (!wasTold || lane.store.durable)) this.#tellAdded('jobModified', job.id, lane);
      jobs.push(this.#places.shown(job, lane));
    }
    return jobs;
  }

  #tellAdded(event: 'jobAdded' | 'jobModified', jobId: string, lane: Lane): void {
    tell(this.#engine, event, () => ({ jobId, jobStore: lane.alias }));
  }

  /** Keeps jobs until the start: all of them, or none if one cannot be. */
  async #addPending(lane: Lane, drafts: readonly Draft[]): Promise<Job[]> {
    for (const draft of drafts) refuseTransaction(draft);
    const known = new Map<Draft, Job>();
    const there = new Set<string>();
    for (const [index, draft] of drafts.entries()) {
      const { id } = draft.definition;
      const spent = await this.#spent(lane, draft);
      const waiting = this.#places.pending.get(lane.alias, id);
      const earlier = waiting === undefined || this.#isOver(waiting) ? undefined : waiting;
      const stored = lane.store.durable ? undefined : await lane.calls.jobs.get(id);
      const isTaken = earlier !== undefined || stored !== undefined || drafts.findIndex((other) => other.definition.id === id) < index;
      if (isTaken && draft.onConflict === 'error') throw new ConflictingJobError(id);
      const kept =
        draft.onConflict !== 'keep'
          ? undefined
          : earlier !== undefined
            ? this.#places.shownDraft(earlier, lane)
            : stored && this.#places.shown(stored, lane);
      const standing = spent ?? kept;
      if (standing !== undefined) known.set(draft, standing);
      if (earlier !== undefined || stored !== undefined) there.add(id);
    }
    // The start came while the stores were asked.
    if (this.#places.pending.moving !== undefined) await this.#places.pending.moving;
    if (!this.#isWaited(lane, drafts)) return this.#addGroup(drafts);
    const jobs = drafts.map((draft) => known.get(draft) ?? this.#places.shownDraft(this.#places.pending.set(draft), lane));
    for (const draft of drafts) {
      const { id } = draft.definition;
      if (!known.has(draft)) this.#tellAdded(there.has(id) ? 'jobModified' : 'jobAdded', id, lane);
      there.add(id);
    }
    return jobs;
  }

  /** Whether jobs wait for the start. A store may be open before that, and then what is given goes to it, unless an earlier one of that id waits. */
  #isWaited(lane: Lane, drafts: readonly Draft[]): boolean {
    return !lane.isOpen || drafts.some(({ definition }) => this.#places.pending.get(lane.alias, definition.id) !== undefined);
  }

  /** Whether a job of that id waits for the start, or is stored. */
  async #isTaken(lane: Lane, id: string): Promise<boolean> {
    const waiting = this.#places.pending.get(lane.alias, id);
    if (waiting !== undefined && !this.#isOver(waiting)) return true;
    return (lane.isOpen || !lane.store.durable) && (await lane.calls.jobs.get(id)) !== undefined;
  }

  /** The stored job, where a draft that would never run only repeats it. @throws JobNeverRunsError if it does not */
  async #spent(lane: Lane, draft: Draft): Promise<Job | undefined> {
    try {
      this.#desk.complete(draft, lane.storeNow());
      return undefined;
    } catch (error) {
      return this.#places.shown(await this.#knownOrThrow(lane, draft, error), lane);
    }
  }

  /** The stored job that a draft only repeats, once it is known that the draft would never run. */
  async #knownOrThrow(lane: Lane, draft: Draft, error: unknown): Promise<JobRecord> {
    if (!(error instanceof JobNeverRunsError)) throw error;
    // Only the store knows whether this one has run already, in an earlier life of the process.
    if (lane.store.durable) await lane.open();
    const stored = await lane.calls.jobs.get(draft.definition.id);
    if (stored === undefined || !isSameJson(stored.registration, draft.definition.registration)) throw error;
    return stored;
  }

  /** Stores what was added before the start; its times are computed from now. */
  async addPending(): Promise<void> {
    await this.#places.pending.move(() => this.#movePending());
  }

  async #movePending(): Promise<void> {
    for (const lane of this.#places.lanes.values()) {
      const drafts: Draft[] = [];
      const over: Draft[] = [];
      for (const draft of this.#places.pending.list(lane.alias)) ((await this.#canStillRun(draft, lane)) ? drafts : over).push(draft);
      // They stay pending until they are stored: after a start that failed the next one finds them.
      await this.#addAll(drafts, { wasTold: true });
      this.#places.pending.clear(lane.alias);
      for (const { definition } of over) tell(this.#engine, 'jobRemoved', () => ({ jobId: definition.id, jobStore: lane.alias }));
    }
  }

  /** A job whose end passed before the start is told of and left out: the others must start without it. */
  async #canStillRun(draft: Draft, lane: Lane): Promise<boolean> {
    try {
      await this.#spent(lane, draft);
      return true;
    } catch (error) {
      this.#engine.logger.warn(
        { jobId: draft.definition.id, jobStore: lane.alias, err: error },
        'a job that was added before the start was left out',
      );
      return false;
    }
  }

  #isOver(draft: Draft): boolean {
    return this.#places.pending.isOver(draft, this.#engine.clock.now());
  }
}

/** By the start, the transaction will long be over. */
function refuseTransaction({ transaction }: Draft): void {
  if (transaction !== undefined)
    throw new SchedulerStateError(
      'addJob within a transaction needs a job store in a database and a started scheduler: call start() first, or start({ paused: true })',
    );
}

function unanswered(): never {
  throw new RangeError('a job store did not answer for a job that it was given');
}

function placeOf({ nextRunTime, dueAt, runCount }: JobRecord): JobProgress {
  return { nextRunTime, dueAt, state: 'waiting', reason: undefined, runCount };
}

/** Whether a job that was registered anew waits for a run that it will not have. */
function hasHadItsRuns({ outcome, job: { state, policy, runCount } }: Added): boolean {
  return outcome === 'replaced' && state === 'waiting' && policy.maxRuns !== undefined && runCount >= policy.maxRuns;
}

/** Whether two values are the same as JSON. A store may give keys in an order of its own. */
function isSameJson(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)));
}
