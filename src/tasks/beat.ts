import { InvalidOptionError } from '../errors.ts';
import type { DurationInput } from '../time/duration.ts';
import type { Priority } from './engine.ts';
import { checkQueue } from './task-id.ts';
import type { CallableTask } from './task-link.ts';
import { checkNames, checkPriority } from './task-options.ts';

/**
 * When a task of the beat is sent:
 * - crontab text, `'30 12 * * MON-FRI'`;
 * - an interval, `{ seconds: 2 }`, in `weeks days hours minutes seconds milliseconds` or `every`;
 * - cron fields, `{ hour: 12, minute: 30 }`;
 * - a trigger's options, `{ trigger: 'calendar-interval', months: 1 }`, or a trigger itself.
 */
export type BeatSchedule = string | Readonly<Record<string, unknown>> | BeatTrigger;

/** A trigger, by what every trigger can do. */
export interface BeatTrigger {
  next(after: number): number | undefined;
  toJSON(): unknown;
}

export interface BeatEntry {
  /** The name of a task, or the task itself. */
  readonly task: string | CallableTask;
  readonly args?: readonly unknown[] | undefined;
  readonly schedule: BeatSchedule;
  /** How it is sent, and policies of its job such as `misfireGraceTime`, `coalesce`, `timezone`. */
  readonly options?: BeatOptions | undefined;
}

export interface BeatOptions {
  readonly queue?: string | undefined;
  readonly priority?: Priority | undefined;
  readonly expires?: DurationInput | undefined;
  readonly [policy: string]: unknown;
}

/** A job to be added to a scheduler: `scheduler.addJob(task, options)`. */
export interface BeatJob {
  readonly task: CallableTask;
  readonly options: Readonly<Record<string, unknown>> & { readonly id: string };
}

const entryNames: readonly string[] = ['task', 'args', 'schedule', 'options'] satisfies (keyof BeatEntry)[];
const intervalNames: ReadonlySet<string> = new Set(['weeks', 'days', 'hours', 'minutes', 'seconds', 'milliseconds', 'every']);

/**
 * A beat schedule as jobs, each with its key as the id.
 * @param taskOf the task of a name, which may be one that only others implement
 * @throws InvalidOptionError naming the entry
 */
export function beatJobs(schedule: Readonly<Record<string, BeatEntry>>, taskOf: (name: string) => CallableTask): readonly BeatJob[] {
  return Object.entries(schedule).map(([id, entry]) => {
    const option = `beatSchedule.${id}`;
    if (typeof entry !== 'object' || entry === null) throw new InvalidOptionError(option, entry, '{ task, schedule, args?, options? }');
    checkNames(entry, entryNames);
    const { task, args = [], schedule: when, options = {} } = entry;
    if (!Array.isArray(args)) throw new InvalidOptionError(`${option}.args`, args, 'an array of arguments');
    checkSending(options, `${option}.options`);
    return {
      task: typeof task === 'string' ? taskOf(task) : task,
      options: { ...options, ...triggerOptions(when, `${option}.schedule`), args, id },
    };
  });
}

/** What only the app can judge; the scheduler judges the rest. */
function checkSending(options: BeatOptions, option: string): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new InvalidOptionError(option, options, "options of its job, such as { queue: 'mail' }");
  }
  if (options.queue !== undefined) checkQueue(options.queue, `${option}.queue`);
  if (options.priority !== undefined) checkPriority(options.priority, `${option}.priority`);
}

function triggerOptions(schedule: unknown, option: string): Readonly<Record<string, unknown>> {
  if (typeof schedule === 'string') return { trigger: 'cron', expression: schedule };
  const expected = 'crontab text, an interval such as { seconds: 2 }, cron fields such as { hour: 12, minute: 30 }, or a trigger';
  if (typeof schedule !== 'object' || schedule === null || Array.isArray(schedule))
    throw new InvalidOptionError(option, schedule, expected);
  if ('next' in schedule && typeof schedule.next === 'function') return { trigger: schedule };
  if ('trigger' in schedule) return { ...schedule };
  const names = Object.keys(schedule);
  if (names.length === 0) throw new InvalidOptionError(option, schedule, expected);
  return { trigger: names.some((name) => intervalNames.has(name)) ? 'interval' : 'cron', ...schedule };
}
