import { withCalendar } from './calendar-book.ts';
import { isHidden, isLive, type JobChanges, type JobRecord } from './core/job.ts';
import type { Trigger, TriggerJson } from './core/trigger.ts';
import { type EngineContext, tell } from './engine/context.ts';
import type { Lane } from './engine/lane.ts';
import { planResume, progressTo } from './engine/plan.ts';
import type { RunReport } from './engine/run-report.ts';
import { InvalidOptionError, JobNeverRunsError, SchedulerError, SchedulerStateError } from './errors.ts';
import { firstRun, movedTo } from './first-run.ts';
import type { StoredJob } from './export.ts';
import { Job, type JobCommands as JobVerbs } from './job.ts';
import { JobAdding } from './job-adding.ts';
import type { Draft, JobDesk } from './job-desk.ts';
import type { JobModification, NewTrigger } from './job-types.ts';
import { checkNames, oneOf } from './nearest.ts';
import { jobNotFound } from './not-found.ts';
import { PendingJobs } from './pending-jobs.ts';
import { RunCommands } from './run-commands.ts';
import type { Calendar } from './triggers/calendar.ts';
import { refuseUnseen } from './unseen.ts';

/** How often a change is tried again when others change the same job at the same moment. */
const ATTEMPTS = 100;

interface StoreOption {
  readonly jobStore?: string;
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
  /** How jobs come in. */
  readonly adding: JobAdding;

  constructor(engine: EngineContext, desk: JobDesk, lanes: ReadonlyMap<string, Lane>) {
    this.#engine = engine;
    this.#desk = desk;
    this.#lanes = lanes;
    this.#pending = new PendingJobs(desk);
    this.#runs = new RunCommands(engine, lanes);
    this.adding = new JobAdding(engine, desk, {
      pending: this.#pending,
      lanes,
      lane: (name) => this.#lane(name),
      shown: (job, lane) => this.#snapshot(job, lane),
      shownDraft: (draft, lane) => this.#snapshotOfDraft(draft, lane),
    });
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
    for (const lane of this.#lanesOf(options)) refuseUnseen(lane, 'exportJobs');
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
    if (this.#pending.moving !== undefined) await this.#pending.moving;
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
        if (nextRunTime === undefined) return changed;
        if (nextRunTime === null) return { ...changed, isPaused: true };
        const next = this.#desk.instant(nextRunTime, trigger, 'nextRunTime');
        const definition = { ...changed.definition, trigger: movedTo(trigger, next) };
        return { ...changed, definition, nextRunTime: next, isPaused: false, isNow: false };
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
        nextRunTime: undefined,
        isNow: false,
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
      draft: (draft) => ({ ...draft, isPaused: true }),
      job: (job) => (job.state === 'paused' ? undefined : { state: 'paused', dueAt: undefined }),
    });
  }

  /** Goes on from now: what passed meanwhile is recorded as skipped, in one row. */
  async resumeJob(id: string, options: StoreOption = {}): Promise<Job> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const found = await this.#require(id, options);
      if (found.draft !== undefined) {
        if (!found.draft.isPaused) return this.#snapshotOfDraft(found.draft, found.lane);
        const { nextRunTime } = found.draft;
        const isAhead = nextRunTime !== undefined && nextRunTime > this.#engine.clock.now();
        const draft: Draft = { ...found.draft, nextRunTime: isAhead ? nextRunTime : undefined, isPaused: false };
        if (!this.#pending.change(found.draft, draft)) continue;
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
      if (this.#pending.moving !== undefined) await this.#pending.moving;
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
    for (const lane of this.#lanesOf(options)) refuseUnseen(lane, 'removeAllJobs');
    for (const lane of this.#lanesOf(options)) {
      if (this.#pending.moving !== undefined) await this.#pending.moving;
      this.#pending.clear(lane.alias);
      await lane.calls.jobs.remove();
      tell(this.#engine, 'allJobsRemoved', () => ({ jobStore: lane.alias }));
    }
  }

  /** The job by this id, waiting to be run; a pending one has no record yet. @throws JobNotFoundError, SchedulerStateError */
  async startable(id: string, options: StoreOption): Promise<{ readonly lane: Lane; readonly job: JobRecord }> {
    const { lane, job, draft } = await this.#require(id, options);
    if (draft !== undefined || !lane.isStarted)
      throw new SchedulerStateError('runJob needs a started scheduler: call start() first, or start({ paused: true })');
    return { lane, job };
  }

  /** Runs a job now, outside its schedule, and resolves to the recorded run once it is over, here or in another process. */
  async runJob(id: string, options: StoreOption = {}): Promise<RunReport> {
    return this.#runs.runJob(() => this.startable(id, options), id);
  }

  /** Stops a run, here or in whatever process has it. False if there is no such run, or it is over. @throws SchedulerStateError */
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
        if (!this.#pending.change(found.draft, draft)) continue;
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
    if (this.#pending.moving !== undefined) await this.#pending.moving;
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

function byNextRunTime(a: Job, b: Job): number {
  const left = a.nextRunAt ?? Infinity;
  const right = b.nextRunAt ?? Infinity;
  if (left !== right) return left < right ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
