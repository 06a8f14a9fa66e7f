import type { JobChanges, JobDefinition, JobPolicy, JobProgress, JobRecord, NewJob } from './core/job.ts';
import { isLive, makeJobId } from './core/job.ts';
import type { OnConflict } from './core/job-store.ts';
import type { CalendarBook } from './calendar-book.ts';
import type { Clock } from './core/clock.ts';
import type { Store } from './core/store.ts';
import type { Task } from './core/task.ts';
import type { Trigger } from './core/trigger.ts';
import type { ExecutorRoom } from './engine/executor-room.ts';
import { progressTo } from './engine/plan.ts';
import { InvalidOptionError, JobNeverRunsError } from './errors.ts';
import { firstRun, lastRun, movedTo } from './first-run.ts';
import {
  choice,
  executorOptionNames,
  hasPolicy,
  isSamePolicy,
  type JobOptions,
  jobOptionNames,
  nonEmptyText,
  parsePolicy,
  policyOptionNames,
} from './job-options.ts';
import type { JobModification, TaskReference } from './job-types.ts';
import { checkNames, oneOf } from './nearest.ts';
import { type DurationInput, parseDuration } from './time/duration.ts';
import { parseInstant, type TimeInput } from './time/instants.ts';
import { strictJson } from './stores/strict-json.ts';
import type { OwnExecutor, TaskRegistry } from './task-registry.ts';
import { DateTrigger } from './triggers/date.ts';
import { momentText } from './triggers/derived.ts';
import type { TriggerRegistry } from './triggers/registry.ts';

/** A job that was checked, and waits to be given its progress and to be stored. */
export interface Draft {
  readonly definition: JobDefinition;
  readonly jobStore: string;
  readonly onConflict: OnConflict;
  readonly transaction: unknown;
  /** Where somebody has set its next run. */
  readonly nextRunTime: number | undefined;
  readonly isPaused: boolean;
  /** Whether its date is the moment it was given, as nobody said another. */
  readonly isNow: boolean;
  /** How late its own misfire grace time lets a first run be; 0 if it has none of its own. */
  readonly grace: number;
  /** When it was given. */
  readonly since: number;
  /** Scheduled runs begun already, of a job that comes from elsewhere; 0 if absent. */
  readonly runCount?: number;
}

/** The store's time, when the job was given by the store's clock, and how late its first run may be. */
interface Times {
  readonly now: number;
  readonly since: number;
  readonly grace: number;
}

/** Options among which those of a trigger stand. */
interface TriggerOptions {
  readonly trigger?: unknown;
  readonly calendars?: unknown;
  readonly calendarPolicy?: unknown;
}

export interface DeskContext {
  readonly clock: Clock;
  readonly timezone: string;
  readonly policy: JobPolicy;
  readonly tasks: TaskRegistry;
  readonly triggers: TriggerRegistry;
  readonly executors: ExecutorRoom;
  readonly stores: ReadonlyMap<string, Store>;
  readonly calendars: CalendarBook;
}

/** What an executor is given of a job. */
type Runnable = Pick<JobDefinition, 'executor' | 'executorOptions' | 'task' | 'args'>;

const NO_ARGS: readonly unknown[] = Object.freeze([]);
const jobNames: ReadonlySet<string> = new Set(jobOptionNames);
/** `modifyJob` takes these, and says of the rest where they belong. */
const modifiable: readonly string[] = [
  ...policyOptionNames,
  ...executorOptionNames,
  'name',
  'task',
  'args',
  'executor',
  'metadata',
  'nextRunTime',
];

/** Where options become jobs: every option is checked here, once, before anything is stored. */
export class JobDesk {
  readonly #context: DeskContext;
  #lastPolicy: JobPolicy;

  constructor(context: DeskContext) {
    this.#context = context;
    this.#lastPolicy = context.policy;
  }

  /** @throws InvalidOptionError, InvalidTriggerError, TaskNotFoundError, JobNeverRunsError */
  draft(reference: TaskReference, options: JobOptions & { readonly trigger?: unknown }): Draft {
    if (typeof options !== 'object' || options === null)
      throw new InvalidOptionError('options', options, "an object with a trigger, such as { trigger: 'interval', seconds: 3 }");
    const { clock, timezone, tasks } = this.#context;
    const since = clock.now();
    const { task, defaults, own } = tasks.refer(reference);
    const jobStore = options.jobStore === undefined ? 'default' : options.jobStore;
    const store = this.#store(jobStore);
    const id = options.id === undefined ? undefined : nonEmptyText(options.id, 'id');
    const jobId = id ?? (store.durable ? makeJobId() : crypto.randomUUID());
    const given = this.trigger(options, jobId, since);
    const zone = given.timezone ?? timezone;
    const nextRunTime =
      options.nextRunTime == null ? undefined : parseInstant(options.nextRunTime, { timezone: zone, option: 'nextRunTime' });
    const trigger = nextRunTime === undefined ? given : movedTo(given, nextRunTime);
    const definition: JobDefinition = {
      id: jobId,
      name: options.name === undefined ? undefined : nonEmptyText(options.name, 'name'),
      task,
      args: checkArgs(options.args),
      executor: this.#executor(options.executor, task, { own, store }),
      executorOptions: executorOptions(options),
      policy: this.policy(options, defaults),
      metadata: checkMetadata(options.metadata),
      trigger,
      // A date that nobody said is now, and would be another at every boot.
      registration: options.trigger === 'date' && Reflect.get(options, 'runDate') === undefined ? trigger : given,
    };
    checkExecutorOptions(definition);
    this.#checkRunnable(definition);
    const grace = options.misfireGraceTime;
    const draft: Draft = {
      definition,
      jobStore,
      onConflict:
        options.onConflict === undefined ? 'replace' : choice(options.onConflict, 'onConflict', ['replace', 'keep', 'error'] as const),
      transaction: options.transaction,
      nextRunTime,
      isPaused: options.nextRunTime === null,
      isNow: options.trigger === 'date' && Reflect.get(options, 'runDate') === undefined && nextRunTime === undefined,
      grace: grace === undefined ? 0 : (definition.policy.misfireGraceTime ?? Infinity),
      since,
    };
    if (store.durable) this.#checkDurable(draft, id);
    return draft;
  }

  /** The job with its place in time, computed from `now`. @throws JobNeverRunsError */
  complete(draft: Draft, now: number): NewJob {
    const { id, name, task, args, executor, executorOptions, policy, metadata, registration } = draft.definition;
    const since = this.#sinceByStore(draft, now);
    const given = draft.isNow ? movedTo(draft.definition.trigger as Trigger, since) : (draft.definition.trigger as Trigger);
    const trigger = given.anchored?.(now) ?? given;
    const { nextRunTime, dueAt, state, reason, runCount } = this.#progress(draft, trigger, { now, since, grace: draft.grace });
    // Written out: spreading costs more than all the rest of adding a job.
    return {
      id,
      name,
      task,
      args,
      executor,
      executorOptions,
      policy,
      metadata,
      trigger,
      registration: draft.isNow ? given : registration,
      nextRunTime,
      dueAt,
      state,
      reason,
      runCount,
    };
  }

  /** When a job was given, by the clock of its store. */
  #sinceByStore(draft: Draft, now: number): number {
    return this.#store(draft.jobStore).durable ? draft.since + now - this.#context.clock.now() : draft.since;
  }

  #progress(draft: Draft, trigger: Trigger, times: Times): JobProgress {
    const { definition, nextRunTime, isPaused, runCount = 0 } = draft;
    const { now, since, grace } = times;
    // Its place in time is kept, so that what passes until it is resumed can be told of then.
    if (isPaused)
      return { nextRunTime: nextRunTime ?? firstRun(trigger, now, times), dueAt: undefined, state: 'paused', reason: undefined, runCount };
    const first = nextRunTime ?? firstRun(trigger, now, times);
    if (
      first === undefined ||
      (nextRunTime !== undefined && nextRunTime < since - Math.max(1000, grace) && trigger.next(now) === undefined)
    ) {
      throw new JobNeverRunsError(definition.id, neverReason(trigger, first, now));
    }
    if (runCount >= (definition.policy.maxRuns ?? Infinity)) throw new JobNeverRunsError(definition.id, `it has had its ${runCount} runs`);
    return progressTo(definition, trigger, first, runCount);
  }

  /** The trigger that options mean. @throws InvalidOptionError, InvalidTriggerError */
  trigger(options: TriggerOptions, jobId: string, now: number): Trigger {
    const trigger = this.#bareTrigger(options, jobId, now);
    if (options.calendars === undefined && options.calendarPolicy === undefined) return trigger;
    return this.#context.calendars.keepClear(trigger, options.calendars, options.calendarPolicy);
  }

  /** The new trigger that `rescheduleJob` was given. @throws InvalidOptionError, InvalidTriggerError */
  newTrigger(given: TriggerOptions | Trigger, jobId: string, now: number): Trigger {
    if (typeof given !== 'object' || given === null)
      throw new InvalidOptionError('trigger', given, "a trigger object, or options such as { trigger: 'interval', seconds: 3 }");
    const options: TriggerOptions = 'next' in given ? { trigger: given } : given;
    const trigger = this.trigger(options, jobId, now);
    for (const name of Object.keys(options)) {
      const belongs = !jobNames.has(name) || ['trigger', 'calendars', 'calendarPolicy'].includes(name);
      if (!belongs)
        throw new InvalidOptionError(name, Reflect.get(options, name), 'an option of the trigger; modifyJob changes the rest of a job');
    }
    return trigger;
  }

  #bareTrigger(options: TriggerOptions, jobId: string, now: number): Trigger {
    const { trigger: kind } = options;
    const { triggers, timezone } = this.#context;
    if (typeof kind === 'object' && kind !== null) {
      if (typeof Reflect.get(kind, 'next') !== 'function' || typeof Reflect.get(kind, 'toJSON') !== 'function')
        throw new InvalidOptionError('trigger', kind, 'a trigger object, with next and toJSON');
      for (const name in options)
        if (!jobNames.has(name))
          throw new InvalidOptionError(
            name,
            Reflect.get(options, name),
            `a job option, as the trigger is an object already: ${oneOf(name, jobOptionNames)}`,
          );
      return triggers.accept(kind as Trigger);
    }
    if (typeof kind !== 'string')
      throw new InvalidOptionError('trigger', kind, `a trigger object, or its kind: ${oneOf(kind, triggers.kinds())}`);
    return triggers.create(kind, options, { context: { timezone, now, jobId }, others: jobNames });
  }

  policy(options: object, defaults: object | undefined): JobPolicy {
    const base = defaults === undefined ? this.#context.policy : parsePolicy(defaults, this.#context.policy, 'task.');
    if (!hasPolicy(options)) return base;
    const policy = parsePolicy(options, base);
    // Jobs that are added one after the other mostly have one policy, and share it.
    if (!isSamePolicy(policy, this.#lastPolicy)) this.#lastPolicy = policy;
    return this.#lastPolicy;
  }

  /** What a modification changes, but for the next run time. @throws InvalidOptionError */
  changes(job: JobRecord, changes: JobModification, jobStore: string): JobChanges {
    if (typeof changes !== 'object' || changes === null) throw new InvalidOptionError('changes', changes, 'an object of what to change');
    if ('trigger' in changes)
      throw new InvalidOptionError(
        'trigger',
        changes.trigger,
        'rescheduleJob, which takes a new trigger and computes the next run from it',
      );
    if ('id' in changes) throw new InvalidOptionError('id', changes.id, 'nothing: a job keeps its id; remove it and add another');
    checkNames(changes, modifiable, '');
    const referred = changes.task === undefined ? undefined : this.#context.tasks.refer(changes.task);
    const task = referred?.task;
    const store = this.#store(jobStore);
    if (task !== undefined && store.durable) this.#checkRegistered(task);
    const own = executorOptions(changes);
    const made: JobChanges = {
      ...(changes.name !== undefined && { name: nonEmptyText(changes.name, 'name') }),
      ...(task !== undefined && { task }),
      ...(changes.args !== undefined && { args: checkArgs(changes.args) }),
      ...((changes.executor !== undefined || task !== undefined) && {
        executor: this.#executor(changes.executor ?? this.#ownChoice(job), task ?? job.task, { own: referred?.own, store }),
      }),
      ...(own !== undefined && { executorOptions: { ...job.executorOptions, ...own } }),
      ...(changes.metadata !== undefined && { metadata: checkMetadata(changes.metadata) }),
      ...(hasPolicy(changes) && { policy: parsePolicy(changes, job.policy) }),
    };
    const changed: Runnable = { ...job, ...made };
    if (own !== undefined) checkExecutorOptions(changed);
    this.#checkRunnable(changed);
    return made;
  }

  instant(value: TimeInput, trigger: Trigger, option: string): number {
    return parseInstant(value, { timezone: trigger.timezone ?? this.#context.timezone, option });
  }

  #store(name: string): Store {
    const store = this.#context.stores.get(name);
    if (store === undefined) throw new InvalidOptionError('jobStore', name, oneOf(name, [...this.#context.stores.keys()]));
    return store;
  }

  /** The job's executor, where that is not just the one for its kind of task. */
  #ownChoice(job: JobRecord): string | undefined {
    const kind = this.#context.tasks.resolve(job.task)?.target?.kind;
    return job.executor === (kind === 'module' ? 'threads' : 'inline') ? undefined : job.executor;
  }

  #executor(
    name: string | undefined,
    given: Task,
    { own, store }: { readonly own: OwnExecutor | undefined; readonly store: Store },
  ): string {
    const { executors, tasks } = this.#context;
    const task = tasks.resolve(given) ?? given;
    if (own !== undefined && executors.get(own.executorName) === undefined) executors.set(own.executorName, own.executor());
    const usual = own?.executorName ?? (task.target?.kind === 'module' ? 'threads' : 'inline');
    const chosen = name === undefined ? usual : name;
    const executor = executors.get(chosen);
    if (executor === undefined) throw new InvalidOptionError('executor', chosen, oneOf(chosen, executors.names()));
    // A task that other processes run is theirs to check, where they share the store.
    const refusal = task.target?.kind === 'elsewhere' && store.durable ? undefined : executor.refuses?.(task);
    if (refusal !== undefined) throw new InvalidOptionError('executor', chosen, refusal);
    return chosen;
  }

  /** Whether the job's executor could run it with these arguments and options. */
  #checkRunnable(job: Runnable): void {
    this.#context.executors.get(job.executor)?.check?.(job.task, job.args, job.executorOptions);
  }

  #checkDurable(draft: Draft, id: string | undefined): void {
    const { task, args, metadata, trigger } = draft.definition;
    this.#checkRegistered(task);
    strictJson(args, 'args');
    if (metadata !== undefined) strictJson(metadata, 'metadata');
    const recurring = isLive(trigger) && (draft.definition.policy.maxRuns ?? Infinity) > 1 && !isOnce(trigger, draft.since);
    if (id === undefined && recurring)
      throw new InvalidOptionError(
        'id',
        undefined,
        `an id: the job store ${JSON.stringify(draft.jobStore)} keeps jobs across restarts, and a recurring job without one would be added again at each`,
      );
  }

  #checkRegistered(task: Task): void {
    const { tasks } = this.#context;
    if (tasks.isRegistered(task)) return;
    throw new InvalidOptionError(
      'task',
      task.name,
      `a registered task, as a job store that keeps jobs across restarts takes only those: scheduler.task(name, functionOrUrl), then its name or handle`,
    );
  }
}

function isOnce(trigger: Trigger, now: number): boolean {
  const first = trigger.next(now) ?? now;
  return trigger.next(first) === undefined;
}

function neverReason(trigger: Trigger, first: number | undefined, now: number): string {
  const last = first ?? lastRun(trigger, now);
  const { endDate } = trigger.toJSON();
  if (last === undefined) return `its trigger has no fire time${endDate === undefined ? '' : ` before its endDate, ${String(endDate)}`}`;
  const what = trigger instanceof DateTrigger ? 'runDate' : 'last fire time';
  return `its ${what}, ${momentText(last, trigger.timezone)}, is past; a misfireGraceTime of its own would let it run late`;
}

/** What only a task engine can heed must not be given in vain. @throws InvalidOptionError */
function checkExecutorOptions({ executor, executorOptions: own }: Runnable): void {
  if (own === undefined || (executor !== 'inline' && executor !== 'threads')) return;
  const [name = ''] = Object.keys(own);
  throw new InvalidOptionError(
    name,
    own[name],
    `an executor that heeds it, such as that of a task app; this job's is ${JSON.stringify(executor)}`,
  );
}

function checkArgs(args: unknown): readonly unknown[] {
  if (args === undefined) return NO_ARGS;
  if (Array.isArray(args)) return args.length === 0 ? NO_ARGS : Object.freeze([...args]);
  throw new InvalidOptionError('args', args, 'an array of arguments');
}

function checkMetadata(metadata: unknown): Readonly<Record<string, unknown>> | undefined {
  if (metadata === undefined) return undefined;
  if (typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata)) return Object.freeze({ ...metadata });
  throw new InvalidOptionError('metadata', metadata, 'an object');
}

function executorOptions(options: {
  readonly queue?: string | undefined;
  readonly priority?: string | undefined;
  readonly expires?: DurationInput | undefined;
}): Readonly<Record<string, unknown>> | undefined {
  const { queue, priority, expires } = options;
  if (queue === undefined && priority === undefined && expires === undefined) return undefined;
  return Object.freeze({
    ...(queue !== undefined && { queue: nonEmptyText(queue, 'queue') }),
    ...(priority !== undefined && { priority: nonEmptyText(priority, 'priority') }),
    ...(expires !== undefined && { expires: parseDuration(expires, 'expires') }),
  });
}
