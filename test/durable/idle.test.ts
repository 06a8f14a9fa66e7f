import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { type DatabaseConnection, type Dialect, type Driver, MysqlDialect, PostgresDialect, SqliteDialect } from 'kysely';
import { createPool } from 'mysql2';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Scheduler } from '../../src/index.ts';
import { SqlJobStore } from '../../src/stores/sql/index.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { recordingLog } from '../fixtures/requests.ts';
import { closeDialect, poolOf } from '../stores/sql-scene.ts';
import { freshPrefix, temporaryDirectory } from '../stores/sql-under-test.ts';
import { places, Replicas } from './replicas.ts';

const found = await places();
afterAll(async () => {
  for (const place of found) await place.stop();
});

/** A dialect that notes each statement given through it. */
function counted(dialect: Dialect, seen: string[]): Dialect {
  return {
    createAdapter: () => dialect.createAdapter(),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createIntrospector: (kysely) => dialect.createIntrospector(kysely),
    createDriver: () => noting(dialect.createDriver(), seen),
  };
}

function noting(driver: Driver, seen: string[]): Driver {
  const outer = new WeakMap<DatabaseConnection, DatabaseConnection>();
  const inner = new WeakMap<DatabaseConnection, DatabaseConnection>();
  return {
    init: () => driver.init(),
    acquireConnection: async () => {
      const connection = await driver.acquireConnection();
      const known = outer.get(connection);
      if (known !== undefined) return known;
      const noted: DatabaseConnection = {
        executeQuery: (query) => {
          seen.push(query.sql);
          return connection.executeQuery(query);
        },
        streamQuery: (query, size) => connection.streamQuery(query, size),
      };
      outer.set(connection, noted);
      inner.set(noted, connection);
      return noted;
    },
    releaseConnection: (connection) => driver.releaseConnection(inner.get(connection) ?? connection),
    beginTransaction: (connection, settings) => driver.beginTransaction(connection, settings),
    commitTransaction: (connection) => driver.commitTransaction(connection),
    rollbackTransaction: (connection) => driver.rollbackTransaction(connection),
    destroy: () => driver.destroy(),
  };
}

async function dialectFor(url: string): Promise<Dialect> {
  if (url.startsWith('postgres:')) return new PostgresDialect({ pool: poolOf(url) });
  if (url.startsWith('mysql:')) return new MysqlDialect({ pool: createPool({ uri: url, charset: 'utf8mb4', supportBigNumbers: true }) });
  const Sqlite = createRequire(import.meta.url)('libsql');
  return new SqliteDialect({ database: new Sqlite(join(await temporaryDirectory(), 'idle.db')) });
}

describe.each(found.filter(({ name }) => name !== 'Redis'))('a scheduler on $name', ({ url }) => {
  const seen: string[] = [];
  let clock: VirtualClock;
  let scheduler: Scheduler;
  let dialect: Dialect;
  beforeEach(async () => {
    clock = new VirtualClock({ now: '2030-01-01T00:00:00Z' });
    dialect = counted(await dialectFor(url), seen);
    const jobStore = new SqlJobStore({ dialect, prefix: freshPrefix(), now: () => clock.now() });
    scheduler = new Scheduler({ clock, timezone: 'UTC', jobStore, logger: recordingLog().log });
    scheduler.task('note', () => 'noted');
    await scheduler.start();
  });
  afterEach(async () => {
    await scheduler.shutdown();
    await closeDialect(dialect);
  });

  test.each([
    ['one statement a second, with a job due within a minute', { seconds: 55 }, 20],
    ['one statement in two seconds, with none', { hours: 10 }, 10],
  ])('that has nothing to do gives %s, which only reads', async (_, interval, expected) => {
    await scheduler.addJob('note', { id: 'far', trigger: 'interval', ...interval });
    await clock.advance('4s');
    seen.length = 0;
    await clock.advance('20s');
    expect(seen).toHaveLength(expected);
    expect(seen.filter((statement) => !/^\s*select/i.test(statement))).toEqual([]);
  });

  test('records the runs of all jobs that are due together in one statement', async () => {
    const jobs = Array.from({ length: 200 }, (_, index) => ({
      task: 'note',
      id: `job-${index}`,
      trigger: 'date' as const,
      runDate: '2030-01-01T00:00:05Z',
    }));
    await scheduler.addJobs(jobs);
    seen.length = 0;
    await clock.advance('6s');
    while ((await scheduler.getRuns({ outcome: 'succeeded', limit: 1000 })).length < 200) await clock.advance('1s');
    expect(seen.filter((statement) => /insert\s+(ignore\s+)?into\s+\S*runs/i.test(statement))).toHaveLength(1);
  });
});

describe.each(found.filter(({ name }) => name === 'Redis'))('a scheduler on $name', (place) => {
  test('that has nothing to do runs one script in two seconds', async () => {
    const replicas = new Replicas(place);
    const scheduler = await replicas.started((app) => app.task('note', () => undefined));
    await scheduler.addJob('note', { id: 'far', trigger: 'interval', hours: 10 });
    await replicas.clock.advance('4s');
    const admin = new Redis(place.url);
    await admin.config('RESETSTAT');
    await replicas.clock.advance('20s');
    const calls = /cmdstat_evalsha:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1];
    admin.disconnect();
    expect(Number(calls)).toBe(10);
    await replicas.dispose();
  });
});
