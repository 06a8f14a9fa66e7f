import { randomUUID } from 'node:crypto';
import type { Clock } from '../../src/core/clock.ts';
import type { StoreContext } from '../../src/core/store.ts';
import type { RedisServer } from '../servers/redis.ts';
import { RedisJobStore, type RedisJobStoreOptions } from '../../src/stores/redis/index.ts';
import { StoreProbe } from '../../src/testing/store-contract/probe.ts';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** A clock that stands still; nothing here waits for it. */
export interface HandClock extends Clock {
  advance(ms: number): void;
}

export function handClock(): HandClock {
  let time = Date.UTC(2030, 0, 1);
  return {
    now: () => time,
    monotonic: () => time,
    wakeAt: () => () => undefined,
    wakeAfter: () => () => undefined,
    advance: (ms) => {
      time += ms;
    },
  };
}

/** A prefix that no other test has, so that all may share one server. */
export function freshPrefix(): string {
  return `test-${randomUUID()}`;
}

export function contextOf(clock: Clock): StoreContext {
  return { alias: 'redis', clock, logger: quiet };
}

/** An open store that judges time by a clock in the hand of the test, and the short words of the contract suite for it. */
export async function openProbe(
  server: RedisServer,
  options: Omit<RedisJobStoreOptions, 'url' | 'client'> & { readonly clock?: HandClock } = {},
): Promise<StoreProbe & { readonly store: RedisJobStore }> {
  const { clock = handClock(), ...rest } = options;
  const store = new RedisJobStore({ url: server.url, prefix: freshPrefix(), now: () => clock.now(), ...rest });
  const context = contextOf(clock);
  await store.open(context);
  return Object.assign(new StoreProbe({ store, context, clock }), { store });
}
