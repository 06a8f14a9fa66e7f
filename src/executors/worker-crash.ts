import { reasonOf, WorkerCrashedError } from '../errors.ts';
import type { Culprit } from './worker-protocol.ts';

/** What is known of how a worker thread ended. */
export interface LastWords {
  /** The run whose code ended it, where the thread could say. */
  readonly culprit?: Culprit;
  /** The exception that ended it. */
  readonly fatal?: { readonly error: unknown };
  /** The latest run whose task the thread called. */
  readonly lastRun?: number;
}

/** Says why a thread ended under a run, and whether that run was to blame. `run` is the number of the latest one. */
export function crashError(exitCode: number | undefined, words: LastWords, run: number): WorkerCrashedError {
  const { culprit, fatal } = words;
  if (fatal === undefined) return new WorkerCrashedError(withoutException(exitCode, culprit, run), exitCode);
  const { error: cause } = fatal;
  if (codeOf(cause) === 'ERR_WORKER_OUT_OF_MEMORY') {
    const message = 'the worker thread ran out of memory; `resourceLimits` of the threads executor sets how much it has';
    return new WorkerCrashedError(message, exitCode, { cause });
  }
  return new WorkerCrashedError(
    `the worker thread ended by an exception that ${origin(culprit, run)} left uncaught: ${reasonOf(cause)}`,
    exitCode,
    {
      cause,
    },
  );
}

function withoutException(exitCode: number | undefined, culprit: Culprit, run: number): string {
  if (exitCode === undefined) return 'the worker thread did not answer and could not be ended';
  if (culprit === undefined) return `the worker thread ended with exit code ${exitCode} under the run`;
  return `the worker thread ended with exit code ${exitCode}: ${origin(culprit, run)} called process.exit`;
}

function origin(culprit: Culprit, run: number): string {
  if (culprit === undefined) return 'code outside of any run (at the top of a module, for instance)';
  const [number, jobId, runId] = culprit;
  return number === run ? 'the task' : `an earlier run (job ${JSON.stringify(jobId)}, run ${JSON.stringify(runId)}), already over,`;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
