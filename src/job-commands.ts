import { isDeepStrictEqual } from 'node:util';
import { withCalendar } from './calendar-book.ts';
import { isLive, type JobChanges, type JobRecord } from './core/job.ts';
import type { Added } from './core/job-store.ts';
import type { Trigger, TriggerJson } from './core/trigger.ts';
import { type EngineContext, tell } from './engine/context.ts';
import type { Lane } from './engine/lane.ts';
import { planResume, progressTo } from './engine/plan.ts';
import type { RunReport } from './engine/run-report.ts';
import { ConflictingJobError, InvalidOptionError, JobNeverRunsError, SchedulerError, SchedulerStateError } from './errors.ts';
import { grouped, refuseTwins } from './draft-groups.ts';
import { firstRun, movedTo } from './first-run.ts';
import type { StoredJob } from './export.ts';
import { Job, type JobCommands as JobVerbs } from './job.ts';
import type { Draft, JobDesk } from './job-desk.ts';
import type { JobModification, NewTrigger } from './job-types.ts';
import { checkNames, oneOf } from './nearest.ts';
import { jobNotFound } from './not-found.ts';
import { PendingJobs } from './pending-jobs.ts';
import { RunCommands } from './run-commands.ts';
import type { Calendar } from './triggers/calendar.ts';

/** How often a change is tried again when others change the same job at the same moment. */
const ATTEMPTS = 100;

interface StoreOption {
  readonly jobStore?: string;
}

/** Whether the jobs to be stored were told of already, when they were kept for the start. */
interface Telling {
  readonly wasTold?: boolean;
}

/** A job that was found, and where. */
type Found =
  | { readonly lane: Lane; readonly job: JobRecord; readonly draft?: undefined }
  | { readonly lane: Lane; readonly draft: Draft; readonly job?: undefined };

/** What is done to jobs by name: each command finds the job, decides, and writes on condition that nothing changed meanwhile. */
export class JobCommands implements JobVerbs {
  readonly #engine: EngineContext;
  readonly #desk: JobDesk;
  readonly #lanes: ReadonlyMap<string, Lane>;
  readonly #pending: PendingJobs;
  readonly #runs: RunCommands;

  constructor(engine: EngineContext, desk: JobDesk, lanes: ReadonlyMap<string, Lane>) {
    this.#engine = engine;
    this.#desk = desk;
    this.#lanes = lanes;
    this.#pending = new PendingJobs(desk);
    this.#runs = new RunCommands(engine, lanes);
  }

  /** Stores jobs of one store in one step, or keeps them until the start. */
  async add(drafts: readonly Draft[], options: Telling = {}): Promise<Job[]> {
    const groups = grouped(drafts);
    refuseTwins(drafts);
    // Each group checks its own jobs; with several, none must be stored before all are checked.
    if (groups.length > 1) {
      for (const draft of drafts) {
        const lane = this.#lane(draft.jobStore);
        if (!lane.isOpen) refuseTransaction(draft);
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
    const lane = this.#lane(draft.jobStore);
    if (lane.store.durable || !lane.isOpen) return this.#addGroup([draft]).then(([job]) => job ?? unanswered());
    // Its times count from the call that gave it.
    const job = this.#desk.complete(draft, draft.since);
    const answer = lane.calls.jobs.add([job], { onConflict: draft.onConflict, transaction: draft.transaction });
    return answer instanceof Promise
      ? answer.then((added) => this.#added(lane, added)[0] ?? unanswered())
      : (this.#added(lane, answer)[0] ?? unanswered());
  }

  async #addGroup(drafts: readonly Draft[], options: Telling = {}): Promise<Job[]> {
    const [first] = drafts;
    if (first === undefined) return [];
    const lane = this.#lane(first.jobStore);
    if (!lane.isOpen) return this.#addPending(lane, drafts);
    const now = lane.storeNow();
    const list = [];
    const spent: Job[] = [];
    for (const draft of drafts) {
      try {
        list.push(this.#desk.complete(draft, now));
      } catch (error) {
        spent.push(await this.#spentOrThrow(lane, draft, error));
      }
    }
    if (list.length === 0) return spent;
    const answer = lane.calls.jobs.add(list, {
      onConflict: first.onConflict,
      ...(first.transaction !== undefined && { transaction: first.transaction }),
    });
    return [...this.#added(lane, answer instanceof Promise ? await answer : answer, options), ...spent];
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
      jobs.push(this.#snapshot(job, lane));
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
      const waiting = this.#pending.get(lane.alias, id);
      const earlier = waiting === undefined || this.#isOver(waiting) ? undefined : waiting;
      const stored = lane.store.durable ? undefined : await lane.calls.jobs.get(id);
      const isTaken = earlier !== undefined || stored !== undefined || drafts.findIndex((other) => other.definition.id === id) < index;
      if (isTaken && draft.onConflict === 'error') throw new ConflictingJobError(id);
      const kept =
        draft.onConflict !== 'keep'
          ? undefined
          : earlier !== undefined
            ? this.#snapshotOfDraft(earlier, lane)
            : stored && this.#snapshot(stored, lane);
      const standing = spent ?? kept;
      if (standing !== undefined) known.set(draft, standing);
      if (earlier !== undefined || stored !== undefined) there.add(id);
    }
    const jobs = drafts.map((draft) => known.get(draft) ?? this.#snapshotOfDraft(this.#pending.set(draft), lane));
    for (const draft of drafts) {
      const { id } = draft.definition;
      if (!known.has(draft)) this.#tellAdded(there.has(id) ? 'jobModified' : 'jobAdded', id, lane);
      there.add(id);
    }
    return jobs;
  }

  /** Whether a job of that id waits for the start, or is stored. */
  async #isTaken(lane: Lane, id: string): Promise<boolean> {
    const waiting = lane.isOpen ? undefined : this.#pending.get(lane.alias, id);
    if (waiting !== undefined && !this.#isOver(waiting)) return true;
    return (lane.isOpen || !lane.store.durable) && (await lane.calls.jobs.get(id)) !== undefined;
  }

  /** The stored job, where a draft that would never run only repeats it. @throws JobNeverRunsError if it does not */
  async #spent(lane: Lane, draft: Draft): Promise<Job | undefined> {
    try {
      this.#desk.complete(draft, lane.storeNow());
      return undefined;
    } catch (error) {
      return this.#spentOrThrow(lane, draft, error);
    }
  }

  /** What `#spent` answers, once it is known that a draft would never run. */
  async #spentOrThrow(lane: Lane, draft: Draft, error: unknown): Promise<Job> {
    // Only the store knows whether this one has run already, in an earlier life of the process.
    if (!(lane.store.durable && error instanceof JobNeverRunsError)) throw error;
    await lane.open();
    const known = await this.#known(lane, draft);
    if (known === undefined) throw error;
    return known;
  }

  /** The stored job that a draft only repeats. */
  async #known(lane: Lane, draft: Draft): Promise<Job | undefined> {
    const stored = await lane.calls.jobs.get(draft.definition.id);
    if (stored === undefined || !isSameJson(stored.registration, draft.definition.registration)) return undefined;
    return this.#snapshot(stored, lane);
  }

  /** Stores what was added before the start; its times are computed from now. */
  async addPending(): Promise<void> {
    for (const lane of this.#lanes.values()) {
      const drafts: Draft[] = [];
      const over: Draft[] = [];
      for (const draft of this.#pending.list(lane.alias)) ((await this.#canStillRun(draft, lane)) ? drafts : over).push(draft);
      // They stay pending until they are stored: after a start that failed the next one finds them.
      await this.add(drafts, { wasTold: true });
      this.#pending.clear(lane.alias);
      for (const { definition } of over) this.#removed(lane, definition.id);
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

  /** A job that waits for the start, as it would be if that were now. */
  pendingRecord(id: string, jobStore: string): JobRecord | undefined {
    const draft = this.#pending.get(jobStore, id);
    return draft === undefined ? undefined : this.#pending.show(draft, this.#engine.clock.now());
  }

  async get(id: string, options: StoreOption = {}): Promise<Job | undefined> {
    const found = await this.#find(id, options);
    if (found === undefined) return undefined;
    if (found.draft !== undefined) return this.#snapshotOfDraft(found.draft, found.lane);
    return isHidden(found.job) ? undefined : this.#snapshot(found.job, found.lane);
  }

  async list(options: StoreOption = {}): Promise<Job[]> {
    const jobs: Job[] = [];
    for (const { lane, drafts, stored } of await this.#listed(options)) {
      for (const draft of drafts) jobs.push(this.#snapshotOfDraft(draft, lane));
      for (const job of stored) jobs.push(this.#snapshot(job, lane));
    }
    return jobs.sort(byNextRunTime);
  }

  /** The jobs as they are stored, or would be if the scheduler started now. */
  async records(options: StoreOption = {}): Promise<StoredJob[]> {
    const now = this.#engine.clock.now();
    const records: StoredJob[] = [];
    for (const { lane, drafts, stored } of await this.#listed(options)) {
      for (const draft of drafts) records.push({ record: this.#pending.show(draft, now), jobStore: lane.alias });
      for (const record of stored) records.push({ record, jobStore: lane.alias });
    }
    return records;
  }

  async #listed(
    options: StoreOption,
  ): Promise<{ readonly lane: Lane; readonly drafts: readonly Draft[]; readonly stored: readonly JobRecord[] }[]> {
    const listed = [];
    for (const lane of this.#lanesOf(options)) {
      const drafts = this.#pending.list(lane.alias).filter((draft) => !this.#isOver(draft));
      const ids = new Set(drafts.map((draft) => draft.definition.id));
      const stored = lane.isOpen || !lane.store.durable ? await lane.calls.jobs.list() : [];
      listed.push({ lane, drafts, stored: stored.filter((job) => !ids.has(job.id)) });
    }
    return listed;
  }

  async modifyJob(id: string, changes: JobModification, options: StoreOption = {}): Promise<Job> {
    if (typeof changes !== 'object' || changes === null) throw new InvalidOptionError('changes', changes, 'an object of what to change');
    const { nextRunTime, ...rest } = changes;
    return this.#change(id, options, 'jobModified', {
      draft: (draft, record) => {
        const trigger = this.#engine.revive(draft.definition.trigger);
        const changed = { ...draft, definition: { ...draft.definition, ...this.#desk.changes(record, rest, draft.jobStore) } };
        if (nextRunTime == null) return nextRunTime === null ? { ...changed, nextRunTime } : changed;
        const next = this.#desk.instant(nextRunTime, trigger, 'nextRunTime');
        return { ...changed, definition: { ...changed.definition, trigger: movedTo(trigger, next) }, nextRunTime: next };
      },
      job: (job, lane) => {
        const made: JobChanges = this.#desk.changes(job, rest, lane.alias);
        const trigger = this.#trigger(job);
        const policy = made.policy ?? job.policy;
        const base = job.state === 'parked' ? { state: 'waiting' as const, reason: undefined } : {};
        if (nextRunTime === null) return { ...made, ...base, state: 'paused', dueAt: undefined };
        const next = nextRunTime === undefined ? job.nextRunTime : this.#desk.instant(nextRunTime, trigger, 'nextRunTime');
        if (job.state === 'paused' && nextRunTime === undefined) return made;
        if (next === undefined) return { ...made, ...base };
        const moved = nextRunTime === undefined ? trigger : movedTo(trigger, next);
        return { ...made, ...(moved !== trigger && { trigger: moved }), ...progressTo({ id: job.id, policy }, moved, next, job.runCount) };
      },
    });
  }

  async rescheduleJob(id: string, input: NewTrigger, options: StoreOption = {}): Promise<Job> {
    const now = this.#engine.clock.now();
    const given = this.#desk.newTrigger(input, id, now);
    return this.#change(id, options, 'jobModified', {
      draft: (draft) => ({
        ...draft,
        definition: { ...draft.definition, trigger: given, registration: given },
        nextRunTime: draft.nextRunTime === null ? null : undefined,
        since: now,
      }),
      job: (job, lane) => {
        const now = lane.storeNow();
        const trigger = given.anchored?.(now) ?? given;
        const next = firstRun(trigger, now, { since: now, grace: 0 });
        if (next === undefined) throw new JobNeverRunsError(id, 'the new trigger has no fire time left');
        if (job.state === 'paused') return { trigger, nextRunTime: next, dueAt: undefined };
        return { trigger, ...progressTo(job, trigger, next, job.runCount) };
      },
    });
  }

  /** Gives every job that names a calendar its new edition, and computes its next run from now; answers with those that changed. */
  async renewCalendar(calendar: Calendar): Promise<Job[]> {
    const changed: Job[] = [];
    for (const lane of this.#lanes.values()) {
      const stored = lane.isOpen || !lane.store.durable ? await lane.calls.jobs.list() : [];
      const ids = [...this.#pending.list(lane.alias).map((draft) => draft.definition.id), ...stored.map((job) => job.id)];
      for (const id of ids) {
        const job = await this.#renewCalendarOf(id, lane, calendar);
        if (job !== undefined) changed.push(job);
      }
    }
    return changed;
  }

  async #renewCalendarOf(id: string, lane: Lane, calendar: Calendar): Promise<Job | undefined> {
    const renewed = (trigger: Trigger | TriggerJson): Trigger | undefined => {
      const json = withCalendar(isLive(trigger) ? trigger.toJSON() : trigger, calendar);
      return json === undefined ? undefined : this.#engine.revive(json);
    };
    const found = await this.#find(id, { jobStore: lane.alias });
    const trigger =
      found === undefined ? undefined : renewed(found.draft === undefined ? found.job.trigger : found.draft.definition.trigger);
    if (trigger === undefined) return undefined;
    return this.#change(id, { jobStore: lane.alias }, 'jobModified', {
      draft: (draft) => ({ ...draft, definition: { ...draft.definition, trigger, registration: trigger } }),
      job: (job) => {
        const now = lane.storeNow();
        const registration = renewed(job.registration) ?? job.registration;
        if (job.state !== 'waiting') return { trigger, registration };
        // What is due already stays due; the rest is computed anew.
        const next = job.nextRunTime !== undefined && job.nextRunTime <= now ? job.nextRunTime : trigger.next(now);
        return { trigger, registration, ...progressTo(job, trigger, next, job.runCount) };
      },
    });
  }

  async pauseJob(id: string, options: StoreOption = {}): Promise<Job> {
    return this.#change(id, options, 'jobPaused', {
      draft: (draft) => ({ ...draft, nextRunTime: null }),
      job: (job) => (job.state === 'paused' ? undefined : { state: 'paused', dueAt: undefined }),
    });
  }

  /** Goes on from now: what passed meanwhile is recorded as skipped, in one row. */
  async resumeJob(id: string, options: StoreOption = {}): Promise<Job> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const found = await this.#require(id, options);
      if (found.draft !== undefined) {
        if (found.draft.nextRunTime !== null) return this.#snapshotOfDraft(found.draft, found.lane);
        const draft: Draft = { ...found.draft, nextRunTime: undefined };
        this.#pending.change(draft);
        tell(this.#engine, 'jobResumed', () => ({ jobId: id, jobStore: found.lane.alias }));
        return this.#snapshotOfDraft(draft, found.lane);
      }
      const { lane, job } = found;
      if (job.state === 'waiting') return this.#snapshot(job, lane);
      const fire = planResume(job, this.#trigger(job), lane.storeNow());
      const fired = await lane.fireNow(fire);
      if (fired === undefined) continue;
      tell(this.#engine, 'jobResumed', () => ({ jobId: id, jobStore: lane.alias }));
      const resumed = await lane.calls.jobs.get(id);
      return this.#snapshot(resumed ?? { ...job, ...fire, state: 'finished' }, lane);
    }
    throw new SchedulerError('CONTENTION', `job ${JSON.stringify(id)} was changed by others ${ATTEMPTS} times while it was being resumed`);
  }

  async removeJob(id: string, options: StoreOption = {}): Promise<void> {
    for (const lane of this.#lanesOf(options)) {
      // One that was added while the scheduler was stopped may stand before a stored one.
      const wasPending = this.#pending.remove(lane.alias, id);
      const answer = lane.isOpen || !lane.store.durable ? lane.calls.jobs.remove([id]) : [];
      const gone = answer instanceof Promise ? await answer : answer;
      if (wasPending || gone.length > 0) return this.#removed(lane, id);
    }
    throw jobNotFound(id, this.#lanesOf(options));
  }

  #removed(lane: Lane, id: string): void {
    tell(this.#engine, 'jobRemoved', () => ({ jobId: id, jobStore: lane.alias }));
  }

  async removeAllJobs(options: StoreOption = {}): Promise<void> {
    for (const lane of this.#lanesOf(options)) {
      this.#pending.clear(lane.alias);
      if (lane.isOpen || !lane.store.durable) await lane.calls.jobs.remove();
      tell(this.#engine, 'allJobsRemoved', () => ({ jobStore: lane.alias }));
    }
  }

  /** The job by this id, waiting to be run; a pending one has no record yet. @throws JobNotFoundError, SchedulerStateError */
  async startable(id: string, options: StoreOption): Promise<{ readonly lane: Lane; readonly job: JobRecord }> {
    const { lane, job, draft } = await this.#require(id, options);
    if (draft !== undefined || !lane.isOpen)
      throw new SchedulerStateError('runJob needs a started scheduler: call start() first, or start({ paused: true })');
    return { lane, job };
  }

  /** Runs a job now, outside its schedule, and resolves to the recorded run once it is over, here or in another process. */
  async runJob(id: string, options: StoreOption = {}): Promise<RunReport> {
    return this.#runs.runJob(() => this.startable(id, options), id);
  }

  /** Stops a run, here or in whatever process has it. False if there is no such run, or it is over. */
  async cancelRun(runId: string): Promise<boolean> {
    return this.#runs.cancelRun(runId);
  }

  /** Changes a job under the condition that nobody else did meanwhile. `undefined` from a decision means that nothing is to change. */
  async #change(
    id: string,
    options: StoreOption,
    event: 'jobModified' | 'jobPaused',
    decide: { draft(draft: Draft, record: JobRecord): Draft; job(job: JobRecord, lane: Lane): JobChanges | undefined },
  ): Promise<Job> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const found = await this.#require(id, options);
      const { lane } = found;
      if (found.draft !== undefined) {
        const draft = decide.draft(found.draft, this.#pending.show(found.draft, this.#engine.clock.now()));
        this.#desk.complete(draft, this.#engine.clock.now());
        this.#pending.change(draft);
        tell(this.#engine, event, () => ({ jobId: id, jobStore: lane.alias }));
        return this.#snapshotOfDraft(draft, lane);
      }
      const changes = decide.job(found.job, lane);
      if (changes === undefined) return this.#snapshot(found.job, lane);
      const changed = await lane.calls.jobs.update(found.job, changes);
      if (changed === undefined) continue;
      if (changed.dueAt !== undefined) lane.wake(changed.dueAt);
      tell(this.#engine, event, () => ({ jobId: id, jobStore: lane.alias }));
      return this.#snapshot(changed, lane);
    }
    throw new SchedulerError(
      'CONTENTION',
      `job ${JSON.stringify(id)} was changed by others ${ATTEMPTS} times while it was being changed here`,
    );
  }

  async #require(id: string, options: StoreOption): Promise<Found> {
    const found = await this.#find(id, options);
    if (found === undefined || (found.job !== undefined && isHidden(found.job))) throw jobNotFound(id, this.#lanesOf(options));
    return found;
  }

  async #find(id: string, options: StoreOption): Promise<Found | undefined> {
    for (const lane of this.#lanesOf(options)) {
      const draft = this.#pending.get(lane.alias, id);
      if (draft !== undefined && !this.#isOver(draft)) return { lane, draft };
      if (!lane.isOpen && lane.store.durable) continue;
      const answer = lane.calls.jobs.get(id);
      const job = answer instanceof Promise ? await answer : answer;
      if (job !== undefined) return { lane, job };
    }
    return undefined;
  }

  #isOver(draft: Draft): boolean {
    return this.#pending.isOver(draft, this.#engine.clock.now());
  }

  #lanesOf(options: StoreOption): Iterable<Lane> {
    checkNames(options, ['jobStore'], '');
    return options.jobStore === undefined ? this.#lanes.values() : [this.#lane(options.jobStore)];
  }

  #lane(name: string): Lane {
    const lane = this.#lanes.get(name);
    if (lane === undefined) throw new InvalidOptionError('jobStore', name, oneOf(name, [...this.#lanes.keys()]));
    return lane;
  }

  #trigger(job: JobRecord): Trigger {
    return this.#engine.revive(job.trigger);
  }

  #snapshot(job: JobRecord, lane: Lane): Job {
    return new Job(job, this, this.#engine, { jobStore: lane.alias, pending: false });
  }

  #snapshotOfDraft(draft: Draft, lane: Lane): Job {
    return new Job(this.#pending.show(draft, this.#engine.clock.now()), this, this.#engine, { jobStore: lane.alias, pending: true });
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

function isHidden(job: JobRecord): boolean {
  return job.state === 'ending' || job.state === 'finished';
}

function byNextRunTime(a: Job, b: Job): number {
  const left = a.nextRunAt ?? Infinity;
  const right = b.nextRunAt ?? Infinity;
  if (left !== right) return left < right ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** Whether two values are the same as JSON. A store may give keys in an order of its own. */
function isSameJson(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)));
}
