import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TimeZone } from '../../../src/time/time-zone.ts';
import { changesOf, disagreement, intlOffset } from './around-change.ts';

// A sample: test/exhaustive has every zone and every change.
describe('a time zone, whichever', () => {
  const zones = fc.constantFrom(...TimeZone.names());

  it('has the offset that Intl gives', () => {
    fc.assert(
      fc.property(zones, fc.integer({ min: Date.UTC(1850, 0, 1) / 1000, max: Date.UTC(9999, 11, 31) / 1000 }), (name, second) => {
        expect(TimeZone.of(name).offsetAt(second * 1000)).toBe(intlOffset(name, second * 1000));
      }),
      { numRuns: 1500 },
    );
  });

  it('gives each instant back from its wall time', () => {
    fc.assert(
      fc.property(zones, fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2150, 0, 1) }), (name, instant) => {
        const zone = TimeZone.of(name);
        const instants = zone.instantsOf(zone.wallOf(instant));
        expect(instants).toContain(instant);
        expect(instants.map((each) => zone.wallOf(each))).toEqual(instants.map(() => zone.wallOf(instant)));
      }),
      { numRuns: 800 },
    );
  });

  it('fires as trying every instant does around the changes of its clock', () => {
    fc.assert(
      fc.property(zones, fc.integer({ min: 1970, max: 2099 }), (zone, year) => {
        for (const change of changesOf(zone, Date.UTC(year, 0, 2), Date.UTC(year + 1, 0, 2))) expect(disagreement(change)).toBeUndefined();
      }),
      { numRuns: 150 },
    );
  });
});
