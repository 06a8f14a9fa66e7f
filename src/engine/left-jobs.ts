import type { JobRecord } from '../core/job.ts';
import type { Room } from '../core/store.ts';
import { reasonOf } from '../errors.ts';

/** Jobs named in one answer, so that it stays readable when all is wrong. */
const MOST_NAMED = 1000;

/**
 * Due jobs that only other processes can plan. They are left as they are, and stay due: whoever asks for more has to ask for
 * so many more that those behind them are seen.
 */
export class LeftJobs {
  // Made for the first one: mostly there is none.
  #jobs: Map<string, JobRecord> | undefined;
  #byExecutor: Map<string, number> | undefined;

  get size(): number {
    return this.#jobs?.size ?? 0;
  }

  /** Those that `check` throws for, with what it throws as the reason. */
  named(check: (job: JobRecord) => void): { readonly jobId: string; readonly reason: string }[] {
    const named: { jobId: string; reason: string }[] = [];
    for (const job of this.#jobs?.values() ?? []) {
      if (named.length === MOST_NAMED) break;
      try {
        check(job);
      } catch (error) {
        named.push({ jobId: job.id, reason: reasonOf(error) });
      }
    }
    return named;
  }

  note(job: JobRecord): void {
    this.#jobs ??= new Map();
    this.#byExecutor ??= new Map();
    if (this.#jobs.has(job.id)) return;
    this.#jobs.set(job.id, job);
    this.#byExecutor.set(job.executor, (this.#byExecutor.get(job.executor) ?? 0) + 1);
  }

  /** The room with places for these besides, and for as many again that may stand behind them. */
  widen(room: Room): Room {
    if (this.size === 0) return room;
    const executors = new Map([...room.executors].map(([name, free]) => [name, free + 2 * (this.#byExecutor?.get(name) ?? 0)]));
    return { ...room, executors, limit: room.limit + 2 * this.size };
  }

  /** Of the steps for jobs that a widened room brought, those that there is room for. */
  within<Step extends { readonly job: JobRecord }>(room: Room, steps: readonly Step[]): readonly Step[] {
    if (this.size === 0) return steps;
    const taken = new Map<string, number>();
    return steps.slice(0, room.limit).filter(({ job: { executor } }) => {
      const count = (taken.get(executor) ?? 0) + 1;
      taken.set(executor, count);
      return count <= (room.executors.get(executor) ?? 0);
    });
  }
}
