import type { Clock } from '../core/clock.ts';
import type { JobRecord } from '../core/job.ts';
import type { SchedulerEventName, SchedulerEvents } from '../core/events.ts';
import type { Logger } from '../core/logger.ts';
import type { Task } from '../core/task.ts';
import type { Trigger, TriggerJson } from '../core/trigger.ts';
import type { Emitter } from './emitter.ts';
import type { ExecutorRoom } from './executor-room.ts';

/** What the engine is given by the scheduler. */
export interface EngineContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly emitter: Emitter;
  readonly executors: ExecutorRoom;
  /** Zone of times whose trigger has none. */
  readonly timezone: string;
  /** The task with what it stands for in this process, or `undefined` if this process does not know it. */
  resolveTask(task: Task): Task | undefined;
  /** Names that this process can run. */
  knownTasks(): readonly string[];
  /** The live trigger; throws if its kind is unknown or its JSON broken. */
  revive(trigger: Trigger | TriggerJson): Trigger;
}

/** Why this process cannot run a job, whether or not it has room: then the job is for others. `undefined` if it can. */
export function strangeness(
  context: Pick<EngineContext, 'executors' | 'knownTasks' | 'resolveTask'>,
  job: JobRecord,
  durable: boolean,
): string | undefined {
  if (context.executors.get(job.executor) === undefined) return `no executor is called ${JSON.stringify(job.executor)} in this process`;
  const isKnown = durable ? context.knownTasks().includes(job.task.name) : context.resolveTask(job.task) !== undefined;
  return isKnown ? undefined : `its task ${JSON.stringify(job.task.name)} is for other processes: this one does not know what it does`;
}

/** Emits, making the payload only if somebody listens. */
export function tell<Name extends SchedulerEventName>(context: EngineContext, name: Name, payload: () => SchedulerEvents[Name]): void {
  if (context.emitter.listens(name)) context.emitter.emit(name, payload());
}
