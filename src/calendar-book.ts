import type { Json, Trigger, TriggerJson } from './core/trigger.ts';
import { InvalidOptionError } from './errors.ts';
import { choice } from './job-options.ts';
import { oneOf } from './nearest.ts';
import type { Calendar } from './triggers/calendar.ts';
import { type CalendarPolicy, CalendarShiftTrigger } from './triggers/calendar-shift.ts';

const policies = ['skip', 'next-working-day', 'previous-working-day'] as const;

/** The calendars that one scheduler knows by name, for jobs that keep clear of them. */
export class CalendarBook {
  readonly #calendars: Map<string, Calendar> = new Map();

  set(calendar: Calendar): void {
    this.#calendars.set(calendar.name, calendar);
  }

  all(): Calendar[] {
    return [...this.#calendars.values()];
  }

  /** The trigger, kept clear of the calendars named. @throws InvalidOptionError */
  keepClear(trigger: Trigger, names: unknown, policy: unknown): Trigger {
    const list: unknown[] = names === undefined ? [] : Array.isArray(names) ? [...new Set<unknown>(names)] : [names];
    if (list.length === 0) {
      if (policy !== undefined)
        throw new InvalidOptionError('calendarPolicy', policy, 'calendars beside it, which says what to keep clear of');
      return trigger;
    }
    const chosen: CalendarPolicy = policy === undefined ? 'skip' : choice(policy, 'calendarPolicy', policies);
    if (list.length > 1 && chosen !== 'skip')
      throw new InvalidOptionError(
        'calendars',
        names,
        `one calendar with all the days, as calendarPolicy ${JSON.stringify(chosen)} moves a run to a day that must be free in each`,
      );
    return list.reduce((inner: Trigger, name) => new CalendarShiftTrigger(inner, { calendar: this.#named(name), policy: chosen }), trigger);
  }

  #named(name: unknown): Calendar {
    const calendar = typeof name === 'string' ? this.#calendars.get(name) : undefined;
    if (calendar === undefined)
      throw new InvalidOptionError(
        'calendars',
        name,
        `the name of a calendar given to scheduler.setCalendar: ${oneOf(name, [...this.#calendars.keys()])}`,
      );
    return calendar;
  }
}

/** A trigger's JSON with this edition of a calendar in place of any other; `undefined` if it names none, or has this one. */
export function withCalendar(json: TriggerJson, calendar: Calendar): TriggerJson | undefined {
  const edition = calendar.toJSON();
  let changed = false;
  const renew = (value: Json): Json => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(renew);
    const fields = new Map<string, Json>(Object.entries(value));
    const isEdition = fields.get('type') === 'calendar-days' && fields.get('name') === calendar.name;
    if (!isEdition) return Object.fromEntries([...fields].map(([key, each]) => [key, renew(each)]));
    changed ||= JSON.stringify(value) !== JSON.stringify(edition);
    return edition;
  };
  const renewed = Object.fromEntries(Object.entries(json).map(([key, each]) => [key, renew(each)]));
  return changed ? { ...renewed, type: json.type } : undefined;
}
