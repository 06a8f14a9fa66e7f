import type { Clock } from '../core/clock.ts';
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

/** Emits, making the payload only if somebody listens. */
export function tell<Name extends SchedulerEventName>(context: EngineContext, name: Name, payload: () => SchedulerEvents[Name]): void {
  if (context.emitter.listens(name)) context.emitter.emit(name, payload());
}
