/**
 * Every error that punctual throws itself. Each has a stable `code`; match on that or on the class.
 * An error thrown by a task is never wrapped: it reaches events and run records as it was thrown.
 */
export class SchedulerError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}

/** A short text for what was thrown, whatever that is; never throwing. */
export function reasonOf(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } catch {
    return 'a value that cannot be shown as text';
  }
}

/** Text for a value inside an error message: short, quoted, never throwing. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (typeof value === 'object' && value !== null) {
    try {
      const text = JSON.stringify(value) ?? Object.prototype.toString.call(value);
      return text.length > 80 ? `${text.slice(0, 77)}...` : text;
    } catch {
      return Object.prototype.toString.call(value);
    }
  }
  return String(value);
}

/** An option that cannot be meant. `option` is its path, `value` what was given, `expected` what would be right. */
export class InvalidOptionError extends SchedulerError {
  readonly option: string;
  readonly value: unknown;
  readonly expected: string;

  constructor(option: string, value: unknown, expected: string, options?: ErrorOptions) {
    super('INVALID_OPTION', `${option}: got ${show(value)}, expected ${expected}`, options);
    this.option = option;
    this.value = value;
    this.expected = expected;
  }
}

/**
 * A trigger that cannot be meant. `field` is the cron field or trigger option, `expression` its text,
 * `reason` what is wrong and what would be right, `offset` the position in the whole text where that is known.
 */
export class InvalidTriggerError extends SchedulerError {
  readonly field: string;
  readonly expression: string;
  readonly reason: string;
  readonly offset: number | undefined;

  constructor(field: string, expression: unknown, reason: string, offset?: number, options?: ErrorOptions) {
    const text = typeof expression === 'string' ? expression : show(expression);
    super('INVALID_TRIGGER', `${field}: ${JSON.stringify(text)}${offset === undefined ? '' : ` at offset ${offset}`}: ${reason}`, options);
    this.field = field;
    this.expression = text;
    this.reason = reason;
    this.offset = offset;
  }
}

/** A trigger gave up its bounded search for the next fire time. It does not mean "never". */
export class TriggerSearchLimitError extends SchedulerError {
  constructor(trigger: string, after: number, limit: string) {
    super('TRIGGER_SEARCH_LIMIT', `${trigger}: no fire time found after ${new Date(after).toISOString()} within ${limit}`);
  }
}

/** A job with this id exists and `onConflict` is `'error'`. */
export class ConflictingJobError extends SchedulerError {
  readonly jobId: string;

  constructor(jobId: string) {
    super('CONFLICTING_JOB', `a job with id ${show(jobId)} exists already; use onConflict 'replace' or 'keep', or another id`);
    this.jobId = jobId;
  }
}

/** No job has this id: never added, removed, or finished. */
export class JobNotFoundError extends SchedulerError {
  readonly jobId: string;

  constructor(jobId: string, why = 'it was never added, was removed, or has finished') {
    super('JOB_NOT_FOUND', `no job has the id ${show(jobId)}: ${why}`);
    this.jobId = jobId;
  }
}

/** The trigger has no fire time left, so the job would be stored and never run. */
export class JobNeverRunsError extends SchedulerError {
  readonly jobId: string;

  constructor(jobId: string, reason: string) {
    super('JOB_NEVER_RUNS', `job ${show(jobId)} would never run: ${reason}`);
    this.jobId = jobId;
  }
}

/** No task has this name in this process. `known` lists those that exist. */
export class TaskNotFoundError extends SchedulerError {
  readonly task: string;
  readonly known: readonly string[];

  constructor(task: string, known: readonly string[]) {
    super(
      'TASK_NOT_FOUND',
      `no task is registered as ${show(task)}; known: ${known.length > 0 ? known.join(', ') : 'none'}; register it with scheduler.task(name, functionOrUrl)`,
    );
    this.task = task;
    this.known = known;
  }
}

/** A value that cannot be stored or sent; `path` says where in the arguments it stands. */
export class NotSerializableError extends SchedulerError {
  readonly path: string;

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super('NOT_SERIALIZABLE', `${path}: ${reason}`, options);
    this.path = path;
  }
}

/** The scheduler is in a state that does not allow the call, such as `start` twice. */
export class SchedulerStateError extends SchedulerError {
  constructor(message: string) {
    super('SCHEDULER_STATE', message);
  }
}

/** A store call failed. `store` is its alias, `operation` the call; the driver's error is the `cause`. */
export class StoreError extends SchedulerError {
  readonly store: string;
  readonly operation: string;

  constructor(store: string, operation: string, cause: unknown) {
    super('STORE', `job store ${show(store)}: ${operation} failed: ${cause instanceof Error ? cause.message : show(cause)}`, { cause });
    this.store = store;
    this.operation = operation;
  }
}

/** A run took longer than its `timeout`. */
export class JobTimeoutError extends SchedulerError {
  readonly timeoutMs: number;

  constructor(timeoutMs: number) {
    super('JOB_TIMEOUT', `the run took longer than its timeout of ${timeoutMs} ms`);
    this.timeoutMs = timeoutMs;
  }
}

/** A run was cancelled: by `cancelRun`, by `overlap: 'cancel-running'`, by shutdown's deadline, or by a lost lease. */
export class RunCancelledError extends SchedulerError {
  readonly reason: string;

  constructor(reason: string) {
    super('RUN_CANCELLED', `the run was cancelled: ${reason}`);
    this.reason = reason;
  }
}

/** The worker thread that ran the task ended under it. */
export class WorkerCrashedError extends SchedulerError {
  readonly exitCode: number | undefined;

  constructor(message: string, exitCode?: number, options?: ErrorOptions) {
    super('WORKER_CRASHED', message, options);
    this.exitCode = exitCode;
  }
}
