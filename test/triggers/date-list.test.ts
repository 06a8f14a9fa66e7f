import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { calendarDay, dateOf, dayText } from '../../src/time/calendar-day.ts';
import { DateList } from '../../src/triggers/date-list.ts';

const firstDay = calendarDay(1890, 1, 1);
const lastDay = calendarDay(2110, 12, 31);
const anyDay = fc.integer({ min: firstDay, max: lastDay });
// 29 February is the day that goes wrong: it comes up as often as all the others.
const anyMonthDay = fc.oneof(
  fc.constant('02-29'),
  fc.constantFrom('01-01', '12-31', '02-28', '03-01'),
  anyDay.map((day) => dayText(day).slice(5)),
);
const anyYearly = fc.oneof(
  anyMonthDay,
  fc.tuple(anyMonthDay, anyMonthDay).map(([first, last]) => `${first}/${last}`),
);
const anyOwn = fc.tuple(anyDay, fc.integer({ min: 0, max: 900 })).map(([day, length]) => `${dayText(day)}/${dayText(day + length)}`);
const anyList = fc
  .tuple(fc.array(anyYearly, { maxLength: 3 }), fc.array(anyOwn, { maxLength: 4 }))
  .map(([yearly, own]) => [...yearly, ...own]);

/** As the text says it: whether a month and day, or a whole date, lies between the two ends. */
function says(texts: readonly string[], day: number): boolean {
  return texts.some((text) => {
    const [first = '', last = first] = text.split('/');
    const date = first.length > 5 ? dayText(day) : dayText(day).slice(5);
    return first <= last ? first <= date && date <= last : first <= date || date <= last;
  });
}

/** The first day from `day` on of which `wanted` is true, one day after the other; `undefined` if none is within 70 years. */
function walk(day: number, wanted: (day: number) => boolean): number | undefined {
  for (let each = day; each < day + 70 * 366; each++) if (wanted(each)) return each;
  return undefined;
}

describe('a list of dates', () => {
  test('has the days that its texts say', () => {
    fc.assert(
      fc.property(anyList, anyDay, (texts, day) => {
        expect(new DateList(texts, 'dates').has(day)).toBe(says(texts, day));
      }),
    );
  });

  test('is entered and left where a walk from day to day finds it', () => {
    fc.assert(
      fc.property(anyList, fc.integer({ min: calendarDay(2050, 1, 1), max: lastDay }), (texts, day) => {
        const list = new DateList(texts, 'dates');
        expect(list.enter(day)).toBe(walk(day, (each) => says(texts, each)));
        expect(list.leave(day)).toBe(walk(day, (each) => !says(texts, each)));
      }),
      { numRuns: 300 },
    );
  });

  test('leaps over a century without a leap day', () => {
    const only = new DateList(['02-29'], 'dates');
    const allBut = new DateList(['03-01/02-28'], 'dates');
    const from = calendarDay(2096, 3, 1);
    expect([only.enter(from), allBut.leave(from)].map((day) => dateOf(day ?? 0).year)).toEqual([2104, 2104]);
  });

  test('is never left when it has all days, and never entered when it is over', () => {
    expect(new DateList(['01-01/12-31'], 'dates').leave(0)).toBeUndefined();
    expect(new DateList(['01-01/06-30', '07-01/12-31'], 'dates').leave(0)).toBeUndefined();
    expect(new DateList(['1999-12-31'], 'dates').enter(calendarDay(2000, 1, 1))).toBeUndefined();
  });
});
