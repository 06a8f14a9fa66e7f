import { CalendarBook } from './calendar-book.ts';
import type { Run, SchedulerEventName } from './core/events.ts';
import type { TaskFunction } from './core/task.ts';
import type { EngineContext } from './engine/context.ts';
import { Emitter, type Listener } from './engine/emitter.ts';
import { ExecutorRoom } from './engine/executor-room.ts';
import { Lane } from './engine/lane.ts';
import { Loop } from './engine/loop.ts';
import { InvalidOptionError } from './errors.ts';
import { InlineExecutor } from './executors/inline.ts';
import { type Exported, exportJobs, importedDrafts } from './export.ts';
import { checkListener } from './event-names.ts';
import { type ExplainPlaces, type ExplainWindow, type Explanation, explain } from './explain.ts';
import { type Health, healthOf } from './health.ts';
import type { Job } from './job.ts';
import { JobCommands } from './job-commands.ts';
import { JobDesk } from './job-desk.ts';
import type { JobOptions, PolicyOptions } from './job-options.ts';
import { checkNames } from './nearest.ts';
import type {
  AddJobOptions,
  ArgsOf,
  DateBounds,
  IntervalBounds,
  JobModification,
  NewTrigger,
  ShortFormOptions,
  TaskHandle,
  TaskReference,
} from './job-types.ts';
import { LazyThreads } from './lazy-threads.ts';
import { Lifecycle, type SchedulerState, type ShutdownOptions } from './lifecycle.ts';
import { checkOptions, type SchedulerOptions } from './options.ts';
import { jobTable } from './print.ts';
import { type RunList, type RunQuery, runsOf } from './run-query.ts';
import { shortForm } from './short-form.ts';
import { TaskRegistry } from './task-registry.ts';
import type { DurationInput } from './time/duration.ts';
import type { TimeInput } from './time/instants.ts';
import { Calendar, type CalendarOptions } from './triggers/calendar.ts';
import type { CronBounds } from './triggers/cron/cron.ts';
import { TriggerRegistry, type TriggerDefinition } from './triggers/registry.ts';

/** One job for `addJobs`: its task beside its options. */
export type JobEntry<Ref extends TaskReference = TaskReference> = AddJobOptions<ArgsOf<Ref>> & { readonly task: Ref };

/** What the scheduler needs of a task app to be its beat. */
export interface BeatApp {
  beatJobs(): readonly { readonly task: TaskReference; readonly options: JobOptions & { readonly trigger?: unknown } }[];
}

/**
 * Runs jobs when they are due. Constructing only stores; `start` or `run` makes it run.
 *
 * ```ts
 * const scheduler = new Scheduler({ timezone: 'Asia/Shanghai' })
 * await scheduler.addJob(sendReport, { trigger: 'cron', hour: 12, minute: 30 })
 * await scheduler.start()
 * ```
 */
export class Scheduler {
  readonly #engine: EngineContext;
  readonly #emitter: Emitter;
  readonly #tasks: TaskRegistry = new TaskRegistry();
  readonly #triggers: TriggerRegistry = new TriggerRegistry();
  readonly #calendars: CalendarBook = new CalendarBook();
  readonly #desk: JobDesk;
  readonly #lanes: ReadonlyMap<string, Lane>;
  readonly #commands: JobCommands;
  readonly #lifecycle: Lifecycle;

  /** @throws InvalidOptionError */
  constructor(options: SchedulerOptions = {}) {
    const { timezone, stores, executors, inline, threads, policy, logger, clock } = checkOptions(options);
    const room = new ExecutorRoom();
    room.set('inline', new InlineExecutor(inline));
    room.set('threads', new LazyThreads(threads));
    for (const [name, executor] of executors) room.set(name, executor);
    if (executors.size > 0) this.#tasks.allowSending();
    this.#emitter = new Emitter(logger);
    this.#engine = {
      clock,
      logger,
      timezone,
      emitter: this.#emitter,
      executors: room,
      resolveTask: (task) => this.#tasks.resolve(task),
      knownTasks: () => this.#tasks.runnable(),
      revive: (trigger) => this.#triggers.live(trigger),
    };
    const owner = `${process.pid}-${crypto.randomUUID().slice(0, 8)}`;
    const lanes: Lane[] = [];
    const loop = new Loop(this.#engine, lanes);
    for (const [alias, store] of stores)
      lanes.push(new Lane(alias, store, this.#engine, { owner, rearm: () => loop.arm(), isStarted: () => this.state !== 'stopped' }));
    this.#lanes = new Map(lanes.map((lane) => [lane.alias, lane]));
    room.onRoom = () => loop.lookForMore();
    this.#desk = new JobDesk({
      clock,
      timezone,
      policy,
      tasks: this.#tasks,
      triggers: this.#triggers,
      executors: room,
      stores,
      calendars: this.#calendars,
    });
    this.#commands = new JobCommands(this.#engine, this.#desk, this.#lanes);
    this.#lifecycle = new Lifecycle(this.#engine, { loop, lanes, addPending: () => this.#commands.adding.addPending() });
  }

  get state(): SchedulerState {
    return this.#lifecycle.state;
  }

  /**
   * Adds a job: a function runs on the event loop, a module reference (`new URL('./file.js#exportName', import.meta.url)`) in a worker thread.
   * Before the first `start` it waits, and its times are computed from the start.
   * @throws InvalidOptionError, InvalidTriggerError, JobNeverRunsError, ConflictingJobError, TaskNotFoundError, NotSerializableError
   */
  async addJob<Args extends readonly unknown[]>(
    task: ((...args: Args) => unknown) | TaskHandle<Args>,
    options: AddJobOptions<NoInfer<Args>>,
  ): Promise<Job>;
  async addJob(task: URL | string, options: AddJobOptions): Promise<Job>;
  async addJob(task: TaskReference, options: JobOptions & { trigger?: unknown }): Promise<Job> {
    return this.#commands.adding.addOne(this.#desk.draft(task, options));
  }

  /** Adds many jobs in few steps of their stores. All are checked before the first is stored. */
  async addJobs<const Refs extends readonly TaskReference[]>(
    entries: readonly [...{ [Index in keyof Refs]: JobEntry<Refs[Index]> }],
  ): Promise<Job[]>;
  async addJobs(entries: readonly JobEntry[]): Promise<Job[]> {
    if (!Array.isArray(entries)) throw new InvalidOptionError('jobs', entries, 'an array of { task, trigger, ... }');
    return this.#commands.adding.add(
      entries.map((entry: JobEntry, index) => {
        if (typeof entry !== 'object' || entry === null)
          throw new InvalidOptionError(`jobs[${index}]`, entry, 'an object of { task, trigger, ... }');
        const { task, ...options } = entry;
        return this.#desk.draft(task, options);
      }),
    );
  }

  /** Short for `addJob` with a crontab text: `scheduler.cron('30 12 * * MON-FRI', sendReport)`. */
  async cron<Args extends readonly unknown[]>(
    expression: string,
    task: ((...args: Args) => unknown) | TaskHandle<Args>,
    ...rest: OptionsLast<Args, CronBounds>
  ): Promise<Job>;
  async cron(expression: string, task: URL | string, options?: ShortFormOptions<readonly unknown[], CronBounds>): Promise<Job>;
  async cron(expression: string, task: TaskReference, options: object = {}): Promise<Job> {
    const form = { trigger: 'cron', option: 'expression', value: expression, expected: 'crontab text such as "30 12 * * MON-FRI"' };
    return this.#add(task, shortForm(form, options));
  }

  /** Short for `addJob` with an interval: `scheduler.every('90s', poll)`. */
  async every<Args extends readonly unknown[]>(
    interval: DurationInput,
    task: ((...args: Args) => unknown) | TaskHandle<Args>,
    ...rest: OptionsLast<Args, IntervalBounds>
  ): Promise<Job>;
  async every(interval: DurationInput, task: URL | string, options?: ShortFormOptions<readonly unknown[], IntervalBounds>): Promise<Job>;
  async every(interval: DurationInput, task: TaskReference, options: object = {}): Promise<Job> {
    const form = { trigger: 'interval', option: 'every', value: interval, expected: 'a duration such as "90s", or milliseconds' };
    return this.#add(task, shortForm(form, options));
  }

  /** Short for `addJob` with a date: `scheduler.at('2030-10-01 09:00', sendReport)`. */
  async at<Args extends readonly unknown[]>(
    runDate: TimeInput,
    task: ((...args: Args) => unknown) | TaskHandle<Args>,
    ...rest: OptionsLast<Args, DateBounds>
  ): Promise<Job>;
  async at(runDate: TimeInput, task: URL | string, options?: ShortFormOptions): Promise<Job>;
  async at(runDate: TimeInput, task: TaskReference, options: object = {}): Promise<Job> {
    const form = { trigger: 'date', option: 'runDate', value: runDate, expected: 'a Date, epoch milliseconds, or ISO 8601 text' };
    return this.#add(task, shortForm(form, options));
  }

  async #add(task: TaskReference, options: JobOptions & { trigger?: unknown }): Promise<Job> {
    return this.#commands.adding.addOne(this.#desk.draft(task, options));
  }

  /** The job, or `undefined` if it was never added, was removed, or has finished; while stopped, of a persistent store only what waits for the start. */
  async getJob(id: string, options?: { jobStore?: string }): Promise<Job | undefined> {
    return this.#commands.get(id, options);
  }

  /** The jobs that wait for their next run, the earliest first; paused and parked ones last. */
  async getJobs(options?: { jobStore?: string }): Promise<Job[]> {
    return this.#commands.list(options);
  }

  /** Changes what is named; the next run time only if `nextRunTime` is. @throws JobNotFoundError, InvalidOptionError */
  async modifyJob(id: string, changes: JobModification, options?: { jobStore?: string }): Promise<Job> {
    return this.#commands.modifyJob(id, changes, options);
  }

  /**
   * Gives a job a new trigger, options or object, and computes its next run from now. A paused job stays paused.
   * Calendars belong to the trigger: those of the old one are gone with it, unless `calendars` names them again.
   * @throws JobNotFoundError, JobNeverRunsError, InvalidOptionError, InvalidTriggerError
   */
  async rescheduleJob(id: string, trigger: NewTrigger, options?: { jobStore?: string }): Promise<Job> {
    return this.#commands.rescheduleJob(id, trigger, options);
  }

  /**
   * Lets no fire time of a job run until it is resumed; the pause survives a restart in a persistent store. What was decided before goes on:
   * a run under way, and those that wait in a queue or for their next attempt, which `cancelRun` ends.
   * @throws JobNotFoundError
   */
  async pauseJob(id: string, options?: { jobStore?: string }): Promise<Job> {
    return this.#commands.pauseJob(id, options);
  }

  /** Lets a paused or parked job go on from now; what passed meanwhile is recorded as skipped and does not run. @throws JobNotFoundError */
  async resumeJob(id: string, options?: { jobStore?: string }): Promise<Job> {
    return this.#commands.resumeJob(id, options);
  }

  /** Removes a job; a run of it that is under way goes on, and is not tried again; one that waits is cancelled. @throws JobNotFoundError */
  removeJob(id: string, options?: { jobStore?: string }): Promise<void> {
    return this.#commands.removeJob(id, options);
  }

  /** Removes every job, of one store or of all. */
  async removeAllJobs(options?: { jobStore?: string }): Promise<void> {
    return this.#commands.removeAllJobs(options);
  }

  /** Runs a job now, outside its schedule, its policies obeyed; resolves to the recorded run once it is over. @throws JobNotFoundError, SchedulerStateError */
  async runJob(id: string, options?: { jobStore?: string }): Promise<Run> {
    return this.#commands.runJob(id, options);
  }

  /** Tells a run to stop, wherever it runs; one that waits is cancelled. False if it is over or unknown. @throws SchedulerStateError if a store is not open */
  async cancelRun(runId: string): Promise<boolean> {
    return this.#commands.cancelRun(runId);
  }

  /**
   * Gives a task a name, by which stored jobs find it in every process that registers it. Registering again replaces it.
   * Without a function or URL the name is declared: this process may add jobs for it, others run them.
   */
  task<Args extends readonly unknown[]>(name: string, task: (...args: Args) => unknown, defaults?: PolicyOptions): TaskHandle<Args>;
  task(name: string, task?: URL, defaults?: PolicyOptions): TaskHandle;
  task(name: string, task?: TaskFunction | URL, defaults: PolicyOptions = {}): TaskHandle {
    if (typeof defaults !== 'object' || defaults === null || Array.isArray(defaults))
      throw new InvalidOptionError('defaults', defaults, "an object of job options such as { timeout: '5m' }");
    this.#desk.policy({}, defaults);
    const handle = this.#tasks.register(name, task, defaults);
    for (const lane of this.#lanes.values()) if (lane.store.durable) lane.wake();
    return handle;
  }

  /** Adds a job for each entry of a task app's `beatSchedule`, with the entry's key as its id: the scheduler sends, workers anywhere run. */
  async addBeat(app: BeatApp): Promise<Job[]> {
    if (typeof app !== 'object' || app === null || typeof app.beatJobs !== 'function')
      throw new InvalidOptionError('app', app, 'a TaskApp');
    return this.#commands.adding.add(app.beatJobs().map(({ task, options }) => this.#desk.draft(task, options)));
  }

  /** Adds a kind of trigger, for `{ trigger: kind, ... }` and for stored jobs. */
  registerTrigger(kind: string, definition: TriggerDefinition): void {
    this.#triggers.register(kind, definition);
  }

  /**
   * Names a set of days, holidays or weekends, that jobs keep clear of by `calendars: 'name'`. A new edition under the same name
   * goes to every job that names it, and their next runs are computed anew; resolves to those that changed.
   * @throws InvalidOptionError
   */
  async setCalendar(calendar: Calendar | CalendarOptions): Promise<Job[]> {
    if (typeof calendar !== 'object' || calendar === null) throw new InvalidOptionError('calendar', calendar, 'a Calendar, or its options');
    const edition = calendar instanceof Calendar ? calendar : new Calendar({ timezone: this.#engine.timezone, ...calendar });
    this.#calendars.set(edition);
    return this.#commands.renewCalendar(edition);
  }

  /** The calendars given to `setCalendar`. */
  getCalendars(): Calendar[] {
    return this.#calendars.all();
  }

  /** One look at the stores: runs what is due, waits for it, and lets go again; for serverless functions and the system's cron. Answers with what ran. */
  async runDue(options?: ShutdownOptions): Promise<Run[]> {
    return this.#lifecycle.runDue(options);
  }

  /** Runs of the past and present, newest first; `cursor` is set while more follow. A persistent store has to be started, if only paused. */
  async getRuns(query?: RunQuery): Promise<RunList> {
    return runsOf(this.#engine, this.#lanes, query);
  }

  /** Each fire time in a window with what became of it and why, past and planned. @throws JobNotFoundError */
  async explain(jobId: string, window?: ExplainWindow): Promise<Explanation[]> {
    const pending: ExplainPlaces['pending'] = (id, jobStore) => this.#commands.pendingRecord(id, jobStore);
    return explain(this.#engine, { lanes: this.#lanes, state: this.state, pending, jobId }, window);
  }

  /** How the scheduler, its stores and its runs are doing. */
  async health(): Promise<Health> {
    return healthOf(this.#engine, this.#lifecycle, this.#lanes);
  }

  /** All jobs as JSON, for `importJobs`. @throws NotSerializableError for a job whose task has no name or whose arguments are not JSON */
  async exportJobs(options?: { jobStore?: string }): Promise<Exported> {
    return exportJobs(await this.#commands.records(options), { tasks: this.#tasks, revive: (trigger) => this.#triggers.live(trigger) });
  }

  /** Adds jobs from what `exportJobs` gave; their tasks must be registered here. */
  async importJobs(exported: Exported, options: { jobStore?: string; onConflict?: 'replace' | 'keep' | 'error' } = {}): Promise<Job[]> {
    checkNames(options, ['jobStore', 'onConflict'], '');
    return this.#commands.adding.add(importedDrafts(exported, { desk: this.#desk, triggers: this.#triggers, ...options }));
  }

  /** Writes the jobs as a table, by default to stdout. */
  async printJobs(out: { write(text: string): unknown } = process.stdout): Promise<void> {
    if (typeof out !== 'object' || out === null || typeof out.write !== 'function')
      throw new InvalidOptionError('out', out, 'a stream, or another object with the method write');
    out.write(jobTable(await this.getJobs()));
  }

  /** Background mode: resolves once the stores are open, and the app goes on. `paused` opens the stores for management only. @throws SchedulerStateError if it was started */
  async start(options?: { paused?: boolean }): Promise<void> {
    return this.#lifecycle.start(options);
  }

  /** Blocking mode: starts if need be and resolves once stopped. SIGINT and SIGTERM drain and stop it, a second one ends the process. */
  async run(options?: ShutdownOptions): Promise<void> {
    return this.#lifecycle.run(options);
  }

  /** No job begins until `resume`; runs under way go on. @throws SchedulerStateError if it is stopped */
  async pause(): Promise<void> {
    this.#lifecycle.pause();
  }

  /** Goes on; what passed meanwhile goes through the misfire policy. @throws SchedulerStateError if it is stopped */
  async resume(): Promise<void> {
    this.#lifecycle.resume();
  }

  /**
   * Stops: no run begins any more; those under way are waited for until `timeout` (default 30 s), then told to stop; `wait: false` tells them at once.
   * Jobs stay, and `start` works again. From inside a run it does not wait for that run. On a stopped scheduler it does nothing.
   */
  async shutdown(options?: ShutdownOptions): Promise<void> {
    return this.#lifecycle.shutdown(options);
  }

  /** Pending jobs keep the process alive: the default. */
  ref(): this {
    this.#lifecycle.keepAlive(true);
    return this;
  }

  /**
   * Pending jobs do not keep the process alive; `run` still does, until it resolves; and so does the Redis store while it has lost its
   * server and tries to reach it.
   */
  unref(): this {
    this.#lifecycle.keepAlive(false);
    return this;
  }

  /** Calls back at every event of that name. What a listener throws is logged and reaches nobody else. Returns its own undo. */
  on<Name extends SchedulerEventName>(name: Name, listener: Listener<Name>): () => void {
    checkListener(name, listener);
    return this.#emitter.on(name, listener);
  }

  /** The same for the next event of that name alone. */
  once<Name extends SchedulerEventName>(name: Name, listener: Listener<Name>): () => void {
    checkListener(name, listener);
    return this.#emitter.once(name, listener);
  }

  /** Takes back the latest `on` or `once` of this listener for that event; does nothing if there is none. */
  off<Name extends SchedulerEventName>(name: Name, listener: Listener<Name>): this {
    checkListener(name, listener);
    this.#emitter.off(name, listener);
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lifecycle.dispose();
  }
}

/** Options may be left out where the function can be called without arguments. */
type OptionsLast<Args extends readonly unknown[], Bounds> = [] extends Args
  ? [options?: ShortFormOptions<NoInfer<Args>, Bounds>]
  : [options: ShortFormOptions<NoInfer<Args>, Bounds>];
