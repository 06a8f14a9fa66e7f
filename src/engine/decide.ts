import type { JobRecord } from '../core/job.ts';
import type { Fire } from '../core/job-store.ts';
import { InvalidOptionError, reasonOf } from '../errors.ts';
import type { EngineContext } from './context.ts';
import { plan, progressTo } from './plan.ts';

/**
 * What a due job becomes; a text says why it cannot be planned, and has to be parked, alone. A job of a durable store with a task or a
 * kind of trigger that is not registered here is left to those that know it: then there is no answer.
 */
export function decide(
  job: JobRecord,
  now: number,
  { engine, durable }: { readonly engine: Pick<EngineContext, 'resolveTask' | 'revive'>; readonly durable: boolean },
): Fire | string | undefined {
  if (job.state !== 'waiting') return `it is due, which a job with the state ${JSON.stringify(job.state)} never is`;
  if (engine.resolveTask(job.task) === undefined) return durable ? undefined : `no task is registered as ${JSON.stringify(job.task.name)}`;
  try {
    const trigger = engine.revive(job.trigger);
    return plan(job, trigger, now) ?? { ...progressTo(job, trigger, job.nextRunTime, job.runCount), job, runs: [], cancelRunning: false };
  } catch (error) {
    return durable && isUnknownKind(error) ? undefined : reasonOf(error);
  }
}

/** Whether a trigger, or one within it, is of a kind that is not registered here. */
function isUnknownKind(error: unknown): boolean {
  return error instanceof InvalidOptionError && error.option === 'trigger.type';
}
