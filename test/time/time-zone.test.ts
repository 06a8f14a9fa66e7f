import { describe, expect, it } from 'vitest';
import { InvalidOptionError } from '../../src/errors.ts';
import { TimeZone } from '../../src/time/time-zone.ts';

const iso = (instant: number | undefined): string | undefined => (instant === undefined ? undefined : new Date(instant).toISOString());
const wall = (text: string): number => Date.parse(`${text}Z`);

describe('TimeZone', () => {
  it('takes names in any letter case', () => {
    expect(TimeZone.of('eUROPE/bERLIN').name).toBe('Europe/Berlin');
    expect(TimeZone.of('utc').name).toBe('UTC');
  });

  it('keeps the name of an alias', () => {
    expect(TimeZone.of('US/Eastern').name).toBe('US/Eastern');
  });

  it('reads local and system as the zone of the process', () => {
    const system = new Intl.DateTimeFormat().resolvedOptions().timeZone;
    expect(TimeZone.of('local').name).toBe(system);
    expect(TimeZone.of('system').name).toBe(system);
  });

  it.each(['', 'Mars/Olympus', '+05:30', 'GMT+5'])('refuses %j', (name) => {
    expect(() => TimeZone.of(name)).toThrow(InvalidOptionError);
  });

  it('has no instant for a wall time in a gap and gives the first one after it', () => {
    const zone = TimeZone.of('America/New_York');
    const gap = wall('2026-03-08T02:30');
    expect(zone.instantsOf(gap)).toEqual([]);
    expect(iso(zone.instantOf(gap))).toBe('2026-03-08T07:00:00.000Z');
    expect(zone.instantOf(gap, { gap: 'skip' })).toBeUndefined();
    expect(iso(zone.gapEnd(gap))).toBe('2026-03-08T07:00:00.000Z');
    expect(zone.gapEnd(wall('2026-03-08T03:00'))).toBeUndefined();
  });

  it('has two instants for a repeated wall time', () => {
    const zone = TimeZone.of('America/New_York');
    const repeated = wall('2026-11-01T01:30');
    expect(zone.instantsOf(repeated).map(iso)).toEqual(['2026-11-01T05:30:00.000Z', '2026-11-01T06:30:00.000Z']);
    expect(iso(zone.instantOf(repeated))).toBe('2026-11-01T05:30:00.000Z');
    expect(iso(zone.instantOf(repeated, { fold: 'last' }))).toBe('2026-11-01T06:30:00.000Z');
  });

  it('knows the day that Apia left out', () => {
    const zone = TimeZone.of('Pacific/Apia');
    expect(zone.instantsOf(wall('2011-12-30T12:00'))).toEqual([]);
    expect(iso(zone.instantOf(wall('2011-12-30T12:00')))).toBe('2011-12-30T10:00:00.000Z');
  });

  it('knows half-hour changes and offsets with seconds', () => {
    const lordHowe = TimeZone.of('Australia/Lord_Howe');
    expect(lordHowe.instantsOf(wall('2026-04-05T01:45')).map(iso)).toEqual(['2026-04-04T14:45:00.000Z', '2026-04-04T15:15:00.000Z']);
    expect(TimeZone.of('Africa/Monrovia').offsetAt(0)).toBe(-2_670_000);
    expect(TimeZone.of('Asia/Manila').offsetAt(Date.UTC(1700, 0, 1))).toBe(-57_368_000);
  });

  it('lists the changes of a zone, and ends where there are no more', () => {
    const berlin = TimeZone.of('Europe/Berlin');
    expect(iso(berlin.nextTransition(Date.UTC(2026, 0, 1)))).toBe('2026-03-29T01:00:00.000Z');
    expect(iso(berlin.nextTransition(Date.UTC(2026, 2, 29, 1)))).toBe('2026-10-25T01:00:00.000Z');
    expect(TimeZone.of('Asia/Shanghai').nextTransition(Date.UTC(2026, 0, 1))).toBeUndefined();
    expect(TimeZone.of('UTC').nextTransition(0)).toBeUndefined();
  });

  it('keeps the rules of the zone to the year 9999 and beyond', () => {
    const zone = TimeZone.of('Europe/Berlin');
    expect(iso(zone.nextTransition(Date.UTC(9999, 5, 1)))).toBe('9999-10-31T01:00:00.000Z');
    expect(zone.offsetAt(8.64e15)).toBe(7_200_000);
  });

  it('gives the same offsets after more years than it keeps', () => {
    const zone = TimeZone.of('America/Denver');
    const long = Date.UTC(1700, 0, 1);
    const before = zone.offsetAt(long);
    for (let year = 1800; year < 2500; year++) zone.offsetAt(Date.UTC(year, 6, 1));
    expect(zone.offsetAt(long)).toBe(before);
    expect(zone.instantsOf(long)).toEqual([long - before]);
    expect(zone.offsetAt(Date.UTC(2026, 6, 1))).toBe(-6 * 3_600_000);
  });

  it('refuses what is not an instant', () => {
    for (const zone of [TimeZone.of('UTC'), TimeZone.of('Asia/Tokyo')]) {
      expect(() => zone.offsetAt(Number.NaN)).toThrow(InvalidOptionError);
      expect(() => zone.offsetAt(Infinity)).toThrow(InvalidOptionError);
    }
  });
});
