import type { JobRecord } from '../core/job.ts';
import type { NewRun, RunRecord } from '../core/run.ts';
import { runId } from '../core/run.ts';

/** The row that a planned run becomes, as the store has it. */
export function rowOf(job: JobRecord, run: NewRun, now: number): RunRecord {
  const over = run.outcome === 'missed' || run.outcome === 'skipped';
  return {
    ...run,
    get id() {
      return runId(job.id, job.uid, run.scheduledAt, run.manual);
    },
    jobId: job.id,
    uid: job.uid,
    manual: run.manual !== undefined,
    startedAt: undefined,
    finishedAt: over ? now : undefined,
    attempt: 0,
    crashes: 0,
    value: undefined,
    error: undefined,
    owner: undefined,
    fence: 0,
    progress: undefined,
  };
}
