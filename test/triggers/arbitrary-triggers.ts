import fc from 'fast-check';
import type { Trigger } from '../../src/core/trigger.ts';
import { Calendar } from '../../src/triggers/calendar.ts';
import { CalendarIntervalTrigger } from '../../src/triggers/calendar-interval.ts';
import { CalendarShiftTrigger } from '../../src/triggers/calendar-shift.ts';
import { AndTrigger, OrTrigger } from '../../src/triggers/combine.ts';
import { CronTrigger } from '../../src/triggers/cron/cron.ts';
import { DateTrigger } from '../../src/triggers/date.ts';
import { ExceptTrigger } from '../../src/triggers/except.ts';
import { IntervalTrigger } from '../../src/triggers/interval.ts';
import { Window, WindowTrigger } from '../../src/triggers/window.ts';

const minute = 60_000;
const day = 86_400_000;

export const zones: readonly string[] = [
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/Havana',
  'Pacific/Apia',
  'Asia/Kathmandu',
  'UTC',
];
export const anyZone: fc.Arbitrary<string> = fc.constantFrom(...zones);

/** Two years around clock changes and Apia's missing day (2011-12-30). */
export const anyInstant: fc.Arbitrary<number> = fc
  .integer({ min: Date.parse('2011-01-01T00:00:00Z') / minute, max: Date.parse('2012-12-31T00:00:00Z') / minute })
  .map((each) => each * minute);

export const anyDate: fc.Arbitrary<Trigger> = fc
  .record({ runDate: anyInstant, timezone: anyZone })
  .map((options) => new DateTrigger(options));

export const anyInterval: fc.Arbitrary<Trigger> = fc
  .record({
    milliseconds: fc.integer({ min: 20 * minute, max: 40 * day }),
    startDate: anyInstant,
    length: fc.option(fc.integer({ min: 0, max: 400 * day })),
  })
  .map(
    ({ milliseconds, startDate, length }) =>
      new IntervalTrigger({ milliseconds, startDate, timezone: 'UTC', ...(length !== null && { endDate: startDate + length }) }),
  );

export const anyCalendarInterval: fc.Arbitrary<CalendarIntervalTrigger> = fc
  .record({
    step: fc.constantFrom({ days: 1 }, { days: 3 }, { weeks: 2 }, { months: 1 }, { years: 1 }, { months: 5 }, { months: 1, days: 2 }),
    hour: fc.constantFrom(0, 1, 2, 9, 23),
    minute: fc.constantFrom(0, 30),
    startDate: anyInstant,
    timezone: anyZone,
    gap: fc.constantFrom('next' as const, 'skip' as const),
    fold: fc.constantFrom('first' as const, 'last' as const, 'both' as const),
  })
  .map(({ step, ...options }) => new CalendarIntervalTrigger({ ...step, ...options }));

export const anyCron: fc.Arbitrary<Trigger> = fc
  .record({
    expression: fc.constantFrom('0 9 * * MON-FRI', '30 2 * * *', '*/30 * * * *', '0 0 1 * *', '0 12 * * SAT', '15 1,2 * * *'),
    timezone: anyZone,
  })
  .map((options) => new CronTrigger(options));

export const anyWindow: fc.Arbitrary<Window> = fc
  .record({
    days: fc.constantFrom('mon-fri', 'sat,sun', 'fri', 'sun-sat'),
    from: fc.constantFrom('00:00', '01:30', '09:00', '22:00'),
    to: fc.constantFrom('02:15', '06:00', '17:00', '24:00'),
    dates: fc.option(fc.constantFrom(['2011-03-01/2011-11-30'], ['12-20/01-06', '10-30'], ['2012-02-29', '2011-12-30']), {
      nil: undefined,
    }),
    timezone: anyZone,
  })
  .map(({ dates, ...options }) => new Window(dates === undefined ? options : { ...options, dates }));

export const anyCalendar: fc.Arbitrary<Calendar> = fc
  .record({
    weekdays: fc.constantFrom('sat,sun', '', 'fri', 'sun'),
    dates: fc.constantFrom(['12-24/01-01'], ['2011-03-25/2011-04-05', '2011-12-30'], [], ['2011-11-07', '2012-01-02']),
    timezone: anyZone,
  })
  .map(({ weekdays, ...options }) => new Calendar({ name: 'days off', version: 2, weekdays: weekdays === '' ? [] : weekdays, ...options }));

/** Each kind by itself, fixed to a start. */
export const anySimple: fc.Arbitrary<Trigger> = fc.oneof(anyDate, anyInterval, anyCalendarInterval, anyCron);

const policy = fc.constantFrom('skip' as const, 'next-working-day' as const, 'previous-working-day' as const);

/** Compositions up to three deep. */
export const anyTrigger: fc.Arbitrary<Trigger> = fc.letrec<{ any: Trigger; combined: Trigger }>((tie) => ({
  any: fc.oneof({ maxDepth: 3, withCrossShrink: true }, anySimple, tie('combined')),
  combined: fc.oneof(
    fc.array(tie('any'), { minLength: 1, maxLength: 3 }).map((triggers) => new OrTrigger(triggers)),
    fc.tuple(tie('any'), anyCron).map((triggers) => new AndTrigger(triggers)),
    fc.tuple(tie('any'), fc.oneof(anyCron, anyCalendar, anyWindow)).map(([trigger, excluded]) => new ExceptTrigger(trigger, excluded)),
    fc.tuple(tie('any'), anyWindow).map(([trigger, window]) => new WindowTrigger(trigger, window)),
    fc
      .tuple(tie('any'), anyCalendar, policy)
      .map(([trigger, calendar, moved]) => new CalendarShiftTrigger(trigger, { calendar, policy: moved })),
  ),
})).any;
