import pg from 'pg';
import { afterAll, test } from 'vitest';
import { startPostgres } from '../servers/postgres.ts';
import { startProxy } from '../servers/proxy.ts';
import { describeOn } from '../servers/suite.ts';
import { sleep } from './cluster.ts';
import { besiege, dieAtEachPoint, type StoreHarm, takeOver, wrongClocks } from './siege.ts';
import { networkHarms } from './network.ts';

// What is committed has to outlive the death of the server's processes, so it is handed to the kernel at once.
const server = await startPostgres({ settings: { synchronous_commit: 'on', max_connections: '150' } });

describeOn('the nemesis on PostgreSQL', server, (postgres) => {
  const admin = async (...statements: readonly string[]): Promise<void> => {
    const client = new pg.Client({ connectionString: postgres.url });
    client.on('error', () => undefined);
    await client.connect();
    for (const statement of statements) await client.query(statement);
    await client.end();
  };
  const fresh = (name: string): Promise<string> =>
    admin(`create database ${name}`).then(() => Object.assign(new URL(postgres.url), { pathname: `/${name}` }).href);
  const harms: readonly StoreHarm[] = [
    {
      name: 'backends terminated',
      run: () => admin('select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname is not null'),
    },
    {
      name: 'stopped at once',
      run: async () => {
        await postgres.kill('SIGQUIT');
        await sleep(500);
        await postgres.restart();
      },
    },
    {
      name: 'read-only',
      run: async () => {
        await admin('alter system set default_transaction_read_only = on', 'select pg_reload_conf()');
        await sleep(1_500);
        await admin(
          'set default_transaction_read_only = off',
          'alter system reset default_transaction_read_only',
          'select pg_reload_conf()',
        );
      },
    },
  ];
  const options = { lease: 2_000, pollInterval: 200 };

  test('nothing is lost and nothing runs twice, whatever dies', async () => {
    const url = await fresh('siege');
    await besiege({ store: { url, ...options }, harms, nodes: [{}, {}, {}, { store: { url, ...options, pool: 1 } }] });
  });

  test('nothing is lost and nothing runs twice behind a network that fails', async () => {
    const proxy = await startProxy({ port: postgres.port });
    afterAll(() => proxy.stop());
    await besiege({ store: { url: proxy.urlFor(await fresh('network')), ...options }, harms: networkHarms(proxy, /commit/i) });
  });

  test('nothing is lost and nothing runs twice with wrong clocks', async () => {
    await besiege({ store: { url: await fresh('clocks'), ...options }, nodes: wrongClocks });
  });

  test('a process may die at any point around a call', async () => dieAtEachPoint({ url: await fresh('points'), ...options }));

  test('what a killed process ran begins elsewhere within its lease and a pass', async () =>
    takeOver({ url: await fresh('takeover'), lease: 1_000, pollInterval: 100 }, 50));
});
