import type { Job } from 'bullmq';
import type { RetryPolicy } from '../../core/job.ts';
import type { Delivery, RunOrigin, StopCause } from '../engine.ts';
import { type JobData, readJobData } from './job-data.ts';

/** What a delivery needs of its consumer. */
export interface DeliveryOwner {
  /** The reason, if this worker heard that the task was revoked. */
  heard(id: string): string | undefined;
  listen(id: string, stop: (cause: StopCause, reason: string) => void): void;
  trouble(error: unknown): void;
}

const unreadable: JobData = Object.freeze({ args: [] });

/** A job that a BullMQ worker took. */
export class BullmqDelivery implements Delivery {
  readonly id: string;
  readonly task: string;
  args: readonly unknown[];
  problem: string | undefined;
  readonly data: JobData;
  readonly #job: Job;
  readonly #owner: DeliveryOwner;
  #progress: ((value: unknown) => void) | undefined;

  constructor(job: Job, owner: DeliveryOwner) {
    this.#job = job;
    this.#owner = owner;
    this.id = job.id ?? '';
    const name: unknown = job.name;
    this.task = typeof name === 'string' ? name : '';
    const read = readJobData(name, job.data);
    this.data = read.ok ? read.data : unreadable;
    this.args = this.data.args;
    this.problem = read.ok ? undefined : read.problem;
  }

  get queue(): string {
    return this.#job.queueName;
  }

  get attempt(): number {
    return this.#job.attemptsMade + 1;
  }

  get crashes(): number {
    return this.#job.stalledCounter;
  }

  get scheduledAt(): number {
    return this.data.eta ?? this.#job.timestamp + (this.#job.opts.delay ?? 0);
  }

  /**
   * When it may begin, if that is for its worker to see to: a task that waited for others comes without regard to its time. For every
   * other BullMQ sees to it, and may have been told since, as by bull-board, to let it begin at once.
   */
  get notBefore(): number | undefined {
    return this.#job.opts.delay === undefined ? this.data.eta : undefined;
  }

  get expires(): number | undefined {
    return this.data.expires;
  }

  get timeout(): number | undefined {
    return this.data.timeout;
  }

  get retry(): RetryPolicy | undefined {
    return this.data.retry;
  }

  get origin(): RunOrigin | undefined {
    return this.data.origin;
  }

  get revoked(): string | undefined {
    return this.data.revoked ?? this.#owner.heard(this.id);
  }

  /** Puts the results of its children in front of its arguments, in the order they were given in. */
  async feed(): Promise<void> {
    const { feed, children = [], args } = this.data;
    if (feed === undefined) return;
    const values = (await this.#job.getChildrenValues<unknown>()) ?? {};
    const found: unknown[] = [];
    for (const key of children) {
      if (Object.hasOwn(values, key)) found.push(values[key]);
      else this.problem = 'a result that it waited for is missing: the task before it was removed';
    }
    this.args = feed === 'list' ? [found, ...args] : [...found, ...args];
  }

  onStop(callback: (cause: StopCause, reason: string) => void): void {
    this.#owner.listen(this.id, callback);
  }

  progress(value: unknown): void {
    this.#progress ??= latestWriter(
      // What JSON cannot carry is written as text: it is only shown.
      (latest) => this.#job.updateProgress(isShowable(latest) ? latest : String(latest)),
      (error) => this.#owner.trouble(error),
    );
    this.#progress(value);
  }
}

function isShowable(value: unknown): value is string | number | boolean | object {
  return (
    typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'object' && value !== null)
  );
}

/** Writes the latest value, one write at a time. */
function latestWriter(write: (value: unknown) => Promise<void>, trouble: (error: unknown) => void): (value: unknown) => void {
  let writing = false;
  let next: { readonly value: unknown } | undefined;
  const drain = async (): Promise<void> => {
    writing = true;
    try {
      while (next !== undefined) {
        const { value } = next;
        next = undefined;
        await write(value);
      }
    } catch (error) {
      trouble(error);
    } finally {
      writing = false;
    }
  };
  return (value) => {
    next = { value };
    if (!writing) void drain();
  };
}
