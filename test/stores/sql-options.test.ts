import { describe, expect, it } from 'vitest';
import { InvalidOptionError } from '../../src/errors.ts';
import { parseAddress } from '../../src/stores/sql/connect.ts';
import { SqlJobStore, type SqlJobStoreOptions } from '../../src/stores/sql/index.ts';

describe('the options of the SQL store', () => {
  it.each([
    ['sqlite:jobs.db', 'sqlite', 'jobs.db'],
    ['sqlite::memory:', 'sqlite', ':memory:'],
    ['sqlite:/var/lib/jobs.db', 'sqlite', '/var/lib/jobs.db'],
    ['sqlite:///var/lib/jobs.db', 'sqlite', '/var/lib/jobs.db'],
    ['file:./jobs.db', 'sqlite', './jobs.db'],
    ['postgresql://me@host/db', 'postgres', 'postgresql://me@host/db'],
    ['mariadb://me@host/db', 'mysql', 'mysql://me@host/db'],
  ])('reads %s', (url, kind, place) => {
    expect(parseAddress(url)).toEqual({ kind, place });
  });

  it.each(['', 'jobs.db', 'sqlite:', 'sqlite://jobs.db', 'file:jobs.db?mode=ro', 'redis://host', 'http://host'])(
    'refuses the URL %j',
    (url) => {
      expect(() => new SqlJobStore({ url })).toThrow(InvalidOptionError);
    },
  );

  const url = 'postgres://me:se/cr@et@host/db';
  it.each<[string, unknown]>([
    ['a URL that it refuses', { url: url.replace('postgres', 'mongodb') }],
    ['a URL beside a dialect', { url, dialect: {} }],
    ['a URL in the place of the options', url],
    ['a URL to listen at that it refuses', { url: 'sqlite::memory:', listenUrl: url }],
    ['a pool in the place of its dialect', { dialect: { options: { connectionString: url } } }],
    ['a URL object', { url: new URL('postgres://me:secr@host/db') }],
  ])('does not show the password of %s', (_, options) => {
    const make = (): unknown => new SqlJobStore(options as SqlJobStoreOptions);
    expect(make).toThrow(InvalidOptionError);
    expect(make).not.toThrow(/cr/);
  });

  it.each<[string, SqlJobStoreOptions]>([
    ['url', {}],
    ['prefix', { url: 'sqlite::memory:', prefix: 'a"b' }],
    ['schema', { url: 'sqlite::memory:', schema: 'x' }],
    ['pollInterval', { url: 'sqlite::memory:', pollInterval: 1 }],
    ['lease', { url: 'sqlite::memory:', lease: 'soon' }],
    ['keepRuns.count', { url: 'sqlite::memory:', keepRuns: { count: -1 } }],
    ['keepRuns.age', { url: 'sqlite::memory:', keepRuns: { age: 0 } }],
    ['listenUrl', { url: 'sqlite::memory:', listenUrl: 'postgres://host/db' }],
    ['listenUrl', { url: 'postgres://host/db', listenUrl: 'redis://host' }],
  ])('names the option %s that cannot be meant', (option, options) => {
    expect(() => new SqlJobStore(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }));
  });

  it.each<[string, unknown]>([
    ['options', undefined],
    ['options', null],
    ['options', 'sqlite:jobs.db'],
    ['url', { url: 5 }],
    ['dialect', { dialect: 'postgres' }],
    ['prefix', { url: 'sqlite::memory:', prefix: 5 }],
    ['prefix', { url: 'sqlite::memory:', prefix: null }],
    ['prefix', { url: 'sqlite::memory:', prefix: true }],
    ['schema', { url: 'postgres://host/db', schema: 5 }],
    ['keepRuns', { url: 'sqlite::memory:', keepRuns: null }],
    ['keepRuns.counts', { url: 'sqlite::memory:', keepRuns: { counts: 5 } }],
    ['listenUrl', { url: 'postgres://host/db', listenUrl: 5 }],
    ['now', { url: 'sqlite::memory:', now: 5 }],
  ])('names what is no %s where nobody checks types', (option, options) => {
    expect(() => new SqlJobStore(options as SqlJobStoreOptions)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }));
  });

  it('refuses options that it does not have', () => {
    const options: object = { url: 'sqlite::memory:', tablePrefix: 'x' };
    expect(() => new SqlJobStore(options as SqlJobStoreOptions)).toThrow(/tablePrefix/);
  });

  it('takes durations in every form', () => {
    const store = new SqlJobStore({ url: 'sqlite::memory:', pollInterval: '2s', lease: { minutes: 1 } });
    expect([store.pollInterval, store.lease]).toEqual([2000, 60_000]);
  });
});
