import { afterAll, expect, test } from 'vitest';
import { SqlJobStore } from '../../src/stores/sql/index.ts';
import { StoreProbe } from '../../src/testing/store-contract/probe.ts';
import { startMariadb } from '../servers/mariadb.ts';
import { startPostgres } from '../servers/postgres.ts';
import type { PrivateServer } from '../servers/private-server.ts';
import { startProxy } from '../servers/proxy.ts';
import { describeOn } from '../servers/suite.ts';
import { context, freshPrefix, realClock } from '../stores/sql-under-test.ts';
import { stallingProxy } from './stalling-proxy.ts';

const clock = { now: () => realClock.now(), advance: () => undefined };

async function openStore(url: string, options: { readonly lease?: number; readonly prefix?: string } = {}): Promise<StoreProbe> {
  const store = new SqlJobStore({ url, prefix: freshPrefix(), ...options });
  await store.open(context);
  return new StoreProbe({ store, context, clock });
}

/** One process stands still while it holds a job's row; another one changes that job. Answers with how long that took. */
async function waitBehindFrozen(server: PrivateServer, lease: number): Promise<number> {
  const proxy = await stallingProxy(server.port, /for update/i);
  afterAll(() => proxy.stop());
  const prefix = freshPrefix();
  const url = new URL(server.url);
  url.port = String(proxy.port);
  const frozen = await openStore(url.href, { lease, prefix });
  const other = await openStore(server.url, { lease, prefix });
  const job = await other.addDue('a');
  const refused = Promise.resolve(frozen.store.jobs.update(job, { name: 'mine' })).then(
    () => false,
    () => true,
  );
  await proxy.stalled;
  const began = realClock.now();
  await other.store.jobs.update(job, { name: 'theirs' });
  const took = realClock.now() - began;
  expect((await other.job('a')).name).toBe('theirs');
  proxy.stop();
  expect(await refused).toBe(true);
  await other.store.close();
  return took;
}

const [postgres, mariadb] = await Promise.all([startPostgres(), startMariadb()]);

describeOn('a store on PostgreSQL', postgres, (server) => {
  test('outlives a connection that breaks within a transaction', async () => {
    const proxy = await startProxy({ port: server.port });
    afterAll(() => proxy.stop());
    const probe = await openStore(proxy.urlFor(server.url));
    const [added] = await probe.store.jobs.add([probe.newJob('a')], { onConflict: 'replace' });
    const job = added?.job ?? expect.unreachable('the job was not added');
    const broken = proxy.cutAfterRequest(/begin isolation/);
    const rename = async (): Promise<unknown> => probe.store.jobs.update(job, { name: 'renamed' });
    await expect(rename()).rejects.toThrow(/terminated/);
    await broken;
    expect((await probe.job('a')).name).toBeUndefined();
    await rename();
    expect((await probe.job('a')).name).toBe('renamed');
    await probe.store.close();
  });

  test('waits about a lease, and no longer, for a process that stands still within a transaction', async () => {
    expect(await waitBehindFrozen(server, 1_000)).toBeLessThan(4_000);
  });
});

describeOn('a store on MariaDB', mariadb, (server) => {
  test('waits about a lease, and no longer, for a process that stands still within a transaction', async () => {
    expect(await waitBehindFrozen(server, 1_000)).toBeLessThan(4_000);
  });
});
