import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { InvalidOptionError, TriggerSearchLimitError } from '../../src/errors.ts';
import { TimeZone } from '../../src/time/time-zone.ts';
import { CronTrigger } from '../../src/triggers/cron/cron.ts';
import { ExceptTrigger } from '../../src/triggers/except.ts';
import { IntervalTrigger } from '../../src/triggers/interval.ts';
import { Window, type WindowOptions, WindowTrigger } from '../../src/triggers/window.ts';
import { anyInstant, anyWindow } from './arbitrary-triggers.ts';

const at = (text: string): number => Date.parse(text);
const everySecond = new IntervalTrigger({ seconds: 1, startDate: 0 });

describe('Window', () => {
  test.each<[WindowOptions, string, boolean]>([
    [{ from: '09:00', to: '17:00' }, '2030-01-01T09:00:00+01:00', true],
    [{ from: '09:00', to: '17:00' }, '2030-01-01T17:00:00+01:00', false],
    [{ from: '22:00', to: '06:00', days: 'fri' }, '2030-01-05T05:59:00+01:00', true],
    [{ from: '22:00', to: '06:00', days: 'fri' }, '2030-01-04T05:59:00+01:00', false],
    [{ days: [0, 6] }, '2030-01-06T12:00:00+01:00', true],
    [{ days: 'mon-fri' }, '2030-01-06T12:00:00+01:00', false],
    [{ dates: ['2030-01-01/2030-01-03'] }, '2030-01-03T23:59:59+01:00', true],
    [{ dates: ['2030-01-01/2030-01-03'] }, '2030-01-04T00:00:00+01:00', false],
    [{ dates: ['11-15/03-15'] }, '2035-01-01T00:00:00+01:00', true],
    [{ dates: ['11-15/03-15'] }, '2035-07-01T00:00:00+02:00', false],
  ])('%j at %s: %s', (options, instant, inside) => {
    expect(new Window({ timezone: 'Europe/Berlin', ...options }).has(at(instant))).toBe(inside);
  });

  test('says where it opens and closes as a walk through its minutes does', () => {
    fc.assert(
      fc.property(anyWindow, anyInstant, (window, from) => {
        const limit = from + 3 * 86_400_000;
        const walk = (inside: boolean): number | undefined => {
          for (let instant = from; instant < limit; instant += 15 * 60_000) if (window.has(instant) === inside) return instant;
          return undefined;
        };
        const opens = window.enter(from);
        const closes = window.leave(from);
        // Every edge of these windows and every clock change lies on a quarter of an hour.
        fc.pre(from % (15 * 60_000) === 0);
        expect(opens !== undefined && opens < limit ? opens : undefined).toBe(walk(true));
        expect(closes !== undefined && closes < limit ? closes : undefined).toBe(walk(false));
      }),
      { numRuns: 60, maxSkipsPerRun: 100 },
    );
  });

  test.each<[WindowOptions, string]>([
    [{}, 'window'],
    [{ from: '25:00' }, 'from'],
    [{ from: '9' }, 'from'],
    [{ from: '09:00', to: '09:00' }, 'to'],
    [{ days: 'mondays' }, 'days'],
    [{ days: [] }, 'days'],
    [{ dates: ['2030-02-30'] }, 'dates'],
    [{ dates: ['2030-02-02/2030-02-01'] }, 'dates'],
    [{ dates: [] }, 'dates'],
  ])('refuses %j', (options, option) => {
    expect(() => new Window(options)).toThrow(expect.objectContaining({ name: InvalidOptionError.name, option }));
  });
});

test.each([
  [{ from: '02:00', to: '02:30', dates: ['2026-10-25'] }, '2026-10-25T02:35:00+02:00', '2026-10-25T02:00:00+01:00'],
  [{ from: '02:00', to: '02:30', days: 'sun' }, '2026-10-25T02:35:00+02:00', '2026-10-25T02:00:00+01:00'],
])('%j opens again when the clock is set back, even for the last time', (options, from, opens) => {
  const window = new Window({ timezone: 'Europe/Berlin', ...options });
  expect(window.enter(at(from))).toBe(at(opens));
  const trigger = new WindowTrigger(new IntervalTrigger({ minutes: 5, startDate: at(from) }), window);
  expect(trigger.next(at(from))).toBe(at(opens));
});

test('a window is closed, and opens, once in many years without a search through all its days for each clock change', () => {
  const spans = vi.spyOn(TimeZone.of('Europe/Berlin'), 'spanAt');
  const window = new Window({ days: 'mon', dates: ['02-29'], timezone: 'Europe/Berlin' });
  expect(window.enter(at('2026-01-01T00:00Z'))).toBe(at('2044-02-29T00:00+01:00'));
  expect(spans.mock.calls.length).toBeLessThan(6);
  spans.mockRestore();
});

test.each([
  [{ days: 'mon-fri' }, 'on Monday to Friday (UTC)'],
  [{ days: 'sat,sun', from: '22:00' }, 'from 22:00 to 24:00 on Saturday and Sunday (UTC)'],
  [{ from: '09:00', to: '17:00', dates: ['12-25'] }, 'from 09:00 to 17:00 within 12-25 (UTC)'],
])('%j reads %j', (options, text) => {
  expect(new Window({ timezone: 'UTC', ...options }).describe()).toBe(text);
});

test('a window that begins at the end of the day is refused by name', () => {
  expect(() => new Window({ from: '24:00' })).toThrow(expect.objectContaining({ option: 'from' }));
});

describe('WindowTrigger', () => {
  test('keeps to its hours', () => {
    const trigger = new WindowTrigger(new CronTrigger({ expression: '*/30 * * * *', timezone: 'UTC' }), {
      days: 'mon-fri',
      from: '09:00',
      to: '10:00',
      timezone: 'UTC',
    });
    expect(trigger.preview(3, { from: '2030-01-04T09:00:00Z' }).map((time) => time.toISO())).toEqual([
      '2030-01-04T09:30:00.000Z',
      '2030-01-07T09:00:00.000Z',
      '2030-01-07T09:30:00.000Z',
    ]);
  });

  test('leaps over a closed year of seconds', () => {
    const trigger = new WindowTrigger(everySecond, { dates: ['2030-01-01', '2031-01-01'], timezone: 'UTC' });
    expect(trigger.next(at('2030-01-01T23:59:59Z'))).toBe(at('2031-01-01T00:00:00Z'));
    expect(trigger.next(at('2031-01-01T23:59:59Z'))).toBeUndefined();
  });

  test('gives up where no fire time ever lies inside', () => {
    const noon = new CronTrigger({ expression: '0 12 * * *', timezone: 'UTC' });
    expect(() => new WindowTrigger(noon, { from: '13:00', to: '14:00', timezone: 'UTC' }).next(0)).toThrow(TriggerSearchLimitError);
  });
});

describe('ExceptTrigger', () => {
  test('leaves out the times of another trigger', () => {
    const trigger = new ExceptTrigger(everySecond, new IntervalTrigger({ seconds: 2, startDate: 0 }));
    expect([0, 1000, 2500].map((after) => trigger.next(after))).toEqual([1000, 3000, 3000]);
  });

  test('leaps over the hours of a window', () => {
    const trigger = new ExceptTrigger(everySecond, new Window({ dates: ['2030-01-01/2030-12-31'], timezone: 'UTC' }));
    expect(trigger.next(at('2029-12-31T23:59:59Z'))).toBe(at('2031-01-01T00:00:00Z'));
  });

  test('gives up where everything is left out', () => {
    expect(() => new ExceptTrigger(everySecond, everySecond).next(0)).toThrow(TriggerSearchLimitError);
  });

  test('anchors both sides', () => {
    const trigger = new ExceptTrigger(new IntervalTrigger({ seconds: 1 }), new IntervalTrigger({ seconds: 2 })).anchored(0);
    expect([0, 1000].map((after) => trigger.next(after))).toEqual([1000, 3000]);
  });
});
