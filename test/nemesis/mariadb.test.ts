import { createConnection } from 'mysql2/promise';
import { afterAll, test } from 'vitest';
import { startMariadb } from '../servers/mariadb.ts';
import { startProxy } from '../servers/proxy.ts';
import { describeOn } from '../servers/suite.ts';
import { sleep } from './cluster.ts';
import { networkHarms } from './network.ts';
import { besiege, dieAtEachPoint, type StoreHarm, takeOver, wrongClocks } from './siege.ts';

// What is committed has to outlive the death of the server's process, so it is handed to the kernel at once.
const server = await startMariadb({ flags: ['--innodb-flush-log-at-trx-commit=2', '--max-connections=300'] });

describeOn('the nemesis on MariaDB', server, (mariadb) => {
  const admin = async (...statements: readonly string[]): Promise<void> => {
    const connection = await createConnection(mariadb.url);
    connection.on('error', () => undefined);
    for (const statement of statements) await connection.query(statement);
    await connection.end();
  };
  const fresh = async (name: string): Promise<string> => {
    await admin(`create database ${name}`);
    return Object.assign(new URL(mariadb.url), { pathname: `/${name}` }).href;
  };
  const harms: readonly StoreHarm[] = [
    {
      name: 'connections killed',
      run: async () => {
        const connection = await createConnection(mariadb.url);
        connection.on('error', () => undefined);
        const [rows] = await connection.query(
          "select id from information_schema.processlist where id <> connection_id() and user = 'punctual'",
        );
        for (const row of Array.isArray(rows) ? rows : [])
          await connection.query(`kill ${Object.values(row).join()}`).catch(() => undefined);
        await connection.end();
      },
    },
    {
      name: 'server killed',
      run: async () => {
        await mariadb.kill();
        await sleep(300);
        await mariadb.restart();
      },
    },
    {
      name: 'read-only',
      run: async () => {
        // The tests' user is above that, unless it is told not to be.
        await admin('flush tables with read lock', 'do sleep(1.5)', 'unlock tables');
      },
    },
  ];
  const options = { lease: 2_000, pollInterval: 200 };

  test('nothing is lost and nothing runs twice, whatever dies', async () => {
    await besiege({ store: { url: await fresh('siege'), ...options }, harms });
  });

  test('nothing is lost and nothing runs twice behind a network that fails', async () => {
    const proxy = await startProxy({ port: mariadb.port });
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
