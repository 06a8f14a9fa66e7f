import type { JobChanges, JobPolicy, JobProgress, JobRecord, JobState, NewJob } from '../core/job.ts';
import { type ClaimedRun, type Finish, type NewRun, type RunRecord, type RunState, runId } from '../core/run.ts';
import type { Task } from '../core/task.ts';
import type { Trigger, TriggerJson } from '../core/trigger.ts';
import { type HeapItem, OUTSIDE } from './indexed-heap.ts';

/** A job as the memory store keeps it: the record itself, with its place in the heap. */
export class MemoryJob implements JobRecord, HeapItem<MemoryJob> {
  readonly id: string;
  readonly uid: number;
  name: string | undefined;
  task: Task;
  args: readonly unknown[];
  executor: string;
  executorOptions: Readonly<Record<string, unknown>> | undefined;
  policy: JobPolicy;
  metadata: Readonly<Record<string, unknown>> | undefined;
  trigger: Trigger | TriggerJson;
  registration: Trigger | TriggerJson;
  nextRunTime: number | undefined;
  dueAt: number | undefined;
  state: JobState;
  reason: string | undefined;
  runCount: number;
  version = 1;
  active = 0;
  queued = 0;
  position: number = OUTSIDE;
  /** Its neighbours among those due at the same time. */
  before: MemoryJob | undefined;
  after: MemoryJob | undefined;
  /** Its version when `due` last handed it out. */
  takenVersion = 0;
  /** Due, but out of the heap until one of its runs is over. */
  held = false;
  /** Whether this is the job itself, in its store, and not a copy or one that was removed. */
  live = false;
  /** Whether a job added under its id while its last run went on has taken its place. */
  replaced = false;
  /** Waiting runs that were due and found the job at its `maxInstances`. */
  blocked: readonly MemoryRun[] = NO_RUNS;

  constructor(job: NewJob, uid: number) {
    this.id = job.id;
    this.uid = uid;
    this.name = job.name;
    this.task = job.task;
    this.args = job.args;
    this.executor = job.executor;
    this.executorOptions = job.executorOptions;
    this.policy = job.policy;
    this.metadata = job.metadata;
    this.trigger = job.trigger;
    this.registration = job.registration;
    this.nextRunTime = job.nextRunTime;
    this.dueAt = job.dueAt;
    this.state = job.state;
    this.reason = job.reason;
    this.runCount = job.runCount;
  }

  assign(changes: JobChanges): void {
    Object.assign(this, changes);
    this.version += 1;
  }

  move(progress: JobProgress): void {
    this.nextRunTime = progress.nextRunTime;
    this.dueAt = progress.dueAt;
    this.state = progress.state;
    this.reason = progress.reason;
    this.runCount = progress.runCount;
    this.version += 1;
  }

  /** Jobs due at the same time go in the order in which they were added. */
  get order(): number {
    return this.uid;
  }

  /** What it is now, untouched by what comes. */
  copy(): JobRecord {
    const copy = new MemoryJob(this, this.uid);
    copy.version = this.version;
    copy.active = this.active;
    copy.queued = this.queued;
    return copy;
  }
}

const NO_RUNS: readonly MemoryRun[] = Object.freeze([]);

/** A run as the memory store keeps it; it is its own claim. The id is made when first read. */
export class MemoryRun implements RunRecord, ClaimedRun, HeapItem<MemoryRun> {
  readonly job: MemoryJob;
  /** Runs due at the same time go in the order in which they were recorded. */
  readonly order: number;
  readonly #planned: NewRun;
  dueAt: number;
  outcome: RunState;
  reason: string | undefined;
  owner: string | undefined;
  fence = 0;
  progress: unknown;
  /** When a run that was never begun was over. */
  droppedAt: number | undefined;
  /** How its last attempt ended. */
  startedAt: number | undefined;
  attempt = 0;
  value: unknown;
  error: unknown;
  #finishedAt: number | undefined;
  /** Why it was asked to stop. */
  cancelReason: string | undefined;
  position: number = OUTSIDE;
  before: MemoryRun | undefined;
  after: MemoryRun | undefined;
  /** Its neighbours among the runs that are not over. */
  previous: MemoryRun | undefined;
  next: MemoryRun | undefined;

  constructor(job: MemoryJob, planned: NewRun, order: number) {
    this.job = job;
    this.order = order;
    this.#planned = planned;
    this.dueAt = planned.dueAt;
    this.outcome = planned.outcome;
    this.reason = planned.reason;
  }

  get run(): RunRecord {
    return this;
  }

  get scheduledAt(): number {
    return this.#planned.scheduledAt;
  }

  get coalesced(): number {
    return this.#planned.coalesced;
  }

  get coalescedFrom(): number | undefined {
    return this.#planned.coalescedFrom;
  }

  get finishedAt(): number | undefined {
    return this.droppedAt ?? (this.outcome === 'waiting' || this.outcome === 'running' ? undefined : this.#finishedAt);
  }

  /** None survives the process, so none was seen to die. */
  get crashes(): number {
    return 0;
  }

  get jobId(): string {
    return this.job.id;
  }

  get uid(): number {
    return this.job.uid;
  }

  get manual(): boolean {
    return this.#planned.manual !== undefined;
  }

  get id(): string {
    return runId(this.job.id, this.job.uid, this.scheduledAt, this.#planned.manual);
  }

  /** Takes over how it went on; answers where it stands now. */
  finish(item: Finish): RunState {
    const stopped = item.outcome !== 'waiting' ? undefined : this.job.live ? this.cancelReason : 'the job was removed';
    this.outcome = stopped === undefined ? item.outcome : 'cancelled';
    this.reason = stopped ?? item.reason;
    this.startedAt = item.startedAt;
    this.#finishedAt = item.finishedAt;
    this.attempt = item.attempt;
    this.value = item.value;
    this.error = item.error;
    this.dueAt = item.dueAt;
    if (item.progress !== undefined) this.progress = item.progress;
    if (this.outcome === 'waiting') this.owner = undefined;
    this.cancelReason = undefined;
    return this.outcome;
  }

  /** What it is now, untouched by what comes. */
  copy(): RunRecord {
    return {
      id: this.id,
      jobId: this.jobId,
      uid: this.uid,
      manual: this.manual,
      scheduledAt: this.scheduledAt,
      dueAt: this.dueAt,
      startedAt: this.startedAt,
      finishedAt: this.finishedAt,
      attempt: this.attempt,
      crashes: this.crashes,
      outcome: this.outcome,
      reason: this.reason,
      value: this.value,
      error: this.error,
      coalesced: this.coalesced,
      coalescedFrom: this.coalescedFrom,
      owner: this.owner,
      fence: this.fence,
      progress: this.progress,
    };
  }
}

/** Whether two triggers are the same rule: the same JSON. */
export function sameRegistration(a: Trigger | TriggerJson, b: Trigger | TriggerJson): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
