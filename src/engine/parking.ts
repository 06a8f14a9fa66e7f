import type { JobRecord } from '../core/job.ts';
import type { JobStore } from '../core/job-store.ts';
import type { ClaimedRun } from '../core/run.ts';
import { type EngineContext, tell } from './context.ts';

interface Surroundings {
  readonly jobStore: string;
  failed(operation: string, error: unknown): void;
}

/** Sets jobs of one store aside that cannot go on, each by itself. */
export class Parking {
  readonly #jobs: Pick<JobStore, 'get' | 'update'>;
  readonly #engine: EngineContext;
  readonly #surroundings: Surroundings;

  constructor(jobs: Pick<JobStore, 'get' | 'update'>, engine: EngineContext, surroundings: Surroundings) {
    this.#jobs = jobs;
    this.#engine = engine;
    this.#surroundings = surroundings;
  }

  async park(job: JobRecord, reason: string): Promise<void> {
    const { jobStore, failed } = this.#surroundings;
    try {
      const parked = await this.#jobs.update(job, { state: 'parked', reason, dueAt: undefined });
      if (parked === undefined) return;
      this.#engine.logger.error({ jobId: job.id, reason }, 'a job was parked');
      tell(this.#engine, 'jobParked', () => ({ jobId: job.id, jobStore, reason }));
    } catch (error) {
      failed('update', error);
    }
  }

  /** The job of a run, as it stands by now. */
  async parkLater(claimed: ClaimedRun, reason: string): Promise<void> {
    try {
      const job = await this.#jobs.get(claimed.run.jobId);
      if (job !== undefined && job.state === 'waiting') await this.park(job, reason);
    } catch (error) {
      this.#surroundings.failed('get', error);
    }
  }
}
