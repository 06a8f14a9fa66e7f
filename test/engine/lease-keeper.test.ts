import { describe, expect, test } from 'vitest';
import type { Pulse } from '../../src/core/run-store.ts';
import { LeaseKeeper } from '../../src/engine/lease-keeper.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';

const lease = 15_000;

/** A keeper, and what it did: heartbeats by time in milliseconds, and how often it said that the lease was gone. */
function keeper(): {
  readonly clock: VirtualClock;
  readonly leases: LeaseKeeper;
  readonly beats: number[];
  readonly said: { expired: number; failed: number };
  readonly state: { holds: boolean; answer: () => Promise<Pulse> };
} {
  const clock = new VirtualClock({ now: 0 });
  const beats: number[] = [];
  const said = { expired: 0, failed: 0 };
  const state = { holds: false, answer: async (): Promise<Pulse> => ({ cancel: [], lost: [] }) };
  const runs = {
    heartbeat: (): Promise<Pulse> => {
      beats.push(clock.now());
      return state.answer();
    },
  };
  const leases = new LeaseKeeper(
    { durable: true, runs },
    clock,
    { owner: 'me', lease },
    {
      holds: () => state.holds,
      takeProgress: () => new Map(),
      cancelled: () => undefined,
      lost: () => undefined,
      expired: () => {
        said.expired += 1;
      },
      failed: () => {
        said.failed += 1;
      },
    },
  );
  return { clock, leases, beats, said, state };
}

describe('the keeper of leases', () => {
  test('beats three times in a lease while something is held, and not after', async () => {
    const { clock, leases, beats, state } = keeper();
    leases.begin();
    leases.end();
    state.holds = true;
    await clock.advance(16_000);
    state.holds = false;
    await clock.advance(60_000);
    expect(beats).toEqual([5_000, 10_000, 15_000]);
  });

  test('keeps what a claim brings that is answered after the moment at which nothing was held', async () => {
    const { clock, leases, beats, state } = keeper();
    leases.begin();
    leases.end();
    await clock.advance(4_999);
    leases.begin();
    await clock.advance(2);
    leases.end();
    state.holds = true;
    await clock.advance(5_000);
    expect(beats).toEqual([5_000, 10_000]);
  });

  test('says that the lease is gone once, and trusts what is claimed afterwards', async () => {
    const { clock, leases, said, state } = keeper();
    leases.begin();
    leases.end();
    state.holds = true;
    state.answer = () => Promise.reject(new Error('away'));
    await clock.advance(21_000);
    expect(said).toEqual({ expired: 1, failed: 5 });
    expect(leases.stands(leases.begin())).toBe(true);
    expect(said.expired).toBe(1);
  });

  test('says that the lease is gone though a heartbeat is never answered', async () => {
    const { clock, leases, beats, said, state } = keeper();
    leases.begin();
    leases.end();
    state.holds = true;
    state.answer = () => new Promise(() => undefined);
    await clock.advance(lease);
    expect(said.expired).toBe(0);
    await clock.advance(1);
    expect(said.expired).toBe(1);
    expect(beats).toEqual([5_000]);
  });

  test('knows an answer that came later than the lease of what it brings', async () => {
    const { clock, leases } = keeper();
    const claiming = leases.begin();
    await clock.jumpWall(lease + 1);
    expect(leases.stands(claiming)).toBe(false);
  });

  test('takes an answer that came soon as it is', async () => {
    const { clock, leases, beats } = keeper();
    const claiming = leases.begin();
    await clock.advance(4_999);
    expect(await leases.confirm(claiming)).toEqual([]);
    expect(beats).toEqual([]);
  });

  test('prolongs what an answer brings that was long under way, also when heartbeats went well meanwhile', async () => {
    const { clock, leases, beats, state } = keeper();
    state.holds = true;
    const claiming = leases.begin();
    await clock.advance(14_000);
    expect(beats).toEqual([5_000, 10_000]);
    state.answer = () => Promise.resolve({ cancel: [], lost: ['gone'] });
    expect(await leases.confirm(claiming)).toEqual(['gone']);
    expect(beats).toEqual([5_000, 10_000, 14_000]);
    expect(leases.stands(claiming)).toBe(true);
  });

  test('does not count a heartbeat that was sent before the answer came', async () => {
    const { clock, leases, beats, state } = keeper();
    const answers: ((pulse: Pulse) => void)[] = [];
    state.holds = true;
    state.answer = () => new Promise((resolve) => answers.push(resolve));
    const claiming = leases.begin();
    await clock.advance(6_000);
    const confirmed = leases.confirm(claiming);
    answers[0]?.({ cancel: [], lost: ['an earlier one'] });
    await clock.advance(1);
    answers[1]?.({ cancel: [], lost: [] });
    expect(await confirmed).toEqual([]);
    expect(beats).toEqual([5_000, 6_000]);
  });

  test('does not know what is lost where the heartbeat fails, and beats on', async () => {
    const { clock, leases, beats, said, state } = keeper();
    state.holds = true;
    state.answer = () => {
      throw new Error('away');
    };
    const claiming = leases.begin();
    await clock.advance(6_000);
    expect(await leases.confirm(claiming)).toBeUndefined();
    await clock.advance(4_000);
    expect([beats, said.failed]).toEqual([[5_000, 6_000, 10_000], 3]);
  });

  test('trusts a claim that fails no less than one that is answered', async () => {
    const { clock, leases, beats } = keeper();
    leases.begin();
    leases.end();
    await clock.advance(60_000);
    expect(beats).toEqual([]);
  });
});
