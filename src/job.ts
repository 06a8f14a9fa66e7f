import type { DateTime } from 'luxon';
import type { JobRecord, JobState, RetryPolicy } from './core/job.ts';
import type { Run } from './core/events.ts';
import type { Trigger } from './core/trigger.ts';
import type { JobModification, NewTrigger } from './job-types.ts';
import { toDateTime } from './time/instants.ts';
import { type InspectableTrigger, inspectable } from './triggers/derived.ts';

/** What a job's verbs do; the scheduler has the same ones by id. */
export interface JobCommands {
  removeJob(id: string, options?: { jobStore?: string }): Promise<void>;
  pauseJob(id: string, options?: { jobStore?: string }): Promise<Job>;
  resumeJob(id: string, options?: { jobStore?: string }): Promise<Job>;
  modifyJob(id: string, changes: JobModification, options?: { jobStore?: string }): Promise<Job>;
  rescheduleJob(id: string, trigger: NewTrigger, options?: { jobStore?: string }): Promise<Job>;
  runJob(id: string, options?: { jobStore?: string }): Promise<Run>;
}

/** Where a snapshot was taken. */
export interface JobPlace {
  readonly jobStore: string;
  /** Whether the job still waits for the scheduler's first start. */
  readonly pending: boolean;
}

/** What a snapshot needs to show times and its trigger. */
export interface JobViewer {
  readonly timezone: string;
  revive(trigger: JobRecord['trigger']): Trigger;
}

/** A job as it was when it was asked for: a frozen snapshot. Its verbs act on the store, and those that change the job resolve to a new snapshot. */
export class Job {
  readonly #record: JobRecord;
  readonly #commands: JobCommands;
  readonly #viewer: JobViewer;
  readonly #place: JobPlace;

  /** @internal */
  constructor(record: JobRecord, commands: JobCommands, viewer: JobViewer, place: JobPlace) {
    this.#record = record;
    this.#commands = commands;
    this.#viewer = viewer;
    this.#place = place;
    Object.freeze(this);
  }

  get id(): string {
    return this.#record.id;
  }

  /** For people; if none was given the task's name, for a module reference its file and export. */
  get name(): string {
    const { name, task } = this.#record;
    return name ?? (task.name.startsWith('file:') ? task.name.slice(task.name.lastIndexOf('/') + 1) : task.name);
  }

  /** The task's name. */
  get task(): string {
    return this.#record.task.name;
  }

  /** What its task is called with. */
  get args(): readonly unknown[] {
    return this.#record.args;
  }

  /** When it fires. `preview(n)` counts from the real time, unless it is given a `from`. */
  get trigger(): InspectableTrigger {
    return inspectable(this.#viewer.revive(this.#record.trigger));
  }

  /** The name of the executor that runs it: `'inline'`, `'threads'`, or one of your own. */
  get executor(): string {
    return this.#record.executor;
  }

  /** The name of the store that has it. */
  get jobStore(): string {
    return this.#place.jobStore;
  }

  /** The nominal time of its next run, in the job's zone; `undefined` while it is paused or parked, and when nothing is left to come. */
  get nextRunTime(): DateTime | undefined {
    const { nextRunAt } = this;
    if (nextRunAt === undefined) return undefined;
    const { timezone } = this.#record.trigger;
    return toDateTime(nextRunAt, typeof timezone === 'string' ? timezone : this.#viewer.timezone);
  }

  /** `nextRunTime` in epoch milliseconds. */
  get nextRunAt(): number | undefined {
    const { nextRunTime, state } = this.#record;
    return state === 'waiting' ? nextRunTime : undefined;
  }

  /** `pending` before the scheduler's first start; then `waiting`, `paused`, `parked` or `finished`. */
  get state(): 'pending' | Exclude<JobState, 'ending'> {
    const { state } = this.#record;
    if (state === 'ending') return 'finished';
    return state === 'waiting' && this.#place.pending ? 'pending' : state;
  }

  /** Why it is parked or paused, where that was said. */
  get reason(): string | undefined {
    return this.#record.reason;
  }

  /** Milliseconds; `undefined` for no limit. */
  get misfireGraceTime(): number | undefined {
    return this.#record.policy.misfireGraceTime;
  }

  /** What several fire times that are due together become: one run for the latest, one for the earliest, or a run each. */
  get coalesce(): 'latest' | 'earliest' | 'all' {
    return this.#record.policy.coalesce;
  }

  /** How many of its runs may be under way at once, in all processes together. */
  get maxInstances(): number {
    return this.#record.policy.maxInstances;
  }

  /** What becomes of a fire time that finds as many runs under way. */
  get overlap(): 'skip' | 'queue' | 'cancel-running' {
    return this.#record.policy.overlap;
  }

  /** Milliseconds. */
  get jitter(): number {
    return this.#record.policy.jitter;
  }

  /** After how many scheduled runs it is over; `undefined` for no limit. */
  get maxRuns(): number | undefined {
    return this.#record.policy.maxRuns;
  }

  /** Milliseconds; `undefined` for no limit. */
  get timeout(): number | undefined {
    return this.#record.policy.timeout;
  }

  /** How often and when a run that failed is tried again; `undefined` for never. */
  get retry(): RetryPolicy | undefined {
    return this.#record.policy.retry;
  }

  /** What becomes of a run whose process died. */
  get onCrash(): 'rerun' | 'fail' {
    return this.#record.policy.onCrash;
  }

  /** What you noted with it. */
  get metadata(): Readonly<Record<string, unknown>> | undefined {
    return this.#record.metadata;
  }

  /** Scheduled runs begun so far. */
  get runCount(): number {
    return this.#record.runCount;
  }

  /** Removes it: what runs goes on, what waits is cancelled. */
  async remove(): Promise<void> {
    await this.#commands.removeJob(this.id, this.#at());
  }

  /** Lets no fire time of it run until it is resumed; resolves to a new snapshot, as each of these does. */
  async pause(): Promise<Job> {
    return this.#commands.pauseJob(this.id, this.#at());
  }

  /** Lets it run again from now on; what passed meanwhile is recorded as skipped. */
  async resume(): Promise<Job> {
    return this.#commands.resumeJob(this.id, this.#at());
  }

  /** Changes what is named, and nothing else. */
  async modify(changes: JobModification): Promise<Job> {
    return this.#commands.modifyJob(this.id, changes, this.#at());
  }

  /** Gives it a new trigger; calendars belong to the trigger and are to be named again. */
  async reschedule(trigger: NewTrigger): Promise<Job> {
    return this.#commands.rescheduleJob(this.id, trigger, this.#at());
  }

  /** Runs it now, outside its schedule; resolves to the recorded run once that is over. */
  async runNow(): Promise<Run> {
    return this.#commands.runJob(this.id, this.#at());
  }

  #at(): { jobStore: string } {
    return { jobStore: this.#place.jobStore };
  }

  /** Every field; times as ISO text in the job's zone, the trigger as its JSON. */
  toJSON(): Record<string, unknown> {
    const { id, name, task, args, executor, jobStore, state, reason, metadata, runCount } = this;
    const { policy } = this.#record;
    return {
      id,
      name,
      task,
      args,
      trigger: this.#record.trigger,
      executor,
      jobStore,
      nextRunTime: this.nextRunTime?.toISO(),
      state,
      reason,
      runCount,
      metadata,
      ...policy,
    };
  }
}

Object.defineProperty(Job.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value(this: Job): unknown {
    const { trigger, ...shown } = this.toJSON();
    return Object.fromEntries(Object.entries({ ...shown, trigger: this.trigger }).filter(([, value]) => value !== undefined));
  },
});
