import { describe, expect, it } from 'vitest';
import { InvalidOptionError } from '../../src/errors.ts';
import { RedisJobStore, type RedisJobStoreOptions } from '../../src/stores/redis/index.ts';

describe('the options of the Redis store', () => {
  it.each<[string, unknown]>([
    ['options', undefined],
    ['options', 'redis://host'],
    ['url', {}],
    ['url', { url: 'localhost:6379' }],
    ['url', { url: 'redis://localhost:6379/abc' }],
    ['url', { url: 'redis://localhost:6379/-1' }],
    ['url', { url: 'redis://localhost:6379/1.5' }],
    ['client', { client: { get: () => undefined } }],
    ['prefix', { url: 'redis://host', prefix: '{a}' }],
    ['tablePrefix', { url: 'redis://host', tablePrefix: 'a' }],
    ['pollInterval', { url: 'redis://host', pollInterval: 1 }],
    ['lease', { url: 'redis://host', lease: 'soon' }],
    ['keepRuns', { url: 'redis://host', keepRuns: 5 }],
    ['keepRuns.counts', { url: 'redis://host', keepRuns: { counts: 5 } }],
    ['now', { url: 'redis://host', now: 5 }],
  ])('names the option %s that cannot be meant', (option, options) => {
    expect(() => new RedisJobStore(options as RedisJobStoreOptions)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }));
  });

  const url = 'rediss://me:secret@host';
  it.each<[string, unknown]>([
    ['a URL that it refuses', { url: url.replace('rediss', 'postgres') }],
    ['a URL whose user has an @', { url: 'mongodb://me@corp:secret@host/db' }],
    ['a URL that has it behind a question mark', { url: 'mongodb://host/db?user=me&password=secret' }],
    ['an address without a scheme', { url: 'me:secret@host/db' }],
    ['a URL beside a client', { url, client: {} }],
    ['a URL in the place of the options', url],
    ["another driver's client", { client: { url } }],
  ])('does not show the password of %s', (_, options) => {
    const make = (): unknown => new RedisJobStore(options as RedisJobStoreOptions);
    expect(make).toThrow(InvalidOptionError);
    expect(make).not.toThrow(/secret/);
  });
});
