import { describe, expect, it } from 'vitest';
import { InvalidTriggerError } from '../../../src/errors.ts';
import { CronTrigger } from '../../../src/triggers/cron/cron.ts';

// The clauses of the Open Cron Pattern Specification, by version and section.

const cron = (text: string): CronTrigger => CronTrigger.fromCrontab(text, { timezone: 'UTC' });
const at = (text: string): number => Date.parse(`${text.replace(' ', 'T')}Z`);

function matches(pattern: string, times: { yes: readonly string[]; no: readonly string[] }): void {
  const trigger = cron(pattern);
  for (const time of times.yes) expect(trigger.matches(at(time)), `${pattern} at ${time}`).toBe(true);
  for (const time of times.no) expect(trigger.matches(at(time)), `${pattern} at ${time}`).toBe(false);
}

function refused(pattern: string): InvalidTriggerError {
  let trigger: CronTrigger;
  try {
    trigger = cron(pattern);
  } catch (error) {
    if (error instanceof InvalidTriggerError) return error;
    throw error;
  }
  return expect.fail(`${JSON.stringify(pattern)} was accepted as ${trigger.describe()}`);
}

/** The values of a minute field. */
function minutes(field: string): number[] {
  return cron(`${field} 9 * * *`)
    .preview(60, { from: '2025-03-10 08:59:59' })
    .filter((time) => time.toISODate() === '2025-03-10')
    .map((time) => time.minute);
}

describe('OCPS 1.0', () => {
  it('4.1: has five fields', () => {
    matches('15 10 * * *', { yes: ['2025-03-10 10:15'], no: ['2025-03-10 10:14', '2025-03-10 11:15'] });
  });

  it.each(['', ' ', '*', '* * *', '* * * *', '* * * * * * * *'])('4.1: refuses %j, which has another number of fields', (pattern) => {
    expect(refused(pattern).field).toBe('expression');
  });

  it('4.1: ignores whitespace at the ends and takes any run of spaces and tabs between', () => {
    expect(cron(' \t15   10\t* * *  ').toString()).toBe('15 10 * * *');
  });

  it.each(['15 10 * * !', '15 10 * * $', '1;2 * * * *', '１ * * * *', '1.5 * * * *', '-1 * * * *', '0x1 * * * *', '1e1 * * * *'])(
    '4.1: refuses a character that is not in the set: %j',
    (pattern) => {
      refused(pattern);
    },
  );

  it.each([
    ['0-59 0-23 1-31 1-12 0-7', true],
    ['60 * * * *', false],
    ['* 24 * * *', false],
    ['* * 0 * *', false],
    ['* * 32 * *', false],
    ['* * * 0 *', false],
    ['* * * 13 *', false],
    ['* * * * 8', false],
    ['0,60 * * * *', false],
    ['50-60 * * * *', false],
  ])('4.2, 6.2: values outside of the field are refused: %j', (pattern, fine) => {
    if (fine) expect(cron(pattern).next(0)).toBe(60_000);
    else refused(pattern);
  });

  it('4.2: names are read in any letter case', () => {
    matches('30 8 * jan Mon', { yes: ['2025-01-06 08:30'], no: ['2025-02-03 08:30', '2025-01-07 08:30'] });
    for (const [index, name] of ['JAN', 'feb', 'Mar', 'aPr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'].entries()) {
      expect(new Date(cron(`0 0 1 ${name} *`).next(0) ?? 0).getUTCMonth()).toBe(index === 0 ? 0 : index);
    }
    for (const [index, name] of ['SUN', 'mon', 'Tue', 'weD', 'thu', 'fri', 'sat'].entries()) {
      expect(new Date(cron(`0 0 * * ${name}`).next(0) ?? 0).getUTCDay()).toBe(index);
    }
  });

  it.each(['0 0 * mon *', '0 0 * * jan', 'mon * * * *', '0 0 * * monday', '0 0 * january *', '0 0 * * mo'])(
    '4.2: refuses a name that the field does not have: %j',
    (pattern) => {
      refused(pattern);
    },
  );

  it('4.2: 0 and 7 are both Sunday', () => {
    for (const field of ['0', '7', '0,7', '7-7', 'SUN'])
      matches(`0 0 * * ${field}`, { yes: ['2025-03-09 00:00'], no: ['2025-03-08 00:00', '2025-03-10 00:00'] });
    matches('0 0 * * 5-7', {
      yes: ['2025-03-07 00:00', '2025-03-08 00:00', '2025-03-09 00:00'],
      no: ['2025-03-10 00:00', '2025-03-06 00:00'],
    });
    matches('0 0 * * 1-7/2', {
      yes: ['2025-03-10 00:00', '2025-03-12 00:00', '2025-03-14 00:00', '2025-03-16 00:00'],
      no: ['2025-03-15 00:00'],
    });
  });

  it('5: * , - / mean every value, a list, a range and a step', () => {
    expect(minutes('*')).toEqual(Array.from({ length: 60 }, (_, minute) => minute));
    expect(minutes('0,15,30,45')).toEqual([0, 15, 30, 45]);
    expect(minutes('9-17')).toEqual([9, 10, 11, 12, 13, 14, 15, 16, 17]);
    expect(minutes('5-59/15')).toEqual([5, 20, 35, 50]);
    expect(minutes('*/25')).toEqual([0, 25, 50]);
  });

  it('5.1: a list is the union of its items', () => {
    expect(minutes('50-52,*/30,7,7')).toEqual([0, 7, 30, 50, 51, 52]);
    expect(minutes('1-5,3-7')).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(minutes('10-20/15')).toEqual([10]);
  });

  it('6.1: day of month and day of week are joined by OR when both are restricted', () => {
    matches('0 12 1 * MON', { yes: ['2025-10-01 12:00', '2025-10-06 12:00'], no: ['2025-10-07 12:00'] });
    matches('0 12 * * MON', { yes: ['2025-10-06 12:00'], no: ['2025-10-07 12:00'] });
    matches('0 12 1 * *', { yes: ['2025-10-01 12:00'], no: ['2025-10-06 12:00'] });
  });

  it('6.1: a full range is restricted all the same', () => {
    matches('0 12 1-31 * MON', { yes: ['2025-10-06 12:00', '2025-10-07 12:00'], no: ['2025-10-08 11:00'] });
    matches('0 12 */2 * MON', { yes: ['2025-10-06 12:00', '2025-10-07 12:00'], no: ['2025-10-08 12:00'] });
  });

  it('6.2: a range from high to low is refused in the fields whose cycle has no fixed length', () => {
    expect(refused('0 0 10-5 * *')).toMatchObject({ field: 'day', offset: 4 });
    refused('0 0 0 1 1 * 2030-2025');
  });

  it.each(['*/0 * * * *', '1-5/0 * * * *', '0 0 * * */0'])('6.2: a step of 0 is refused: %j', (pattern) => {
    refused(pattern);
  });

  it.each(['*/90 * * * *', '0 */25 * * *', '0 0 * */13 *', '0 0 */32 * *'])('a step larger than the field is refused: %j', (pattern) => {
    refused(pattern);
  });

  it('6.2: an impossible date is valid, never fires, and says so at once', () => {
    for (const pattern of ['* * 31 2 *', '0 0 30 FEB *', '0 0 31 4,6,9,11 *', '0 0 30,31 2 *', '0 0 L-30 2 *', '0 0 31W 2 *']) {
      const trigger = cron(pattern);
      expect(trigger.next(Date.UTC(2026, 0, 1))).toBeUndefined();
      expect(trigger.previous(Date.UTC(2026, 0, 1))).toBeUndefined();
    }
  });
});

describe('OCPS 1.1', () => {
  it.each([
    ['@yearly', '0 0 1 1 *'],
    ['@annually', '0 0 1 1 *'],
    ['@monthly', '0 0 1 * *'],
    ['@weekly', '0 0 * * 0'],
    ['@daily', '0 0 * * *'],
    ['@midnight', '0 0 * * *'],
    ['@hourly', '0 * * * *'],
  ])('7.1: %s is %s', (nickname, pattern) => {
    const from = '2026-05-05 05:05:05';
    expect(cron(` ${nickname}\t`).preview(20, { from }).map(String)).toEqual(cron(pattern).preview(20, { from }).map(String));
  });

  it.each(['@Daily', '@YEARLY', '@every', '@', '@daily 0 0 * * *', '0 0 * * @daily', '@daily @hourly'])('7.1: refuses %j', (pattern) => {
    refused(pattern);
  });

  it('7.2: knows @reboot, and says that it is unsupported here', () => {
    expect(refused('@reboot').reason).toContain('unsupported');
  });

  it('5.1: every item of a list is checked, also after a *', () => {
    expect(minutes('*,1-30')).toHaveLength(60);
    for (const pattern of ['*,*,61 * * * *', '*,, * * * *', ',1 * * * *', '1, * * * *']) refused(pattern);
  });

  it('6.1: a day field is unrestricted when its first item is *', () => {
    matches('0 12 *,1 * MON', { yes: ['2025-10-06 12:00'], no: ['2025-10-01 12:00'] });
    matches('0 12 1,* * MON', { yes: ['2025-10-06 12:00', '2025-10-07 12:00'], no: [] });
  });

  it.each(['/30 * * * *', '0/15 * * * *', '10/10 * * * *', '0 0 * * mon/2'])(
    '6.2: a step without * or a range before it is refused: %j',
    (pattern) => {
      refused(pattern);
    },
  );

  it('6.2: such a step is refused with the spelling that would be right', () => {
    expect(refused('5/15 * * * *').reason).toContain('5-59/15');
  });
});

describe('OCPS 1.2', () => {
  it('4.1: five fields run at second 0', () => {
    matches('15 10 * * *', { yes: ['2025-03-10 10:15:00'], no: ['2025-03-10 10:15:30'] });
  });

  it('4.1: six fields have the second first', () => {
    matches('30 15 10 * * *', { yes: ['2025-03-10 10:15:30'], no: ['2025-03-10 10:15:29', '2025-03-10 10:15:00'] });
    refused('60 * * * * *');
  });

  it('4.2: seven fields have the year last', () => {
    matches('0 15 10 * * * 2025', { yes: ['2025-03-10 10:15:00'], no: ['2026-03-10 10:15:00'] });
    matches('0 0 12 1 1 * 2025-2030', { yes: ['2025-01-01 12:00', '2030-01-01 12:00'], no: ['2024-01-01 12:00', '2031-01-01 12:00'] });
    matches('0 0 0 1 1 * 2025,2027', { yes: ['2025-01-01 00:00', '2027-01-01 00:00'], no: ['2026-01-01 00:00'] });
    matches('0 0 0 1 1 * 1970-2199/2', { yes: ['2026-01-01 00:00'], no: ['2025-01-01 00:00', '2200-01-01 00:00'] });
    matches('0 0 0 1 1 * */2', { yes: ['2026-01-01 00:00'], no: ['2025-01-01 00:00'] });
  });

  it('4.2: years run from 1970 to 9999', () => {
    expect(cron('0 0 0 1 1 * 9999').next(0)).toBe(Date.UTC(9999, 0, 1));
    expect(cron('59 59 23 31 12 * 9999').next(0)).toBe(Date.UTC(9999, 11, 31, 23, 59, 59));
    for (const year of ['1969', '10000', '0', '25']) refused(`0 0 0 1 1 * ${year}`);
  });
});

describe('OCPS 1.3', () => {
  it('L is the last day of the month', () => {
    matches('0 0 L * *', {
      yes: ['2025-02-28 00:00', '2024-02-29 00:00', '2025-01-31 00:00'],
      no: ['2025-02-27 00:00', '2024-02-28 00:00'],
    });
  });

  it('L may stand in a list', () => {
    matches('0 0 1,L,15-16 * *', { yes: ['2025-02-28 00:00', '2025-02-01 00:00', '2025-02-16 00:00'], no: ['2025-02-27 00:00'] });
  });

  it('L-n is n days before the last day', () => {
    matches('0 0 L-3 * *', { yes: ['2025-02-25 00:00', '2025-01-28 00:00'], no: ['2025-02-28 00:00'] });
    for (const pattern of ['0 0 L-0 * *', '0 0 L-31 * *', '0 0 L3 * *', '0 0 L-L * *', '0 L * * *', '0 0 1-L * *']) refused(pattern);
  });

  it('FRI#L, 5#L, FRIL and 5L are the last Friday', () => {
    for (const field of ['FRI#L', '5#L', 'FRIL', '5L', 'fri#l', 'friL']) {
      matches(`0 0 * * ${field}`, { yes: ['2025-02-28 00:00', '2025-01-31 00:00'], no: ['2025-02-21 00:00', '2025-01-24 00:00'] });
    }
    matches('0 0 * * 7L', { yes: ['2025-02-23 00:00'], no: ['2025-02-16 00:00'] });
    refused('0 0 * * L');
  });

  it('D#N is the n-th weekday of the month', () => {
    matches('0 0 * * TUE#3', { yes: ['2025-06-17 00:00'], no: ['2025-06-10 00:00', '2025-06-24 00:00'] });
    matches('0 0 * * 2#3', { yes: ['2025-06-17 00:00'], no: ['2025-06-10 00:00'] });
    matches('0 0 * * MON#1', { yes: ['2025-06-02 00:00'], no: ['2025-06-09 00:00'] });
    matches('0 0 * * 7#5', { yes: ['2025-06-29 00:00'], no: ['2025-06-22 00:00', '2025-07-27 00:00'] });
  });

  it('# may stand in a list', () => {
    matches('0 0 * * MON#1,WED#2,FRI#L,SUN', {
      yes: ['2025-06-02 00:00', '2025-06-11 00:00', '2025-06-27 00:00', '2025-06-15 00:00'],
      no: ['2025-06-09 00:00', '2025-06-04 00:00'],
    });
  });

  it.each([
    '0 0 * * MON#0',
    '0 0 * * MON#6',
    '0 0 * * MON#',
    '0 0 * * #2',
    '0 0 * * 8#1',
    '0 0 1#1 * *',
    '0 0 * * 1-5#2',
    '0 0 * * MON#2/2',
    '0 0 * * MON#-1',
  ])('refuses %j', (pattern) => {
    refused(pattern);
  });

  it('W is the working day nearest to a date', () => {
    matches('0 12 15W * *', {
      yes: ['2025-10-15 12:00', '2025-11-14 12:00', '2025-06-16 12:00'],
      no: ['2025-06-15 12:00', '2025-11-15 12:00'],
    });
  });

  it('W does not leave the month', () => {
    matches('0 12 1W * *', { yes: ['2025-02-03 12:00'], no: ['2025-02-01 12:00', '2025-01-31 12:00'] });
    matches('0 12 31W * *', { yes: ['2025-08-29 12:00'], no: ['2025-08-31 12:00', '2025-09-01 12:00', '2025-09-30 12:00'] });
  });

  it('LW is the last working day', () => {
    matches('0 12 LW * *', {
      yes: ['2025-08-29 12:00', '2025-11-28 12:00', '2025-09-30 12:00'],
      no: ['2025-08-31 12:00', '2025-11-30 12:00'],
    });
  });

  it('W follows a single date, also in a list', () => {
    matches('0 12 1W,15W * *', { yes: ['2025-02-03 12:00', '2025-02-14 12:00'], no: ['2025-02-15 12:00'] });
    for (const pattern of ['0 12 1-15W * *', '0 12 W * *', '0 12 0W * *', '0 12 32W * *', '0 12 */2W * *', '0 12 * * 1W', '0 12 L-3W * *'])
      refused(pattern);
  });
});

describe('OCPS 1.4', () => {
  it('4.1.1: the day fields are joined by OR', () => {
    matches('0 12 1 * MON', { yes: ['2025-09-01 12:00', '2025-09-08 12:00', '2025-10-01 12:00'], no: ['2025-10-07 12:00'] });
    matches('0 12 L * FRI#L', { yes: ['2025-03-28 12:00', '2025-03-31 12:00'], no: ['2025-03-27 12:00'] });
  });

  it('4.1.2: + before the day of week joins them by AND', () => {
    matches('0 12 1 * +MON', { yes: ['2025-09-01 12:00'], no: ['2025-09-08 12:00', '2025-10-01 12:00'] });
    matches('0 12 1-7 * +MON-FRI', { yes: ['2025-10-01 12:00'], no: ['2025-10-04 12:00', '2025-10-08 12:00'] });
    matches('0 12 * * +MON', { yes: ['2025-09-08 12:00'], no: ['2025-09-09 12:00'] });
  });

  it.each(['0 12 +1 * MON', '0 12 1 * MON+', '0 12 1 +1 *', '+0 12 1 * *', '0 12 1 * MON,+TUE', '0 12 1 * ++MON', '0 12 1 * +'])(
    '4.1.2: refuses a + elsewhere: %j',
    (pattern) => {
      refused(pattern);
    },
  );

  it('4.2: ? is * in the day fields', () => {
    matches('0 12 ? * MON', { yes: ['2025-09-08 12:00'], no: ['2025-09-09 12:00'] });
    matches('0 15 10 1 * ? 2025', { yes: ['2025-09-01 10:15'], no: ['2025-09-02 10:15'] });
    matches('0 12 ? * ?', { yes: ['2025-09-02 12:00'], no: [] });
  });

  it.each(['? 12 * * *', '0 ? * * *', '0 0 * ? *', '0 0 ?/2 * *', '0 0 1-? * *', '0 0 0 1 1 * ?'])(
    '4.2: refuses a ? elsewhere: %j',
    (pattern) => {
      refused(pattern);
    },
  );

  it('4.3.2: the calendar is the Gregorian one, to the end of the year 9999', () => {
    expect(
      cron('0 0 29 2 *')
        .preview(3, { from: '2095-01-01' })
        .map((time) => time.year),
    ).toEqual([2096, 2104, 2108]);
    expect(cron('0 0 1 1 *').next(Date.UTC(9999, 0, 1))).toBeUndefined();
  });
});

describe('beyond OCPS', () => {
  it('ranges run over the end where the cycle has a fixed length', () => {
    matches('0 22-2 * * *', {
      yes: ['2025-03-10 22:00', '2025-03-10 00:00', '2025-03-10 02:00'],
      no: ['2025-03-10 03:00', '2025-03-10 21:00'],
    });
    matches('0 0 * * FRI-MON', {
      yes: ['2025-03-07 00:00', '2025-03-09 00:00', '2025-03-10 00:00'],
      no: ['2025-03-11 00:00', '2025-03-06 00:00'],
    });
    matches('0 0 1 NOV-FEB *', { yes: ['2025-11-01 00:00', '2025-02-01 00:00'], no: ['2025-03-01 00:00', '2025-10-01 00:00'] });
    expect(minutes('50-10/10')).toEqual([0, 10, 50]);
    matches('0 0 * * 6-2/2', { yes: ['2025-03-08 00:00', '2025-03-10 00:00'], no: ['2025-03-09 00:00', '2025-03-11 00:00'] });
  });

  it('an error names the field, the offset in the text and what would be right', () => {
    expect(refused('0 12 * foo,jan MON')).toMatchObject({ field: 'month', offset: 7, expression: '0 12 * foo,jan MON' });
    expect(refused('0  12 * jan,foo MON')).toMatchObject({ field: 'month', offset: 12 });
    expect(refused('0 12 * * MON,WED,9').offset).toBe(17);
    expect(refused('61 * * * *').message).toContain('0 to 59');
  });

  it('refuses what is not text', () => {
    for (const value of [null, 5, {}, []]) {
      expect(() => Reflect.construct(CronTrigger, [{ expression: value, timezone: 'UTC' }])).toThrow(InvalidTriggerError);
    }
  });
});

describe('H', () => {
  const hashed = (text: string, seed: string): CronTrigger => CronTrigger.fromCrontab(text, { timezone: 'UTC', seed });
  const first = (text: string, seed: string): string => hashed(text, seed).preview(1, { from: '2025-01-01' }).map(String).join();

  it('gives a seed the same time always, and spreads many seeds', () => {
    expect(first('H H * * *', 'report')).toBe(first('H H * * *', 'report'));
    const times = new Set(Array.from({ length: 500 }, (_, n) => first('H H * * *', `job-${n}`)));
    expect(times.size).toBeGreaterThan(350);
  });

  it('stays in its range and its field', () => {
    for (let n = 0; n < 200; n++) {
      const [time] = hashed('H(10-14) H(0-2) H H *', `job-${n}`).preview(1, { from: '2025-01-01' });
      expect(time?.minute).toBeGreaterThanOrEqual(10);
      expect(time?.minute).toBeLessThanOrEqual(14);
      expect(time?.hour).toBeLessThanOrEqual(2);
      expect(time?.day).toBeLessThanOrEqual(28);
    }
  });

  it('with a step runs evenly from a hashed start', () => {
    for (let n = 0; n < 50; n++) {
      const times = hashed('H/15 * * * *', `job-${n}`).preview(9, { from: '2025-01-01' });
      const start = times[0]?.minute ?? Number.NaN;
      expect(times.map((time) => time.minute)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8].map((k) => (start + k * 15) % 60));
    }
  });

  it('differs between the fields of one text', () => {
    const same = Array.from({ length: 200 }, (_, n) => hashed('H H * * * *', `job-${n}`).preview(1, { from: '2025-01-01' })[0]).filter(
      (time) => time?.minute === time?.second,
    );
    expect(same.length).toBeLessThan(20);
  });

  it('is kept with its seed in JSON after the + of the weekday too', () => {
    for (let n = 0; n < 20; n++) {
      const trigger = hashed('0 0 * * +H', `job-${n}`);
      expect(CronTrigger.fromJSON(trigger.toJSON()).next(0)).toBe(trigger.next(0));
    }
  });

  it('is kept with its seed in JSON, and a text without H leaves the seed out', () => {
    const trigger = hashed('H H * * *', 'report');
    expect(CronTrigger.fromJSON(trigger.toJSON()).next(0)).toBe(trigger.next(0));
    expect(hashed('0 0 * * thu', 'report').toJSON()).not.toHaveProperty('seed');
  });

  it.each([
    'H(5-1) * * * *',
    'H(0-60) * * * *',
    'H/0 * * * *',
    'H/61 * * * *',
    'H(0-9)/11 * * * *',
    'H-5 * * * *',
    '5-H * * * *',
    'HH * * * *',
    '0 0 0 1 1 * H',
  ])('refuses %j', (pattern) => {
    refused(pattern);
  });
});
