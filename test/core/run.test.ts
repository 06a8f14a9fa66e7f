import { describe, expect, test } from 'vitest';
import { runId } from '../../src/core/run.ts';

describe('runId', () => {
  test.each([
    ['2026-11-23T01:02:03.004Z', '20261123T010203.004Z'],
    ['2026-11-23T01:02:03.999Z', '20261123T010203.999Z'],
    ['2026-11-23T01:02:04.000Z', '20261123T010204.000Z'],
    ['2026-11-23T01:02:03.050Z', '20261123T010203.050Z'],
    ['1969-12-31T23:59:59.999Z', '19691231T235959.999Z'],
    ['1970-01-01T00:00:00.000Z', '19700101T000000.000Z'],
    ['+012345-01-02T03:04:05.006Z', '+0123450102T030405.006Z'],
  ])('tells %s as %s, whichever came before', (time, text) => {
    expect(runId('report', 36, Date.parse(time), undefined)).toBe(`report@${text}#10`);
  });

  test('marks a manual run', () => {
    expect(runId('report', 1, 0, 'x')).toBe('report@19700101T000000.000Z#1!x');
  });
});
