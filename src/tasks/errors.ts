import { SchedulerError, show } from '../errors.ts';

/** The task was revoked: by `revoke()`, or because it was still queued when it expired. */
export class TaskRevokedError extends SchedulerError {
  readonly taskId: string;
  /** Who or what revoked it, in words: `revoked`, `expired`, or the reason that was given. */
  readonly reason: string;

  constructor(taskId: string, reason: string) {
    super('TASK_REVOKED', `task ${show(taskId)} was revoked: ${reason}`);
    this.taskId = taskId;
    this.reason = reason;
  }
}

/** `get({ timeout })` waited as long as it was told to. The task goes on. */
export class ResultTimeoutError extends SchedulerError {
  readonly taskId: string;
  readonly timeoutMs: number;

  constructor(taskId: string, timeoutMs: number) {
    super('RESULT_TIMEOUT', `task ${show(taskId)} had no result after ${timeoutMs} ms; it goes on, and its result can still be asked for`);
    this.taskId = taskId;
    this.timeoutMs = timeoutMs;
  }
}

/** The engine knows no task of this id, so waiting for it would never end. */
export class ResultNotFoundError extends SchedulerError {
  readonly taskId: string;

  constructor(taskId: string) {
    super(
      'RESULT_NOT_FOUND',
      `no task has the id ${show(taskId)}: it was never sent, its result has expired, or it was sent with ignoreResult`,
    );
    this.taskId = taskId;
  }
}

/** A part of a group, chain or chord did not succeed, so what was to follow it never ran. The part's own error is the `cause`. */
export class TaskChildError extends SchedulerError {
  readonly taskId: string;
  readonly childId: string;

  constructor(taskId: string, childId: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : show(cause);
    super('TASK_CHILD', `task ${show(taskId)} did not run, because ${show(childId)} before it failed: ${why}`, { cause });
    this.taskId = taskId;
    this.childId = childId;
  }
}

/** A message that no task can be made of was taken from a queue and set aside. */
export class TaskMessageError extends SchedulerError {
  constructor(reason: string) {
    super('TASK_MESSAGE', reason);
  }
}

/** The engine cannot do what was asked, and says so instead of doing something similar. */
export class EngineUnsupportedError extends SchedulerError {
  readonly engine: string;
  readonly feature: string;

  constructor(engine: string, feature: string, instead: string) {
    super('ENGINE_UNSUPPORTED', `${engine} cannot do this: ${feature}; ${instead}`);
    this.engine = engine;
    this.feature = feature;
  }
}

/** A call to the engine's server failed. What was being sent may have arrived nevertheless. The driver's error is the `cause`. */
export class TaskEngineError extends SchedulerError {
  readonly engine: string;
  readonly operation: string;

  constructor(engine: string, operation: string, cause: unknown) {
    super('TASK_ENGINE', `${engine}: ${operation} failed: ${cause instanceof Error ? cause.message : show(cause)}`, { cause });
    this.engine = engine;
    this.operation = operation;
  }
}
