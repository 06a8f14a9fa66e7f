import { CompiledQuery, Kysely } from 'kysely';
import { expect, test } from 'vitest';
import { connect, parseAddress } from '../../src/stores/sql/connect.ts';
import { Sockets } from '../../src/stores/sql/sockets.ts';
import { startMariadb } from '../servers/mariadb.ts';
import { startPostgres } from '../servers/postgres.ts';
import type { PrivateServer } from '../servers/private-server.ts';
import { startProxy } from '../servers/proxy.ts';
import { describeOn } from '../servers/suite.ts';
import { quiet } from './sql-under-test.ts';

const [postgres, mariadb] = await Promise.all([startPostgres(), startMariadb()]);

function cases(server: PrivateServer): void {
  test('a statement that is never answered fails, and the next one has a connection that works', async () => {
    const proxy = await startProxy({ port: server.port });
    const address = parseAddress(proxy.urlFor(server.url));
    const kysely = new Kysely({ dialect: await connect(address, { logger: quiet, idleMs: 1000, sockets: new Sockets(300) }) });
    const ask = async (): Promise<unknown> => (await kysely.executeQuery(CompiledQuery.raw('select 1 as one'))).rows;
    expect(await ask()).toEqual([{ one: 1 }]);
    proxy.freeze();
    await expect(ask()).rejects.toThrow();
    proxy.restore();
    expect(await ask()).toEqual([{ one: 1 }]);
    await kysely.destroy();
    await proxy.stop();
  });

  test('a server that takes the connection and says nothing is not waited for', async () => {
    const proxy = await startProxy({ port: server.port });
    proxy.freeze();
    const address = parseAddress(proxy.urlFor(server.url));
    const kysely = new Kysely({ dialect: await connect(address, { logger: quiet, idleMs: 1000, sockets: new Sockets(300) }) });
    await expect(kysely.executeQuery(CompiledQuery.raw('select 1'))).rejects.toThrow();
    await kysely.destroy();
    await proxy.stop();
  });

  test('connections that wait for an answer can be broken', async () => {
    const proxy = await startProxy({ port: server.port });
    const sockets = new Sockets(60_000);
    const address = parseAddress(proxy.urlFor(server.url));
    const kysely = new Kysely({ dialect: await connect(address, { logger: quiet, idleMs: 1000, sockets }) });
    await kysely.executeQuery(CompiledQuery.raw('select 1'));
    proxy.freeze();
    const waiting = kysely.executeQuery(CompiledQuery.raw('select 1')).then(
      () => 'answered',
      () => 'broken',
    );
    await new Promise((resolve) => setImmediate(resolve));
    sockets.breakAll();
    expect(await waiting).toBe('broken');
    await proxy.stop();
  });
}

describeOn('connections to PostgreSQL', postgres, cases);
describeOn('connections to MariaDB', mariadb, cases);
