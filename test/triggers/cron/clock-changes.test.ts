import { describe, expect, it } from 'vitest';
import { CronTrigger } from '../../../src/triggers/cron/cron.ts';

type Policy = { gap?: 'next' | 'skip'; fold?: 'first' | 'last' | 'both' };
type Row = readonly [zone: string, text: string, from: string, expected: readonly string[], policy?: Policy];

const fires = ([timezone, text, from, expected, policy]: Row): string[] =>
  CronTrigger.fromCrontab(text, { timezone, ...policy })
    .preview(expected.length, { from: new Date(from) })
    .map((time) => time.toISO({ suppressMilliseconds: true, suppressSeconds: true }) ?? '');

const table = (rows: readonly Row[]): void => {
  for (const row of rows) {
    it(`${row[0]}: ${row[1]} from ${row[2]}${row[4] === undefined ? '' : ` with ${JSON.stringify(row[4])}`}`, () => {
      expect(fires(row)).toEqual(row[3]);
    });
  }
};

describe('New York, 02:00 to 03:00 missing on 8 March, 01:00 to 02:00 twice on 1 November 2026', () => {
  const ny = 'America/New_York';
  const spring = '2026-03-08T00:00-05:00';
  const autumn = '2026-11-01T00:15-04:00';
  table([
    [ny, '30 2 * * *', spring, ['2026-03-08T03:00-04:00', '2026-03-09T02:30-04:00']],
    [ny, '0,30 2 * * *', spring, ['2026-03-08T03:00-04:00', '2026-03-09T02:00-04:00']],
    [ny, '30 2,3 * * *', spring, ['2026-03-08T03:00-04:00', '2026-03-08T03:30-04:00', '2026-03-09T02:30-04:00']],
    [ny, '0 2,3 * * *', spring, ['2026-03-08T03:00-04:00', '2026-03-09T02:00-04:00']],
    [ny, '*/30 2 * * *', spring, ['2026-03-09T02:00-04:00', '2026-03-09T02:30-04:00']],
    [ny, '30 2-3 * * *', spring, ['2026-03-08T03:30-04:00', '2026-03-09T02:30-04:00']],
    [ny, '30 * * * *', spring, ['2026-03-08T00:30-05:00', '2026-03-08T01:30-05:00', '2026-03-08T03:30-04:00']],
    [ny, '0 0 * * *', '2026-03-08T00:00-05:00', ['2026-03-09T00:00-04:00', '2026-03-10T00:00-04:00']],
    [ny, '0 0 * * mon', '2026-03-07T00:00-05:00', ['2026-03-09T00:00-04:00', '2026-03-16T00:00-04:00']],
    [ny, '30 2 * * *', spring, ['2026-03-09T02:30-04:00'], { gap: 'skip' }],
    [ny, '*/30 2 * * *', spring, ['2026-03-08T03:00-04:00', '2026-03-09T02:00-04:00'], { gap: 'next' }],
    [ny, '30 1 * * *', autumn, ['2026-11-01T01:30-04:00', '2026-11-02T01:30-05:00']],
    [ny, '30 1 * * *', '2026-11-01T01:30-04:00', ['2026-11-02T01:30-05:00']],
    [ny, '30 1 * * *', '2026-11-01T01:15-05:00', ['2026-11-02T01:30-05:00']],
    [ny, '30 1 2 11 *', autumn, ['2026-11-02T01:30-05:00', '2027-11-02T01:30-04:00']],
    [ny, '30 0-22 * * *', autumn, ['2026-11-01T00:30-04:00', '2026-11-01T01:30-04:00', '2026-11-01T01:30-05:00', '2026-11-01T02:30-05:00']],
    [
      ny,
      '*/15 1 * * *',
      '2026-11-01T01:20-04:00',
      ['2026-11-01T01:30-04:00', '2026-11-01T01:45-04:00', '2026-11-01T01:00-05:00', '2026-11-01T01:15-05:00'],
    ],
    [ny, '0 * * * *', autumn, ['2026-11-01T01:00-04:00', '2026-11-01T01:00-05:00', '2026-11-01T02:00-05:00']],
    [ny, '30 1 * * *', autumn, ['2026-11-01T01:30-05:00', '2026-11-02T01:30-05:00'], { fold: 'last' }],
    [ny, '30 1 * * *', autumn, ['2026-11-01T01:30-04:00', '2026-11-01T01:30-05:00', '2026-11-02T01:30-05:00'], { fold: 'both' }],
    [ny, '0 * * * *', autumn, ['2026-11-01T01:00-04:00', '2026-11-01T02:00-05:00'], { fold: 'first' }],
    [ny, '0 * * * *', autumn, ['2026-11-01T01:00-05:00', '2026-11-01T02:00-05:00'], { fold: 'last' }],
    [ny, '0 0 * * *', '2026-11-01T00:00-04:00', ['2026-11-02T00:00-05:00', '2026-11-03T00:00-05:00']],
  ]);
});

describe('London, Berlin and Dublin', () => {
  table([
    ['Europe/London', '30 1 * * *', '2026-03-28T12:00Z', ['2026-03-29T02:00+01:00', '2026-03-30T01:30+01:00']],
    ['Europe/London', '30 1 * * *', '2026-10-25T00:00Z', ['2026-10-25T01:30+01:00', '2026-10-26T01:30+00:00']],
    ['Europe/Berlin', '30 2 * * *', '2026-03-28T12:00Z', ['2026-03-29T03:00+02:00', '2026-03-30T02:30+02:00']],
    ['Europe/Berlin', '30 2-3 * * *', '2026-03-29T00:00Z', ['2026-03-29T03:30+02:00', '2026-03-30T02:30+02:00']],
    ['Europe/Berlin', '0 0 1 * *', '2024-03-15T00:00Z', ['2024-04-01T00:00+02:00', '2024-05-01T00:00+02:00']],
    [
      'Europe/Berlin',
      '*/30 2 * * *',
      '2026-10-25T00:20Z',
      ['2026-10-25T02:30+02:00', '2026-10-25T02:00+01:00', '2026-10-25T02:30+01:00', '2026-10-26T02:00+01:00'],
    ],
    ['Europe/Dublin', '30 1 * * *', '2026-03-28T12:00Z', ['2026-03-29T02:00+01:00', '2026-03-30T01:30+01:00']],
    ['Europe/Dublin', '30 1 * * *', '2026-10-24T12:00Z', ['2026-10-25T01:30+01:00', '2026-10-26T01:30+00:00']],
    ['Europe/Dublin', '30 * * * *', '2026-10-25T00:00Z', ['2026-10-25T01:30+01:00', '2026-10-25T01:30+00:00', '2026-10-25T02:30+00:00']],
  ]);
});

describe('changes at midnight', () => {
  table([
    // Sao Paulo had no 00:00 to 01:00 on 4 November 2018 and 23:00 to 24:00 twice on 16 February 2019.
    ['America/Sao_Paulo', '0 0 * * *', '2018-11-03T12:00Z', ['2018-11-04T01:00-02:00', '2018-11-05T00:00-02:00']],
    ['America/Sao_Paulo', '0 0 * * *', '2018-11-03T12:00Z', ['2018-11-05T00:00-02:00'], { gap: 'skip' }],
    ['America/Sao_Paulo', '30 23 * * *', '2019-02-16T12:00Z', ['2019-02-16T23:30-02:00', '2019-02-17T23:30-03:00']],
    ['America/Sao_Paulo', '0 0 17 2 *', '2019-02-16T12:00Z', ['2019-02-17T00:00-03:00', '2020-02-17T00:00-03:00']],
    // Havana has no 00:00 to 01:00 on 8 March 2026 and 00:00 to 01:00 twice on 1 November.
    ['America/Havana', '0 0 * * *', '2026-03-07T12:00Z', ['2026-03-08T01:00-04:00', '2026-03-09T00:00-04:00']],
    ['America/Havana', '30 0 * * *', '2026-10-31T12:00Z', ['2026-11-01T00:30-04:00', '2026-11-02T00:30-05:00']],
    ['America/Havana', '30 * * * *', '2026-11-01T04:00Z', ['2026-11-01T00:30-04:00', '2026-11-01T00:30-05:00', '2026-11-01T01:30-05:00']],
    // Santiago springs forward at midnight on 6 September 2026.
    ['America/Santiago', '0 0 * * *', '2026-09-05T12:00Z', ['2026-09-06T01:00-03:00', '2026-09-07T00:00-03:00']],
  ]);
});

describe('half hours, three quarters and a missing day', () => {
  table([
    ['Australia/Lord_Howe', '15 2 * * *', '2026-10-03T12:00Z', ['2026-10-04T02:30+11:00', '2026-10-05T02:15+11:00']],
    ['Australia/Lord_Howe', '45 1 * * *', '2026-04-04T12:00Z', ['2026-04-05T01:45+11:00', '2026-04-06T01:45+10:30']],
    [
      'Australia/Lord_Howe',
      '*/15 1-2 * * *',
      '2026-04-04T14:20Z',
      ['2026-04-05T01:30+11:00', '2026-04-05T01:45+11:00', '2026-04-05T01:30+10:30', '2026-04-05T01:45+10:30', '2026-04-05T02:00+10:30'],
    ],
    ['Australia/Lord_Howe', '0 * * * *', '2026-04-04T14:30Z', ['2026-04-05T02:00+10:30', '2026-04-05T03:00+10:30']],
    ['Pacific/Chatham', '0 3 * * *', '2026-09-26T00:00Z', ['2026-09-27T03:45+13:45', '2026-09-28T03:00+13:45']],
    ['Pacific/Chatham', '0 3 * * *', '2026-04-04T00:00Z', ['2026-04-05T03:00+13:45', '2026-04-06T03:00+12:45']],
    ['Asia/Kathmandu', '45 5 * * *', '2026-03-08T00:00Z', ['2026-03-09T05:45+05:45', '2026-03-10T05:45+05:45']],
    ['Asia/Kathmandu', '10 0 1 1 *', '1985-06-01T00:00Z', ['1986-01-01T00:15+05:45', '1987-01-01T00:10+05:45']],
    // Apia went from 29 to 31 December 2011: what was due on the 30th runs once, at the first instant of the 31st.
    [
      'Pacific/Apia',
      '0 12 * * *',
      '2011-12-29T12:00-10:00',
      ['2011-12-31T00:00+14:00', '2011-12-31T12:00+14:00', '2012-01-01T12:00+14:00'],
    ],
    ['Pacific/Apia', '0 12 * * *', '2011-12-29T12:00-10:00', ['2011-12-31T12:00+14:00', '2012-01-01T12:00+14:00'], { gap: 'skip' }],
    [
      'Pacific/Apia',
      '0 */6 * * *',
      '2011-12-29T17:00-10:00',
      ['2011-12-29T18:00-10:00', '2011-12-31T00:00+14:00', '2011-12-31T06:00+14:00'],
    ],
  ]);
});

describe('Casablanca, an hour back for Ramadan, and UTC', () => {
  table([
    ['Africa/Casablanca', '30 2 * * *', '2026-02-14T12:00Z', ['2026-02-15T02:30+01:00', '2026-02-16T02:30+00:00']],
    ['Africa/Casablanca', '30 2 * * *', '2026-03-21T12:00Z', ['2026-03-22T03:00+01:00', '2026-03-23T02:30+01:00']],
    [
      'Africa/Casablanca',
      '30 * * * *',
      '2026-02-15T01:00Z',
      ['2026-02-15T02:30+01:00', '2026-02-15T02:30+00:00', '2026-02-15T03:30+00:00'],
    ],
    ['UTC', '30 2 * * *', '2026-03-07T12:00Z', ['2026-03-08T02:30Z', '2026-03-09T02:30Z']],
    ['UTC', '30 1 * * *', '2026-10-31T12:00Z', ['2026-11-01T01:30Z', '2026-11-02T01:30Z']],
  ]);
});

describe('what decides between fixed-time and interval-like', () => {
  const inGap = (options: ConstructorParameters<typeof CronTrigger>[0]): boolean => {
    const next = new CronTrigger({ timezone: 'America/New_York', ...options }).next(Date.parse('2026-03-08T00:00-05:00'));
    return next === Date.parse('2026-03-08T03:00-04:00');
  };

  it('takes single values and lists as fixed', () => {
    expect(inGap({ hour: 2, minute: 30 })).toBe(true);
    expect(inGap({ hour: '2', minute: [10, '20,30'], second: '5,6' })).toBe(true);
    expect(inGap({ expression: '0 30 2 * * *' })).toBe(true);
    expect(inGap({ expression: 'H 2 * * *' })).toBe(true);
  });

  it('takes a range or a step in any of the three as interval-like', () => {
    expect(inGap({ hour: '2-2', minute: 30 })).toBe(false);
    expect(inGap({ hour: 2, minute: '*/45' })).toBe(false);
    expect(inGap({ hour: 2, minute: 30, second: '1,5-9' })).toBe(false);
    expect(inGap({ hour: 2, minute: [30, '40-41'] })).toBe(false);
    expect(inGap({ expression: 'H/30 2 * * *' })).toBe(false);
  });

  it('never fires a schedule that only ever meets the gap, and ends the search', () => {
    const trigger = new CronTrigger({
      month: 3,
      day: '2nd sun',
      hour: 2,
      minute: 30,
      timezone: 'America/New_York',
      gap: 'skip',
      startDate: '2026-01-01',
    });
    expect(trigger.next(0)).toBeUndefined();
  });
});
