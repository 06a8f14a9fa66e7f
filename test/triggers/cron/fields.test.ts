import { describe, expect, it } from 'vitest';
import { InvalidOptionError, InvalidTriggerError } from '../../../src/errors.ts';
import { CronTrigger, type CronTriggerOptions } from '../../../src/triggers/cron/cron.ts';

const from = '2026-01-01 00:00:00';
const first = (options: CronTriggerOptions, n = 3): string[] =>
  new CronTrigger({ timezone: 'UTC', ...options }).preview(n, { from }).map((time) => time.toFormat("yyyy-MM-dd'T'HH:mm:ss"));

function refused(options: object): InvalidTriggerError {
  let trigger: unknown;
  try {
    trigger = Reflect.construct(CronTrigger, [{ timezone: 'UTC', ...options }]);
  } catch (error) {
    if (error instanceof InvalidTriggerError) return error;
    throw error;
  }
  return expect.fail(`${JSON.stringify(options)} was accepted as ${String(trigger)}`);
}

describe('a field not given', () => {
  it('is its minimum if none less significant is given', () => {
    expect(first({ hour: 12, minute: 30 }, 2)).toEqual(['2026-01-01T12:30:00', '2026-01-02T12:30:00']);
    expect(first({ day: 15 }, 2)).toEqual(['2026-01-15T00:00:00', '2026-02-15T00:00:00']);
    expect(first({ month: 6 }, 2)).toEqual(['2026-06-01T00:00:00', '2027-06-01T00:00:00']);
    expect(first({ year: 2030 })).toEqual(['2030-01-01T00:00:00']);
  });

  it('is every value if one less significant is given', () => {
    expect(first({ second: '*/20' })).toEqual(['2026-01-01T00:00:20', '2026-01-01T00:00:40', '2026-01-01T00:01:00']);
    expect(first({ minute: 5 }, 2)).toEqual(['2026-01-01T00:05:00', '2026-01-01T01:05:00']);
    expect(first({ year: 2030, hour: 12 }, 2)).toEqual(['2030-01-01T12:00:00', '2030-01-02T12:00:00']);
  });

  it('is every value for week and dayOfWeek, which lets a day alone decide', () => {
    expect(first({ dayOfWeek: 'mon' }, 2)).toEqual(['2026-01-05T00:00:00', '2026-01-12T00:00:00']);
    expect(first({ week: 2 }, 8)).toEqual([
      '2026-01-05T00:00:00',
      '2026-01-06T00:00:00',
      '2026-01-07T00:00:00',
      '2026-01-08T00:00:00',
      '2026-01-09T00:00:00',
      '2026-01-10T00:00:00',
      '2026-01-11T00:00:00',
      '2027-01-11T00:00:00',
    ]);
  });

  it('is left out in the same way when it is undefined', () => {
    expect(first({ hour: 12, minute: undefined })).toEqual(first({ hour: 12 }));
  });

  it('cannot be every one of them', () => {
    expect(refused({}).reason).toContain('at least one of');
    expect(refused({ hour: undefined }).field).toBe('cron');
  });
});

describe('expressions of a field', () => {
  it.each<[CronTriggerOptions, string[]]>([
    [{ hour: '*/10' }, ['2026-01-01T10:00:00', '2026-01-01T20:00:00', '2026-01-02T00:00:00']],
    [{ hour: '5/10' }, ['2026-01-01T05:00:00', '2026-01-01T15:00:00', '2026-01-02T05:00:00']],
    [{ hour: '8-10' }, ['2026-01-01T08:00:00', '2026-01-01T09:00:00', '2026-01-01T10:00:00']],
    [{ hour: '8-12/4' }, ['2026-01-01T08:00:00', '2026-01-01T12:00:00', '2026-01-02T08:00:00']],
    [{ hour: '8, 10 ,12' }, ['2026-01-01T08:00:00', '2026-01-01T10:00:00', '2026-01-01T12:00:00']],
    [{ hour: [8, '20-21'] }, ['2026-01-01T08:00:00', '2026-01-01T20:00:00', '2026-01-01T21:00:00']],
    [{ hour: '22-1' }, ['2026-01-01T01:00:00', '2026-01-01T22:00:00', '2026-01-01T23:00:00']],
    [{ month: 'feb' }, ['2026-02-01T00:00:00', '2027-02-01T00:00:00', '2028-02-01T00:00:00']],
    [{ month: 'Nov-Jan' }, ['2026-11-01T00:00:00', '2026-12-01T00:00:00', '2027-01-01T00:00:00']],
    [{ month: 'feb-oct/4' }, ['2026-02-01T00:00:00', '2026-06-01T00:00:00', '2026-10-01T00:00:00']],
    [{ dayOfWeek: 'fri-mon' }, ['2026-01-02T00:00:00', '2026-01-03T00:00:00', '2026-01-04T00:00:00']],
    [{ dayOfWeek: 'mon-fri/2' }, ['2026-01-02T00:00:00', '2026-01-05T00:00:00', '2026-01-07T00:00:00']],
    [{ dayOfWeek: 'fri-mon/2' }, ['2026-01-02T00:00:00', '2026-01-04T00:00:00', '2026-01-09T00:00:00']],
    [{ dayOfWeek: 0 }, ['2026-01-04T00:00:00', '2026-01-11T00:00:00', '2026-01-18T00:00:00']],
    [{ dayOfWeek: 7 }, ['2026-01-04T00:00:00', '2026-01-11T00:00:00', '2026-01-18T00:00:00']],
    [{ dayOfWeek: '5-7' }, ['2026-01-02T00:00:00', '2026-01-03T00:00:00', '2026-01-04T00:00:00']],
    [{ day: 'last' }, ['2026-01-31T00:00:00', '2026-02-28T00:00:00', '2026-03-31T00:00:00']],
    [{ day: '2nd tue' }, ['2026-01-13T00:00:00', '2026-02-10T00:00:00', '2026-03-10T00:00:00']],
    [{ day: 'LAST Fri' }, ['2026-01-30T00:00:00', '2026-02-27T00:00:00', '2026-03-27T00:00:00']],
    [{ day: '5th sun' }, ['2026-03-29T00:00:00', '2026-05-31T00:00:00', '2026-08-30T00:00:00']],
    [{ day: ['1st mon', 20, 'last'] }, ['2026-01-05T00:00:00', '2026-01-20T00:00:00', '2026-01-31T00:00:00']],
    [{ year: '2027-2031/2' }, ['2027-01-01T00:00:00', '2029-01-01T00:00:00', '2031-01-01T00:00:00']],
    [{ week: 53, dayOfWeek: 'mon' }, ['2026-12-28T00:00:00', '2032-12-27T00:00:00', '2037-12-28T00:00:00']],
  ])('%j', (options, expected) => {
    expect(first(options)).toEqual(expected);
  });

  it('must all match, day and dayOfWeek and week too', () => {
    expect(first({ day: 13, dayOfWeek: 'fri' })).toEqual(['2026-02-13T00:00:00', '2026-03-13T00:00:00', '2026-11-13T00:00:00']);
    expect(first({ month: 1, week: 53 }, 4)).toEqual([
      '2027-01-01T00:00:00',
      '2027-01-02T00:00:00',
      '2027-01-03T00:00:00',
      '2033-01-01T00:00:00',
    ]);
    expect(first({ day: '1st mon', week: '1-10' })).toEqual(['2026-01-05T00:00:00', '2026-02-02T00:00:00', '2026-03-02T00:00:00']);
  });

  it.each([
    { day: 30, month: 2 },
    { week: 53, month: 6 },
    { day: '5th fri', month: 2, year: 2026 },
    { dayOfWeek: 'mon', day: '1st tue' },
    { year: 2025, week: 53 },
  ])('%j never fires, and is found out quickly', (options) => {
    const trigger = new CronTrigger({ timezone: 'America/New_York', ...options });
    expect(trigger.next(Date.UTC(2026, 0, 1))).toBeUndefined();
    expect(trigger.next(0)).toBeUndefined();
  });
});

describe('a field that cannot be meant', () => {
  it('with a step and nothing to step over is refused with what would be right', () => {
    for (const hour of ['23/1', '23-23/2']) {
      expect(() => new CronTrigger({ hour, timezone: 'UTC' })).toThrow('nothing to step over; write 23');
    }
  });

  it.each([
    [{ hour: 24 }, 'hour'],
    [{ hour: -1 }, 'hour'],
    [{ hour: 1.5 }, 'hour'],
    [{ hour: Number.NaN }, 'hour'],
    [{ hour: '' }, 'hour'],
    [{ hour: [] }, 'hour'],
    [{ hour: null }, 'hour'],
    [{ hour: true }, 'hour'],
    [{ hour: [[1]] }, 'hour'],
    [{ hour: '1,,2' }, 'hour'],
    [{ hour: '*/0' }, 'hour'],
    [{ hour: '*/24' }, 'hour'],
    [{ hour: '5-7/3' }, 'hour'],
    [{ hour: '1-2-3' }, 'hour'],
    [{ hour: '?' }, 'hour'],
    [{ second: 60 }, 'second'],
    [{ minute: '*/60' }, 'minute'],
    [{ month: '*/12' }, 'month'],
    [{ month: 0 }, 'month'],
    [{ month: 'january' }, 'month'],
    [{ month: 'mon' }, 'month'],
    [{ day: 32 }, 'day'],
    [{ day: '20-10' }, 'day'],
    [{ day: 'lastfoo' }, 'day'],
    [{ day: 'last foo' }, 'day'],
    [{ day: '6th mon' }, 'day'],
    [{ day: '2nd' }, 'day'],
    [{ day: '2nd tue fri' }, 'day'],
    [{ day: 'L' }, 'day'],
    [{ dayOfWeek: 'mon#2' }, 'dayOfWeek'],
    [{ dayOfWeek: '2nd mon' }, 'dayOfWeek'],
    [{ dayOfWeek: 8 }, 'dayOfWeek'],
    [{ week: 54 }, 'week'],
    [{ week: '50-2' }, 'week'],
    [{ year: 1969 }, 'year'],
    [{ year: 10_000 }, 'year'],
  ])('%j is refused with its name', (options, field) => {
    expect(refused(options).field).toBe(field);
  });

  it('is named with its expression and what would be right', () => {
    const error = refused({ dayOfWeek: 'mon-funday' });
    expect(error).toMatchObject({ field: 'dayOfWeek', expression: 'mon-funday' });
    expect(error.message).toContain('sun to sat');
  });
});

describe('options', () => {
  it('that do not exist are refused, with the likely one named', () => {
    expect(() => Reflect.construct(CronTrigger, [{ hour: 1, day_of_week: 'mon' }])).toThrow(/dayOfWeek/);
    expect(() => Reflect.construct(CronTrigger, [{ hour: 1, timeZone: 'UTC' }])).toThrow(InvalidOptionError);
  });

  it('fields and a text cannot be combined', () => {
    expect(refused({ expression: '* * * * *', hour: 1 }).field).toBe('hour');
  });

  it.each([{ timezone: 'Mars/Olympus' }, { gap: 'first' }, { fold: 'next' }, { seed: 5 }, { startDate: 'tomorrow' }, { endDate: 'x' }])(
    '%j is refused',
    (options) => {
      expect(() => Reflect.construct(CronTrigger, [{ hour: 1, ...options }])).toThrow(InvalidOptionError);
    },
  );

  it('must be an object', () => {
    for (const value of [undefined, null, 5, 'x']) expect(() => Reflect.construct(CronTrigger, [value])).toThrow(InvalidOptionError);
  });

  it("read the fields in the system's zone when none is named", () => {
    expect(new CronTrigger({ hour: 1 }).timezone).toBe(new Intl.DateTimeFormat().resolvedOptions().timeZone);
  });
});

describe('startDate and endDate', () => {
  const trigger = new CronTrigger({
    hour: 12,
    timezone: 'Europe/Berlin',
    startDate: '2026-05-01 12:00:00',
    endDate: '2026-05-03 12:00:00',
  });

  it('are both inclusive, and read in the zone of the trigger', () => {
    expect(trigger.preview(9, { from: 0 }).map((time) => time.toISO())).toEqual([
      '2026-05-01T12:00:00.000+02:00',
      '2026-05-02T12:00:00.000+02:00',
      '2026-05-03T12:00:00.000+02:00',
    ]);
  });

  it('bound the way back too', () => {
    const last = Date.parse('2026-05-03T12:00+02:00');
    expect(trigger.previous(Date.UTC(2030, 0, 1))).toBe(last);
    expect(trigger.previous(Date.parse('2026-05-01T12:00+02:00'))).toBeUndefined();
    expect(trigger.matches(last)).toBe(true);
    expect(trigger.matches(last + 86_400_000)).toBe(false);
  });

  it('a startDate one millisecond later leaves the first one out', () => {
    const later = new CronTrigger({ hour: 12, timezone: 'UTC', startDate: Date.UTC(2026, 0, 1, 12) + 1 });
    expect(later.next(0)).toBe(Date.UTC(2026, 0, 2, 12));
  });

  it('cannot be the wrong way round', () => {
    expect(() => new CronTrigger({ hour: 1, startDate: '2026-01-02', endDate: '2026-01-01' })).toThrow(InvalidOptionError);
  });
});

describe('JSON', () => {
  it.each<CronTriggerOptions>([
    { hour: 12, minute: '*/5', timezone: 'Asia/Shanghai' },
    {
      day: ['2nd tue', 5],
      dayOfWeek: 'mon-fri',
      week: '1-20',
      timezone: 'Europe/Berlin',
      startDate: '2026-02-01',
      endDate: '2029-01-01',
      gap: 'skip',
      fold: 'both',
    },
    { expression: '30 12 * * MON-FRI', timezone: 'America/New_York', fold: 'last' },
    { expression: 'H H(0-3) L-2,15W * +fri#2', timezone: 'UTC', seed: 'report' },
    { expression: '@daily', timezone: 'UTC' },
  ])('of %j gives the same trigger back', (options) => {
    const trigger = new CronTrigger(options);
    const revived = CronTrigger.fromJSON(JSON.parse(JSON.stringify(trigger)));
    expect(revived.toJSON()).toEqual(trigger.toJSON());
    expect(revived.preview(20, { from })).toEqual(trigger.preview(20, { from }));
    expect(revived.timezone).toBe(trigger.timezone);
  });

  it('is the same for texts that differ in spacing alone', () => {
    const a = CronTrigger.fromCrontab(' 0   12 * * * ', { timezone: 'UTC' });
    expect(a.toJSON()).toEqual(CronTrigger.fromCrontab('0 12 * * *', { timezone: 'UTC' }).toJSON());
  });

  it('of another kind is refused', () => {
    expect(() => CronTrigger.fromJSON({ type: 'interval', hour: 1 })).toThrow(InvalidOptionError);
  });

  it("does not follow a caller's later change to a list", () => {
    const hours = [1, 2];
    const trigger = new CronTrigger({ hour: hours, timezone: 'UTC' });
    hours.push(3);
    expect(trigger.toJSON()['hour']).toEqual([1, 2]);
  });
});

describe('times', () => {
  const trigger = new CronTrigger({ second: 0, timezone: 'UTC' });

  it('are whole seconds later than what was asked, to the millisecond', () => {
    expect(trigger.next(59_999)).toBe(60_000);
    expect(trigger.next(60_000)).toBe(120_000);
    expect(trigger.next(59_999.5)).toBe(60_000);
    expect(trigger.previous(60_001)).toBe(60_000);
    expect(trigger.previous(60_000)).toBe(0);
    expect(trigger.matches(60_001)).toBe(false);
  });

  it('begin with 1970 on the wall clock and end with 9999', () => {
    expect(trigger.next(-8e15)).toBe(0);
    expect(trigger.next(-Infinity)).toBe(0);
    expect(new CronTrigger({ hour: 0, timezone: 'Asia/Tokyo' }).next(-1e14)).toBe(-9 * 3_600_000);
    expect(trigger.next(Infinity)).toBeUndefined();
    expect(trigger.next(253_402_300_799_000)).toBeUndefined();
    expect(trigger.previous(Infinity)).toBe(253_402_300_740_000);
    expect(trigger.previous(0)).toBeUndefined();
    expect(trigger.previous(-Infinity)).toBeUndefined();
  });

  it('cannot be asked for with NaN', () => {
    expect(() => trigger.next(Number.NaN)).toThrow(InvalidOptionError);
    expect(() => trigger.previous(Number.NaN)).toThrow(InvalidOptionError);
  });
});

describe('a description', () => {
  const text = (expression: string): string => CronTrigger.fromCrontab(expression, { timezone: 'UTC' }).describe();
  it.each([
    ['* * * * * *', 'every second (UTC)'],
    ['* * * * *', 'every minute (UTC)'],
    ['*/5 * * * *', 'every 5 minutes (UTC)'],
    ['30 * * * *', 'at minute 30 of every hour (UTC)'],
    ['1 * * * * *', 'at second 1 of every minute (UTC)'],
    ['*/10 30 9-11 * * *', 'every 10 seconds of minute 30 of hours 9 to 11 (UTC)'],
    ['0,30 12 * * *', 'at 12:00 and 12:30 (UTC)'],
    ['0 9 * * 1-5', 'at 09:00, on Monday to Friday (UTC)'],
    ['0 0 13 * 5', 'at 00:00, on day 13 of the month or on Friday (UTC)'],
    ['0 0 13 * +5', 'at 00:00, on day 13 of the month if it is also Friday (UTC)'],
    ['0 0 L 2,3 fri#2', 'at 00:00, on the last day of the month or on the second Friday of the month, in February and March (UTC)'],
    ['5 0 0 15W * ? 2030', 'at 00:00:05, on the working day nearest to day 15, in 2030 (UTC)'],
  ])('of %j is %j', (expression, expected) => {
    expect(text(expression)).toBe(expected);
  });

  it('names the bounds', () => {
    const trigger = new CronTrigger({ hour: 1, timezone: 'Asia/Tokyo', startDate: '2026-01-01', endDate: '2027-01-01' });
    expect(trigger.describe()).toBe('at 01:00, from 2026-01-01 00:00:00 Asia/Tokyo, until 2027-01-01 00:00:00 Asia/Tokyo (Asia/Tokyo)');
  });
});
