import { afterAll, expect, test } from 'vitest';
import { SqlJobStore } from '../../src/stores/sql/index.ts';
import { StoreProbe } from '../../src/testing/store-contract/probe.ts';
import { startMariadb } from '../servers/mariadb.ts';
import { startPostgres } from '../servers/postgres.ts';
import type { PrivateServer } from '../servers/private-server.ts';
import { startProxy } from '../servers/proxy.ts';
import { describeOn } from '../servers/suite.ts';
import { context, freshPrefix, realClock } from '../stores/sql-under-test.ts';
import { type StallingProxy, stallingProxy } from './stalling-proxy.ts';

const clock = { now: () => realClock.now(), advance: () => undefined };

async function openStore(url: string, options: { readonly lease?: number; readonly prefix?: string } = {}): Promise<StoreProbe> {
  const store = new SqlJobStore({ url, prefix: freshPrefix(), ...options });
  await store.open(context);
  return new StoreProbe({ store, context, clock });
}

interface Frozen {
  readonly server: PrivateServer;
  readonly lease: number;
  /** The statement after which one of two processes stands still. */
  readonly at: RegExp;
}

/** Two processes on one store, of which one is to stand still within a transaction. */
async function besideFrozen({ server, lease, at }: Frozen): Promise<{ frozen: StoreProbe; other: StoreProbe; proxy: StallingProxy }> {
  const proxy = await stallingProxy(server.port, at);
  afterAll(() => proxy.stop());
  const prefix = freshPrefix();
  const url = new URL(server.url);
  url.port = String(proxy.port);
  return { frozen: await openStore(url.href, { lease, prefix }), other: await openStore(server.url, { lease, prefix }), proxy };
}

/** The frozen process holds a job's row, and the other one changes that job. Answers with how long that took. */
async function waitBehindFrozen(server: PrivateServer, lease: number): Promise<number> {
  const { frozen, other, proxy } = await besideFrozen({ server, lease, at: /for update/i });
  const job = await other.addDue('a');
  const refused = Promise.resolve(frozen.store.jobs.update(job, { name: 'mine' })).then(
    () => false,
    () => true,
  );
  await proxy.stalled;
  const began = realClock.now();
  await other.store.jobs.update(job, { name: 'theirs' });
  const took = realClock.now() - began;
  // It did wait.
  expect(took).toBeGreaterThan(lease / 6);
  expect((await other.job('a')).name).toBe('theirs');
  proxy.stop();
  expect(await refused).toBe(true);
  await other.store.close();
  return took;
}

/** The frozen process holds the row of a run that the other one has, and whose lease is prolonged meanwhile. Answers with what was left of the lease. */
async function beatBehindFrozen(server: PrivateServer, lease: number): Promise<number> {
  const { frozen, other, proxy } = await besideFrozen({ server, lease, at: /set cancel_reason/i });
  const claimant = { owner: 'other', lease };
  const job = await other.addDue('a');
  const storeNow = async (): Promise<number> => (await other.store.jobs.nextDue(other.room())).now;
  const claimedAt = await storeNow();
  const [fired] = await other.store.jobs.fire([other.step(job, [other.newRun('running')])], claimant);
  const runId = fired?.started[0]?.run.id ?? expect.unreachable('the run was not started');
  const refused = Promise.resolve(frozen.store.runs.cancel(runId, 'enough')).then(
    () => false,
    () => true,
  );
  await proxy.stalled;
  const began = realClock.now();
  expect((await other.store.runs.heartbeat(claimant, new Map())).lost).toEqual([]);
  // It did wait.
  expect(realClock.now() - began).toBeGreaterThan(lease / 6);
  const left = claimedAt + lease - (await storeNow());
  proxy.stop();
  expect(await refused).toBe(true);
  await other.store.close();
  return left;
}

/** A change within whose transaction the event loop stands still for so long, once. */
function standingStill(ms: number): { readonly metadata: Readonly<Record<string, unknown>>; readonly stops: () => number } {
  let stops = 0;
  const metadata = {
    get stop() {
      if (stops === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
      stops += 1;
      return true;
    },
  };
  return { metadata, stops: () => stops };
}

/** At the default lease, where nothing is left of the time in which things are tried again. */
async function doesAgain(server: PrivateServer): Promise<void> {
  const probe = await openStore(server.url);
  const job = await probe.addDue('a');
  const { metadata, stops } = standingStill(7_000);
  expect(await probe.store.jobs.update(job, { metadata })).toMatchObject({ version: job.version + 1 });
  // Each try reads it.
  expect(stops()).toBeGreaterThan(1);
  expect((await probe.job('a')).metadata).toEqual({ stop: true });
  await probe.store.close();
}

const [postgres, mariadb] = await Promise.all([startPostgres(), startMariadb()]);

describeOn('a store on PostgreSQL', postgres, (server) => {
  test('does a transaction again whose connection breaks before it ends', async () => {
    const proxy = await startProxy({ port: server.port });
    afterAll(() => proxy.stop());
    const probe = await openStore(proxy.urlFor(server.url));
    const [added] = await probe.store.jobs.add([probe.newJob('a')], { onConflict: 'replace' });
    const job = added?.job ?? expect.unreachable('the job was not added');
    const broken = proxy.cutAfterRequest(/begin isolation/);
    expect(await probe.store.jobs.update(job, { name: 'renamed' })).toMatchObject({ name: 'renamed', version: job.version + 1 });
    await broken;
    expect((await probe.job('a')).name).toBe('renamed');
    await probe.store.close();
  });

  test('does a transaction again in which its process stood still for too long', () => doesAgain(server));

  test('waits no longer than a lease for a process that stands still within a transaction', async () => {
    expect(await waitBehindFrozen(server, 3_000)).toBeLessThan(3_000);
  });

  test('prolongs a lease in time though a process stands still that holds the run', async () => {
    expect(await beatBehindFrozen(server, 3_000)).toBeGreaterThan(0);
  });
});

describeOn('a store on MariaDB', mariadb, (server) => {
  test('does a transaction again in which its process stood still for too long', () => doesAgain(server));

  test('waits no longer than a lease for a process that stands still within a transaction', async () => {
    expect(await waitBehindFrozen(server, 3_000)).toBeLessThan(3_000);
  });

  test('prolongs a lease in time though a process stands still that holds the run', async () => {
    expect(await beatBehindFrozen(server, 3_000)).toBeGreaterThan(0);
  });
});
