import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SqlJobStore } from '../../src/stores/sql/index.ts';
import { StoreProbe } from '../../src/testing/store-contract/probe.ts';
import { context, realClock, temporaryDirectory } from '../stores/sql-under-test.ts';

const require = createRequire(import.meta.url);
/** A driver of better-sqlite3's shape; it has no types of its own that fit. */
const Libsql: new (file: string) => { exec(text: string): void; close(): void } = require('libsql');

test('a heartbeat that finds the file locked leaves nothing behind that keeps later writes out', async () => {
  const file = join(await temporaryDirectory(), 'busy.db');
  const store = new SqlJobStore({ url: `sqlite:${file}` });
  await store.open(context);
  const probe = new StoreProbe({ store, context, clock: { now: () => realClock.now(), advance: () => undefined } });
  const claimant = probe.claimant();
  const step = probe.step(await probe.addDue('a'), [probe.newRun('running')]);
  expect(await store.jobs.fire([step], claimant)).toMatchObject([{ won: true, started: [{}] }]);

  // Two statements find the file locked, by one who changes it: neither may see to it that the other never gets in.
  const other = new Libsql(file);
  other.exec('begin immediate');
  const beat = store.runs.heartbeat(claimant, new Map());
  const added = probe.add(probe.newJob('b'));
  await new Promise<void>((resolve) => realClock.wakeAfter(200, resolve));
  other.exec('create table another (x integer)');
  other.exec('commit');
  const began = realClock.now();
  expect(await beat).toEqual({ cancel: [], lost: [] });
  expect((await added).outcome).toBe('added');
  expect(realClock.now() - began).toBeLessThan(1_000);
  other.close();
  await store.close();
});
