import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startMariadb } from './mariadb.ts';
import { startPostgres } from './postgres.ts';
import type { PrivateServer } from './private-server.ts';
import { type Proxy, startProxy } from './proxy.ts';
import { startRedis } from './redis.ts';
import { describeOn } from './suite.ts';

async function postgresQuery(server: PrivateServer, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

async function mariadbQuery(server: PrivateServer, text: string): Promise<unknown> {
  const client = await createConnection(server.url);
  try {
    return (await client.query(text))[0];
  } finally {
    await client.end();
  }
}

describeOn('a private PostgreSQL', await startPostgres(), (server) => {
  test('keeps its data over a kill and a restart, on the same port', async () => {
    const { url } = server;
    await postgresQuery(server, 'create table kept as select 1 as n');
    await postgresQuery(server, 'checkpoint');
    await server.kill();
    await expect(postgresQuery(server, 'select 1')).rejects.toThrow();
    await server.restart();
    expect(server.url).toBe(url);
    expect(await postgresQuery(server, 'select n from kept')).toEqual([{ n: 1 }]);
  });
});

describeOn('a private MariaDB', await startMariadb(), (server) => {
  test('keeps its data over a kill and a restart, on the same port', async () => {
    const { url } = server;
    await mariadbQuery(server, 'create table kept as select 1 as n');
    await server.kill();
    await expect(mariadbQuery(server, 'select 1')).rejects.toThrow();
    await server.restart();
    expect(server.url).toBe(url);
    expect(await mariadbQuery(server, 'select n from kept')).toEqual([{ n: 1 }]);
  });
});

describeOn('a private Redis', await startRedis({ flags: ['--appendonly', 'yes', '--appendfsync', 'always'] }), (server) => {
  test('takes flags, and with an append-only file keeps its data over a kill', async () => {
    const before = new Redis(server.url);
    before.on('error', () => {});
    await before.set('kept', '1');
    before.disconnect();
    await server.kill();
    await server.restart();
    const after = new Redis(server.url);
    expect(await after.get('kept')).toBe('1');
    after.disconnect();
  });
});

describe('the proxy', () => {
  const served: string[] = [];
  const echo = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      served.push(bytes.toString());
      socket.write(bytes);
    });
  });
  let proxy: Proxy;

  beforeAll(async () => {
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const address = echo.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port');
    proxy = await startProxy({ port: address.port });
  });

  afterAll(async () => {
    await proxy.stop();
    echo.close();
  });

  async function connected(): Promise<Socket> {
    const socket = connect(proxy.port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  }

  async function ask(socket: Socket, text: string): Promise<string> {
    socket.write(text);
    const [bytes]: unknown[] = await once(socket, 'data');
    return String(bytes);
  }

  test('passes bytes both ways', async () => {
    const socket = await connected();
    expect(await ask(socket, 'hello')).toBe('hello');
    socket.destroy();
  });

  test('cuts what is open and lets new connections pass', async () => {
    const socket = await connected();
    await ask(socket, 'one');
    proxy.cut();
    await once(socket, 'close');
    const again = await connected();
    expect(await ask(again, 'two')).toBe('two');
    again.destroy();
  });

  test('refuses connections while it blocks', async () => {
    proxy.block();
    const socket = await connected();
    await once(socket, 'close');
    proxy.restore();
    const again = await connected();
    expect(await ask(again, 'three')).toBe('three');
    again.destroy();
  });

  test('delivers what it held, in order, when it thaws', async () => {
    const socket = await connected();
    await ask(socket, 'before');
    proxy.freeze();
    const answered: string[] = [];
    socket.on('data', (bytes) => answered.push(bytes.toString()));
    socket.write('a');
    const other = await connected();
    other.destroy();
    expect(answered).toEqual([]);
    proxy.restore();
    await once(socket, 'data');
    expect(answered.join('')).toBe('a');
    socket.destroy();
  });

  test('cuts after the request is done and before its answer', async () => {
    const socket = await connected();
    await ask(socket, 'select');
    const answered: string[] = [];
    socket.on('data', (bytes) => answered.push(bytes.toString()));
    const sprung = proxy.cutAfterRequest(/update/);
    socket.write('update');
    await sprung;
    if (!socket.destroyed) await once(socket, 'close');
    expect(served).toContain('update');
    expect(answered).toEqual([]);
  });
});
