import { describe, expect, it } from 'vitest';
import { TimeZone } from '../../src/time/time-zone.ts';
import { changesOf, disagreement, intlOffset } from '../triggers/cron/around-change.ts';

const from = Date.UTC(1970, 0, 2);
const until = Date.UTC(2101, 0, 1);
const day = 86_400_000;

describe('every time zone', () => {
  it('has at every noon and midnight from 1970 to 2100 the offset that Intl gives', () => {
    const wrong: string[] = [];
    for (const name of TimeZone.names()) {
      const zone = TimeZone.of(name);
      for (let instant = from; instant < until; instant += day / 2) {
        if (zone.offsetAt(instant) !== intlOffset(name, instant)) wrong.push(`${name} ${new Date(instant).toISOString()}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('has in years far away, either way, the offset that Intl gives', () => {
    const wrong: string[] = [];
    for (const name of TimeZone.names()) {
      const zone = TimeZone.of(name);
      for (const year of [
        1700, 1805, 1850, 1890, 1919, 1942, 1950, 1967, 2105, 2128, 2129, 2160, 2200, 2399, 2400, 2401, 3000, 5000, 9998, 9999,
      ]) {
        for (let instant = Date.UTC(year, 0, 1); instant < Date.UTC(year + 1, 0, 1); instant += 3 * day + 3_600_000) {
          if (zone.offsetAt(instant) !== intlOffset(name, instant)) wrong.push(`${name} ${new Date(instant).toISOString()}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('fires as trying every instant does around every change of its clock from 1970 to 2100', () => {
    const wrong: string[] = [];
    let changes = 0;
    for (const zone of TimeZone.names()) {
      for (const change of changesOf(zone, from, until)) {
        changes++;
        const difference = disagreement(change);
        if (difference !== undefined) wrong.push(difference);
      }
    }
    expect(wrong.slice(0, 20)).toEqual([]);
    expect(changes).toBeGreaterThan(30_000);
  });
});
