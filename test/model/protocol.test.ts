import { describe, expect, test } from 'vitest';
import { explore } from './explore.ts';
import type { Planted } from './protocol.ts';

describe('the protocol, in every order its steps can come in', () => {
  test('breaks no law, and can always come to an end', () => {
    const { states, broken, stuck } = explore({ mishaps: 2 });
    expect(broken).toBeUndefined();
    expect(stuck).toBeUndefined();
    expect(states).toBeGreaterThan(10_000);
  });

  const found: readonly { readonly planted: readonly Planted[]; readonly law: RegExp }[] = [
    { planted: ['version check'], law: /went back/ },
    { planted: ['version check', 'unique key'], law: /fence of 0 fell|two outcomes|counted|two instances/ },
    { planted: ['fence check'], law: /with fence 1 while 2 was out/ },
    { planted: ['instance check'], law: /two instances run/ },
  ];
  test.each(found)('breaks one without its $planted', ({ planted, law }) => {
    expect(explore({ mishaps: 1, planted }).broken?.law).toMatch(law);
  });

  test('comes to a stand without its takeover of runs whose lease ran out', () => {
    const { broken, stuck } = explore({ mishaps: 1, planted: ['takeover'] });
    expect(broken).toBeUndefined();
    expect(stuck?.at(-1)).toMatch(/unheard|dies/);
  });
});
