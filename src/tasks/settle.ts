import type { Cancel, Clock } from '../core/clock.ts';
import type { Executor, RunResult } from '../core/executor.ts';
import type { RetryPolicy } from '../core/job.ts';
import type { Logger } from '../core/logger.ts';
import { JobTimeoutError, RunCancelledError, TaskNotFoundError, WorkerCrashedError } from '../errors.ts';
import { strictJson } from '../stores/strict-json.ts';
import type { Delivery, Settlement } from './engine.ts';
import { TaskMessageError, TaskRevokedError } from './errors.ts';
import { type RegisteredTask, runnable, type TaskRegistry } from './registry.ts';
import { isPrimitive } from './send-options.ts';
import { TaskRun } from './task-run.ts';

/** What a worker runs tasks with. */
export interface Workshop {
  readonly registry: TaskRegistry;
  readonly clock: Clock;
  readonly logger: Logger;
  executorFor(task: RegisteredTask['task']): Executor;
  /** A run began; the answer is called when it is over. */
  began(run: TaskRun): Cancel;
}

/** How many bytes of JSON a task may return. */
const maxResultBytes = 8_000_000;

/** Runs one delivery to its end. Never throws or rejects; a function that ends synchronously is settled synchronously. */
export function settle(delivery: Delivery, workshop: Workshop): Settlement | Promise<Settlement> {
  const refused = refuse(delivery, workshop.clock);
  if (refused !== undefined) return refused;
  const found = workshop.registry.get(delivery.task);
  if (found === undefined || found.task.target?.kind === 'elsewhere') {
    return { kind: 'failed', error: new TaskNotFoundError(delivery.task, runnable(workshop.registry)) };
  }
  const { policy, task } = found;
  if (delivery.crashes > 0 && policy.onCrash === 'fail') {
    return { kind: 'failed', error: new WorkerCrashedError("its worker died under it, and onCrash is 'fail'") };
  }
  const run = new TaskRun(delivery, task, workshop.logger);
  const ended = workshop.began(run);
  const timeout = delivery.timeout ?? policy.timeout;
  const cancelTimeout =
    timeout === undefined ? undefined : workshop.clock.wakeAfter(timeout, () => run.abort('timeout', new JobTimeoutError(timeout)));
  delivery.onStop((cause, reason) => {
    run.abort(cause, cause === 'revoked' ? new TaskRevokedError(delivery.id, reason) : new RunCancelledError(reason));
  });
  const finish = (result: RunResult): Settlement => {
    cancelTimeout?.();
    ended();
    return judge(run, result, delivery.retry ?? policy.retry);
  };
  const result = execute(run, workshop);
  return 'then' in result ? result.then(finish) : finish(result);
}

function execute(run: TaskRun, workshop: Workshop): RunResult | Promise<RunResult> {
  try {
    return workshop.executorFor(run.task).run(run);
  } catch (error) {
    // Only making an executor can fail; running never throws.
    return { ok: false, error };
  }
}

/** Why a delivery is not run at all, if it is not. */
function refuse(delivery: Delivery, clock: Clock): Settlement | undefined {
  if (delivery.problem !== undefined) return { kind: 'failed', error: new TaskMessageError(delivery.problem) };
  if (delivery.revoked !== undefined) return { kind: 'revoked', reason: delivery.revoked };
  if (delivery.expires !== undefined && clock.now() >= delivery.expires) {
    return { kind: 'revoked', reason: `expired: it was to begin before ${new Date(delivery.expires).toISOString()}` };
  }
  return undefined;
}

function judge(run: TaskRun, result: RunResult, retry: RetryPolicy | undefined): Settlement {
  switch (run.stopCause) {
    case 'revoked':
      return { kind: 'revoked', reason: run.abortReason instanceof TaskRevokedError ? run.abortReason.reason : 'revoked' };
    case 'lost':
      return { kind: 'lost' };
    case 'stopping':
      return { kind: 'returned' };
    case 'timeout':
      return failed(run.abortReason, run.attempt, retry);
    case undefined:
      break;
  }
  if (!result.ok) return failed(result.error, run.attempt, retry);
  try {
    if (result.value !== undefined && !isPrimitive(result.value)) strictJson(result.value, 'result', { limit: maxResultBytes });
  } catch (error) {
    // The next attempt would return the like.
    return { kind: 'failed', error };
  }
  return { kind: 'succeeded', value: result.value };
}

function failed(error: unknown, attempt: number, retry: RetryPolicy | undefined): Settlement {
  if (retry === undefined || attempt > retry.limit) return { kind: 'failed', error };
  const delay = Math.min(retry.maxDelay, Math.round(retry.delay * retry.backoff ** (attempt - 1)));
  return { kind: 'retry', error, delay };
}
