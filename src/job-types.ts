import type { TaskFunction } from './core/task.ts';
import type { Trigger } from './core/trigger.ts';
import type { JobOptions, PolicyOptions } from './job-options.ts';
import type { TimeInput } from './time/instants.ts';
import type { DateTriggerOptions } from './triggers/date.ts';
import type { IntervalTriggerOptions } from './triggers/interval.ts';
import type { TriggerSpec } from './triggers/registry.ts';

/**
 * The options of your own kinds of trigger, by the name given to `registerTrigger`, so that `addJob` takes them:
 *
 * ```ts
 * declare module 'punctual' {
 *   interface CustomTriggerOptions {
 *     'full-moon': { hour?: number }
 *   }
 * }
 * ```
 */
// biome-ignore lint/suspicious/noEmptyInterface: it is there to be augmented
export interface CustomTriggerOptions {}

type CustomTriggerSpec = {
  [Kind in keyof CustomTriggerOptions]: { trigger: Kind } & CustomTriggerOptions[Kind];
}[keyof CustomTriggerOptions];

/** A trigger as options, discriminated by `trigger`, or a trigger object; a kind of `registerTrigger` is known by `CustomTriggerOptions`. */
// oxlint-disable-next-line typescript/no-redundant-type-constituents -- it is 'never' only until somebody augments it
export type TriggerInput = TriggerSpec | CustomTriggerSpec | { trigger: Trigger };

/** What `rescheduleJob` takes: the new trigger and the calendars that go with it, or a trigger object alone. */
export type NewTrigger = (TriggerInput & Pick<JobOptions, 'calendars' | 'calendarPolicy'>) | Trigger;

/** `args` may be left out where the function can be called without any. */
export type ArgsOption<Args extends readonly unknown[]> = [] extends Args ? { args?: Args } : { args: Args };

/** The parameters of what a job is made of; anything, where only a name or an address says what that is. */
export type ArgsOf<Ref> =
  Ref extends TaskHandle<infer Args> ? Args : Ref extends (...args: infer Args) => unknown ? Args : readonly unknown[];

/** What `addJob` takes beside the task. */
export type AddJobOptions<Args extends readonly unknown[] = readonly unknown[]> = TriggerInput &
  Omit<JobOptions, 'args'> &
  ArgsOption<Args>;

/** What the short forms leave to say of their trigger; of `cron`'s that is `CronBounds`. */
export type IntervalBounds = Pick<IntervalTriggerOptions, 'startDate' | 'endDate' | 'timezone'>;
export type DateBounds = Pick<DateTriggerOptions, 'timezone'>;

/** What `cron`, `every` and `at` take beside their first argument and the task. */
export type ShortFormOptions<Args extends readonly unknown[] = readonly unknown[], Bounds = DateBounds> = Omit<JobOptions, 'args'> &
  Bounds &
  ArgsOption<Args>;

/** What `modifyJob` changes; what is not named stays. The trigger is `rescheduleJob`'s. */
export interface JobModification extends PolicyOptions {
  name?: string;
  task?: TaskReference;
  args?: readonly unknown[];
  executor?: string;
  metadata?: Readonly<Record<string, unknown>>;
  /** Moves the next run, a date's with its date; `null` pauses. */
  nextRunTime?: TimeInput | null;
  queue?: string;
  priority?: string;
  expires?: JobOptions['expires'];
}

/** A task that was given a name by `scheduler.task`, with the defaults of its jobs. */
export interface TaskHandle<Args extends readonly unknown[] = readonly unknown[]> {
  readonly name: string;
  readonly defaults: PolicyOptions;
  /** Only for the type: the parameters of its function. */
  readonly args?: Args;
}

/** What a job can be made of: a function, a module export (`URL` with the export's name as its hash), a registered task's name or its handle. */
export type TaskReference = TaskFunction | URL | string | TaskHandle;
