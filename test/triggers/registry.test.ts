import { describe, expect, test } from 'vitest';
import type { Trigger, TriggerJson } from '../../src/core/trigger.ts';
import { InvalidOptionError } from '../../src/errors.ts';
import { DateTrigger } from '../../src/triggers/date.ts';
import { TriggerRegistry } from '../../src/triggers/registry.ts';

const context = { timezone: 'Europe/Berlin', now: 1_900_000_000_000, jobId: 'report' };

describe('TriggerRegistry', () => {
  test('knows the kinds built in', () => {
    const registry = new TriggerRegistry();
    expect(registry.kinds()).toEqual(['date', 'interval', 'cron', 'calendar-interval', 'and', 'or', 'except', 'window', 'calendar']);
  });

  test('makes a trigger from options, in the zone of the scheduler', () => {
    const trigger = new TriggerRegistry().create('date', { runDate: '2030-01-01 00:00' }, { context });
    expect(trigger.next(0)).toBe(Date.parse('2030-01-01T00:00:00+01:00'));
    expect(trigger.timezone).toBe('Europe/Berlin');
  });

  test('keeps the zone that the options name', () => {
    const trigger = new TriggerRegistry().create('date', { runDate: '2030-01-01 00:00', timezone: 'UTC' }, { context });
    expect(trigger.timezone).toBe('UTC');
  });

  test('lets a date without a run date mean now', () => {
    expect(new TriggerRegistry().create('date', {}, { context }).next(0)).toBe(context.now);
    expect(new TriggerRegistry().create('date', { runDate: undefined }, { context }).next(0)).toBe(context.now);
  });

  test('names the kind that was meant', () => {
    expect(() => new TriggerRegistry().create('intervall', { seconds: 1 }, { context })).toThrow('did you mean "interval"?');
  });

  test('names the option that was meant', () => {
    expect(() => new TriggerRegistry().create('interval', { secnds: 1 }, { context })).toThrow('did you mean "seconds"?');
  });

  test("leaves the options that are the caller's", () => {
    const trigger = new TriggerRegistry().create('date', { id: 'report', runDate: 5 }, { context, others: new Set(['id']) });
    expect(trigger.next(0)).toBe(5);
    expect(() => new TriggerRegistry().create('date', { idd: 'report' }, { context, others: new Set(['id']) })).toThrow(
      'expected an option of the job or of its date trigger: one of "runDate", "timezone", "id"; did you mean "id"?',
    );
  });

  test('revives what it made', () => {
    const registry = new TriggerRegistry();
    const trigger = registry.create('interval', { minutes: 5, startDate: '2030-01-01 00:00' }, { context });
    const revived = registry.revive(JSON.parse(JSON.stringify(trigger)));
    expect(revived.toJSON()).toEqual(trigger.toJSON());
    expect(revived.next(context.now)).toBe(trigger.next(context.now));
  });

  test('revives frozen data once, and data that may change each time', () => {
    const registry = new TriggerRegistry();
    const json = { type: 'interval', seconds: 5, startDate: '2026-01-01T00:00:00.000Z' };
    expect(registry.live(json)).not.toBe(registry.live(json));
    Object.freeze(json);
    expect(registry.live(json)).toBe(registry.live(json));
  });

  test('refuses to revive what it does not know', () => {
    expect(() => new TriggerRegistry().revive({ type: 'moon' })).toThrow(InvalidOptionError);
  });

  test.each<[unknown, string]>([
    [null, 'trigger'],
    ['cron', 'trigger'],
    [{ type: 'date' }, 'runDate'],
    [{ type: 'calendar', of: { type: 'cron', hour: 9 }, calendar: { type: 'calendar-days' }, policy: 'skip' }, 'name'],
  ])('refuses to revive %j, which lost a part', (json, option) => {
    expect(() => new TriggerRegistry().revive(json as TriggerJson)).toThrow(
      expect.objectContaining({ name: 'InvalidOptionError', option }),
    );
  });

  test('makes triggers within triggers, from options or made already', () => {
    const registry = new TriggerRegistry();
    const of = { trigger: 'cron', hour: 9 };
    const weekends = { name: 'weekends', weekdays: 'sat,sun' };
    const made = [
      registry.create('or', { triggers: [of, new DateTrigger({ runDate: context.now + 1 })] }, { context }),
      registry.create('and', { triggers: [of, { trigger: 'cron', dayOfWeek: 'mon', hour: 9 }] }, { context }),
      registry.create('except', { of, except: { trigger: 'cron', dayOfWeek: 'mon', hour: 9 } }, { context }),
      registry.create('except', { of, except: weekends }, { context }),
      registry.create('except', { of, except: { from: '08:00', to: '10:00', days: 'sun' } }, { context }),
      registry.create('window', { of, days: 'mon-fri' }, { context }),
      registry.create('calendar', { of, calendar: weekends, policy: 'next-working-day' }, { context }),
      registry.create('calendar-interval', { weeks: 2, hour: 9 }, { context }),
    ];
    for (const trigger of made) {
      const json: TriggerJson = JSON.parse(JSON.stringify(trigger));
      expect(trigger.next(context.now)).toBeGreaterThan(context.now);
      expect(registry.revive(json).next(context.now)).toBe(trigger.next(context.now));
      expect(registry.revive(json).toJSON()).toEqual(json);
    }
  });

  test.each([[undefined], [null], ['holidays'], [[]]])('refuses to leave out %j, and says what it could be', (except) => {
    const options = { of: { trigger: 'cron', hour: 9 }, except };
    expect(() => new TriggerRegistry().create('except', options, { context })).toThrow(/^except: .*a trigger, a Calendar or a Window/);
  });

  test('gives the zone of the scheduler to what stands within', () => {
    const trigger = new TriggerRegistry().create('window', { of: { trigger: 'cron', hour: 9 }, days: 'mon-fri' }, { context });
    expect(trigger.toJSON()).toMatchObject({ timezone: 'Europe/Berlin', of: { timezone: 'Europe/Berlin' } });
  });

  test('derives H in a cron text from the id of the job', () => {
    const registry = new TriggerRegistry();
    const minuteOf = (jobId: string): number | undefined =>
      registry.create('cron', { expression: 'H H * * *' }, { context: { ...context, jobId } }).next(context.now);
    expect(minuteOf('report')).toBe(minuteOf('report'));
    expect(minuteOf('report')).not.toBe(minuteOf('cleanup'));
  });

  test.each([[{}], [{ triggers: 'x' }], [{ triggers: [null] }], [{ triggers: [{ trigger: 'corn', hour: 1 }] }]])(
    'refuses %j as triggers',
    (options) => {
      expect(() => new TriggerRegistry().create('or', options, { context })).toThrow(InvalidOptionError);
    },
  );

  test.each([
    [{ type: 'or' }],
    [{ type: 'or', triggers: [1] }],
    [{ type: 'window', of: 'x', days: 'mon' }],
    [{ type: 'interval', every: 0 }],
  ])('refuses %j from a store', (json) => {
    expect(() => new TriggerRegistry().revive(json)).toThrow(InvalidOptionError);
  });

  test('takes a kind of the user, for itself alone', () => {
    const once = (time: number): Trigger => ({
      next: (after) => (after < time ? time : undefined),
      toJSON: (): TriggerJson => ({ type: 'epoch', time }),
    });
    const registry = new TriggerRegistry();
    registry.register('epoch', {
      options: ['time'],
      create: (options) => once(Number(options['time'])),
      revive: (json) => once(Number(json['time'])),
    });
    expect(registry.create('epoch', { time: 7 }, { context }).next(0)).toBe(7);
    expect(registry.revive({ type: 'epoch', time: 7 }).next(7)).toBeUndefined();
    expect(new TriggerRegistry().kinds()).not.toContain('epoch');
  });

  test('lets a kind of the user do what it likes with the data it revives', () => {
    const registry = new TriggerRegistry();
    const never: Trigger = { next: () => undefined, toJSON: () => ({ type: 'never', list: [] }) };
    registry.register('never', {
      options: [],
      create: () => never,
      revive: (json) => {
        delete (json as { type?: string }).type;
        return never;
      },
    });
    const stored: TriggerJson = Object.freeze({ type: 'never' });
    expect(registry.revive(stored).next(0)).toBeUndefined();
    expect(stored.type).toBe('never');
  });

  test('refuses a kind whose name is taken', () => {
    const registry = new TriggerRegistry();
    const definition = { options: [], create: neverMade, revive: neverMade };
    expect(() => registry.register('date', definition)).toThrow(InvalidOptionError);
  });
});

function neverMade(): Trigger {
  throw new Error('never made');
}
