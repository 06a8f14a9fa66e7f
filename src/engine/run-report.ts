import type { DateTime } from 'luxon';
import type { Run } from '../core/events.ts';
import type { RunRecord, RunState } from '../core/run.ts';
import { toDateTime } from '../time/instants.ts';

/** What `console.log` asks an object for. */
const inspectCustom: symbol = Symbol.for('nodejs.util.inspect.custom');

/** Fields of a run that the report shows instead of the record's. */
export type RunFacts = Partial<
  Pick<RunRecord, 'outcome' | 'reason' | 'value' | 'error' | 'startedAt' | 'finishedAt' | 'attempt' | 'dueAt' | 'owner' | 'progress'>
>;

/** A run for users' eyes, fixed at the moment it was made; its id and DateTimes are made when first read. */
export class RunReport implements Run {
  readonly jobId: string;
  readonly jobStore: string;
  readonly attempt: number;
  readonly outcome: RunState;
  readonly reason: string | undefined;
  readonly value: unknown;
  readonly error: unknown;
  readonly coalesced: number;
  readonly owner: string | undefined;
  readonly progress: unknown;
  readonly #record: RunRecord;
  readonly #zone: string;
  readonly #dueAt: number;
  readonly #startedAt: number | undefined;
  readonly #finishedAt: number | undefined;

  constructor(record: RunRecord, facts: RunFacts, place: { readonly jobStore: string; readonly timezone: string }) {
    this.jobId = record.jobId;
    this.jobStore = place.jobStore;
    // A row of a run under way counts the attempts that are over; the one that another process is at is the next.
    this.attempt = facts.attempt ?? record.attempt + (record.outcome === 'running' ? 1 : 0);
    this.outcome = facts.outcome ?? record.outcome;
    this.reason = 'reason' in facts ? facts.reason : record.reason;
    this.value = 'value' in facts ? facts.value : record.value;
    this.error = 'error' in facts ? facts.error : record.error;
    this.coalesced = record.coalesced;
    this.owner = facts.owner ?? record.owner;
    this.progress = facts.progress ?? record.progress;
    this.#record = record;
    this.#zone = place.timezone;
    this.#dueAt = facts.dueAt ?? record.dueAt;
    this.#startedAt = 'startedAt' in facts ? facts.startedAt : record.startedAt;
    this.#finishedAt = 'finishedAt' in facts ? facts.finishedAt : record.finishedAt;
  }

  get id(): string {
    return this.#record.id;
  }

  get runId(): string {
    return this.#record.id;
  }

  get scheduledAt(): DateTime {
    return toDateTime(this.#record.scheduledAt, this.#zone);
  }

  get dueAt(): DateTime {
    return toDateTime(this.#dueAt, this.#zone);
  }

  get startedAt(): DateTime | undefined {
    return this.#time(this.#startedAt);
  }

  get finishedAt(): DateTime | undefined {
    return this.#time(this.#finishedAt);
  }

  get coalescedFrom(): DateTime | undefined {
    return this.#time(this.#record.coalescedFrom);
  }

  #time(ms: number | undefined): DateTime | undefined {
    return ms === undefined ? undefined : toDateTime(ms, this.#zone);
  }

  /** Every field, with times as ISO text in the job's zone. */
  toJSON(): Record<string, unknown> {
    return {
      id: this.id,
      jobId: this.jobId,
      jobStore: this.jobStore,
      scheduledAt: this.scheduledAt.toISO(),
      dueAt: this.dueAt.toISO(),
      startedAt: this.startedAt?.toISO(),
      finishedAt: this.finishedAt?.toISO(),
      attempt: this.attempt,
      outcome: this.outcome,
      reason: this.reason,
      value: this.value,
      error: this.error,
      coalesced: this.coalesced,
      coalescedFrom: this.coalescedFrom?.toISO(),
      owner: this.owner,
      progress: this.progress,
    };
  }
}

Object.defineProperty(RunReport.prototype, inspectCustom, {
  value(this: RunReport): unknown {
    return Object.fromEntries(Object.entries(this.toJSON()).filter(([, value]) => value !== undefined));
  },
});
