import type { Trigger, TriggerJson } from '../core/trigger.ts';
import { InvalidOptionError } from '../errors.ts';
import { Calendar, type CalendarOptions } from './calendar.ts';
import { CalendarIntervalTrigger, type CalendarIntervalTriggerOptions, calendarIntervalOptionNames } from './calendar-interval.ts';
import { type CalendarPolicy, CalendarShiftTrigger } from './calendar-shift.ts';
import { AndTrigger, OrTrigger } from './combine.ts';
import { CronTrigger, type CronTriggerOptions, cronOptionNames } from './cron/cron.ts';
import { DateTrigger, type DateTriggerOptions, dateOptionNames } from './date.ts';
import type { TriggerContext, TriggerDefinition } from './definition.ts';
import { type Excluded, ExceptTrigger } from './except.ts';
import { IntervalTrigger, type IntervalTriggerOptions, intervalOptionNames } from './interval.ts';
import { Window, type WindowOptions, WindowTrigger, windowOptionNames } from './window.ts';

/** A trigger within the options of another one: made already, or as options itself. */
export type TriggerInput = Trigger | TriggerSpec;

export interface AndTriggerOptions {
  triggers: readonly TriggerInput[];
}

export interface OrTriggerOptions {
  triggers: readonly TriggerInput[];
}

export interface ExceptTriggerOptions {
  of: TriggerInput;
  /** A trigger, or a Calendar or Window: made already, or its options (those of a calendar have a `name`). */
  except: TriggerInput | Calendar | Window | CalendarOptions | WindowOptions;
}

export interface WindowTriggerOptions extends WindowOptions {
  of: TriggerInput;
}

export interface CalendarTriggerOptions {
  of: TriggerInput;
  calendar: Calendar | CalendarOptions;
  policy?: CalendarPolicy;
}

/** A trigger as options: its kind and what that kind takes. */
export type TriggerSpec =
  | ({ trigger: 'date' } & DateTriggerOptions)
  | ({ trigger: 'interval' } & IntervalTriggerOptions)
  | ({ trigger: 'cron' } & CronTriggerOptions)
  | ({ trigger: 'calendar-interval' } & CalendarIntervalTriggerOptions)
  | ({ trigger: 'and' } & AndTriggerOptions)
  | ({ trigger: 'or' } & OrTriggerOptions)
  | ({ trigger: 'except' } & ExceptTriggerOptions)
  | ({ trigger: 'window' } & WindowTriggerOptions)
  | ({ trigger: 'calendar' } & CalendarTriggerOptions);

/** Makes the trigger that stands under `option` within the options of another one. */
export type CreateChild = (child: TriggerInput, option: string, context: TriggerContext) => Trigger;

// What a definition is given has known names and unchecked values: each constructor checks every one of its options.
type Given<Options> = Options & Readonly<Record<string, unknown>>;
type Stored<Options> = TriggerJson & Options;

/** The kinds that every scheduler knows. */
export function builtInTriggers(createChild: CreateChild): Iterable<[string, TriggerDefinition]> {
  const definitions: Record<string, TriggerDefinition> = {
    date: {
      options: dateOptionNames,
      create: (options: Given<DateTriggerOptions>, { now }) =>
        new DateTrigger('runDate' in options ? options : { ...options, runDate: now }),
      // One that lost its date would else mean now, each time it is revived.
      revive: ({ type: _, runDate = '', ...options }: Stored<DateTriggerOptions>) => new DateTrigger({ runDate, ...options }),
    },
    interval: {
      options: intervalOptionNames,
      create: (options: Given<IntervalTriggerOptions>) => new IntervalTrigger(options),
      revive: ({ type: _, ...options }: Stored<IntervalTriggerOptions>) => new IntervalTrigger(options),
    },
    cron: {
      options: cronOptionNames,
      create: (options: Given<CronTriggerOptions>, { jobId }) =>
        new CronTrigger(options.expression === undefined ? options : { seed: jobId, ...options }),
      revive: (json) => CronTrigger.fromJSON(json),
    },
    'calendar-interval': {
      options: calendarIntervalOptionNames,
      create: (options: Given<CalendarIntervalTriggerOptions>) => new CalendarIntervalTrigger(options),
      revive: ({ type: _, ...options }: Stored<CalendarIntervalTriggerOptions>) => new CalendarIntervalTrigger(options),
    },
    and: {
      options: ['triggers'],
      create: ({ triggers }: Given<AndTriggerOptions>, context) =>
        new AndTrigger(listOf(triggers).map((child, index) => createChild(child, `triggers[${index}]`, context))),
      revive: ({ triggers }, revive) => new AndTrigger(storedList(triggers).map(revive)),
    },
    or: {
      options: ['triggers'],
      create: ({ triggers }: Given<OrTriggerOptions>, context) =>
        new OrTrigger(listOf(triggers).map((child, index) => createChild(child, `triggers[${index}]`, context))),
      revive: ({ triggers }, revive) => new OrTrigger(storedList(triggers).map(revive)),
    },
    except: {
      options: ['of', 'except'],
      create: ({ of, except }: Given<ExceptTriggerOptions>, context) =>
        new ExceptTrigger(createChild(of, 'of', context), excludedOf(except, context, createChild)),
      revive: ({ of, except }, revive) => new ExceptTrigger(revive(stored(of, 'of')), revivedExcluded(stored(except, 'except'), revive)),
    },
    window: {
      options: ['of', ...windowOptionNames],
      create: ({ of, ...window }: Given<WindowTriggerOptions>, context) => new WindowTrigger(createChild(of, 'of', context), window),
      revive: ({ type: _, of, ...window }: TriggerJson & WindowOptions, revive) => new WindowTrigger(revive(stored(of, 'of')), window),
    },
    calendar: {
      options: ['of', 'calendar', 'policy'],
      create: ({ of, calendar, policy }: Given<CalendarTriggerOptions>, context) =>
        new CalendarShiftTrigger(createChild(of, 'of', context), {
          calendar: calendarOf(calendar, context),
          ...(policy !== undefined && { policy }),
        }),
      revive: ({ of, calendar, policy }: TriggerJson & { policy: CalendarPolicy }, revive) =>
        new CalendarShiftTrigger(revive(stored(of, 'of')), { calendar: revivedCalendar(stored(calendar, 'calendar')), policy }),
    },
  };
  return Object.entries(definitions);
}

/** Whether a trigger is of punctual's own make, which needs no guard. */
export function isBuiltIn(trigger: Trigger): boolean {
  return [
    DateTrigger,
    IntervalTrigger,
    CronTrigger,
    CalendarIntervalTrigger,
    AndTrigger,
    OrTrigger,
    ExceptTrigger,
    WindowTrigger,
    CalendarShiftTrigger,
  ].some((builtIn) => trigger instanceof builtIn);
}

function calendarOf(given: Calendar | CalendarOptions, { timezone }: TriggerContext): Calendar {
  if (given instanceof Calendar) return given;
  if (typeof given !== 'object' || given === null) throw new InvalidOptionError('calendar', given, 'a Calendar, or its options');
  return new Calendar({ timezone, ...given });
}

function excludedOf(given: ExceptTriggerOptions['except'], context: TriggerContext, createChild: CreateChild): Excluded {
  if (given instanceof Calendar || given instanceof Window) return given;
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new InvalidOptionError('except', given, 'a trigger, a Calendar or a Window, or the options of one');
  if ('next' in given || 'trigger' in given) return createChild(given, 'except', context);
  return 'name' in given ? calendarOf(given, context) : new Window({ timezone: context.timezone, ...given });
}

function revivedExcluded(json: TriggerJson, revive: (json: TriggerJson) => Trigger): Excluded {
  if (json.type === 'calendar-days') return revivedCalendar(json);
  if (json.type !== 'hours') return revive(json);
  const { type: _, ...window } = json;
  return new Window(window);
}

function revivedCalendar({ type: _, ...options }: TriggerJson): Calendar {
  const { name, ...rest } = options;
  return new Calendar({ name: typeof name === 'string' ? name : '', ...rest });
}

function listOf(given: readonly TriggerInput[]): readonly TriggerInput[] {
  if (!Array.isArray(given)) throw new InvalidOptionError('triggers', given, 'a list of triggers, or of trigger options');
  return given;
}

function storedList(json: unknown): TriggerJson[] {
  if (!Array.isArray(json)) throw new InvalidOptionError('triggers', json, 'a list of stored triggers');
  return json.map((each: unknown, index) => stored(each, `triggers[${index}]`));
}

function stored(json: unknown, option: string): TriggerJson {
  if (isTriggerJson(json)) return json;
  throw new InvalidOptionError(option, json, 'a stored trigger: an object with its kind in "type"');
}

function isTriggerJson(json: unknown): json is TriggerJson {
  return typeof json === 'object' && json !== null && 'type' in json && typeof json.type === 'string';
}
