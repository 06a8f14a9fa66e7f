import { DateTime } from 'luxon';
import { describe, expect, test } from 'vitest';
import { makeMessage, type SendOptions } from '../../src/tasks/send-options.ts';
import { queueOf } from '../../src/tasks/task-id.ts';
import { taskPolicy } from '../../src/tasks/task-options.ts';

const now = Date.parse('2030-01-01T00:00:00Z');
const context = { task: 'mail.send', policy: taskPolicy({ queue: 'mail', priority: 'low' }), now, timezone: 'Europe/Berlin' };
const make = (options: SendOptions, args: readonly unknown[] = []) => makeMessage(args, options, context);

describe('a message', () => {
  test('is sent as its task was registered, where nothing else is said', () => {
    expect(make({})).toMatchObject({ task: 'mail.send', queue: 'mail', priority: 'low', idempotent: false, ignoreResult: false });
  });

  test('has an id that tells its queue', () => {
    expect(make({}).id).toMatch(/^[0-9a-f-]{36}@mail$/);
    expect(make({ queue: 'default' }).id).toMatch(/^[0-9a-f-]{36}$/);
    expect(queueOf(make({}).id)).toBe('mail');
    expect(queueOf(make({ queue: 'default' }).id)).toBe('default');
  });

  test('may have an id of the caller', () => {
    expect(make({ id: 'order-17' })).toMatchObject({ id: 'order-17@mail', idempotent: true });
  });

  test.each<[SendOptions, object]>([
    [{ countdown: 10_000 }, { eta: now + 10_000 }],
    [{ countdown: '2m' }, { eta: now + 120_000 }],
    [{ countdown: { hours: 1 } }, { eta: now + 3_600_000 }],
    [{ eta: '2030-01-01 12:00:00' }, { eta: Date.parse('2030-01-01T11:00:00Z') }],
    [{ eta: new Date(now + 5) }, { eta: now + 5 }],
    [{ expires: 1_000 }, { expires: now + 1_000 }],
    [{ expires: '1h' }, { expires: now + 3_600_000 }],
    [{ expires: new Date(now + 7) }, { expires: now + 7 }],
    [{ expires: DateTime.fromMillis(now + 8) }, { expires: now + 8 }],
    [{ expires: { minutes: 1 } }, { expires: now + 60_000 }],
    [{ timeout: '30s' }, { timeout: 30_000 }],
    [{ retry: { limit: 2, delay: '1s' } }, { retry: { limit: 2, delay: 1_000, backoff: 2, maxDelay: 3_600_000 } }],
    [
      { queue: 'other', priority: 'highest', ignoreResult: true },
      { queue: 'other', priority: 'highest', ignoreResult: true },
    ],
  ])('with %j is %j', (options, expected) => {
    expect(make(options)).toMatchObject(expected);
  });

  test.each<[string, unknown, string]>([
    ['countdown', { countdown: -1 }, 'countdown'],
    ['countdown and eta together', { countdown: 1, eta: now }, 'eta'],
    ['an eta that is no time', { eta: 'tomorrow' }, 'eta'],
    ['an unknown priority', { priority: 'hgih' }, 'priority'],
    ['a priority as a number', { priority: 3 }, 'priority'],
    ['a queue with a colon', { queue: 'a:b' }, 'queue'],
    ['an empty queue', { queue: '' }, 'queue'],
    ['an id that is a number', { id: '17' }, 'id'],
    ['an id with a colon', { id: 'a:b' }, 'id'],
    ["an id that is one of BullMQ's own keys", { id: 'failed' }, 'id'],
    ['an id that is no text', { id: 17 }, 'id'],
    ['an option that does not exist', { prioritty: 'high' }, 'prioritty'],
    ['a misspelt option of its retries', { retry: { limit: 3, dealy: 1 } }, 'dealy'],
    ['retries as a number', { retry: 3 }, 'retry'],
    ['retries that are no number', { retry: { limit: -1 } }, 'retry.limit'],
  ])('with %s is refused', (_name, options, option) => {
    expect(() => makeMessage([], options as SendOptions, context)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }));
  });

  test('says which option was meant', () => {
    expect(() => makeMessage([], { prioritty: 'high' } as SendOptions, context)).toThrow(/did you mean "priority"/);
    expect(() => makeMessage([], { priority: 'hgih' } as unknown as SendOptions, context)).toThrow(/did you mean "high"/);
  });

  test.each<[string, unknown, string]>([
    ['a bigint', [1n], 'args[0]'],
    ['NaN', [1, { x: Number.NaN }], 'args[1].x'],
    ['undefined', ['a', undefined], 'args[1]'],
    ['a Date', [{ at: [new Date(0)] }], 'args[0].at[0]'],
    ['a Map', [new Map()], 'args[0]'],
    ['a function', [[() => 1]], 'args[0][0]'],
    ['nine megabytes', ['x', ['y'.repeat(9_000_000)]], 'args'],
  ])('with %s among its arguments is refused, naming the place', (_name, args, path) => {
    expect(() => makeMessage(args as unknown[], {}, context)).toThrow(expect.objectContaining({ code: 'NOT_SERIALIZABLE', path }));
  });
});
