import { MysqlDialect } from 'kysely';
import { createConnection, createPool } from 'mysql2';
import { createConnection as createPromisedConnection } from 'mysql2/promise';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { startMariadb } from '../servers/mariadb.ts';
import type { PrivateServer } from '../servers/private-server.ts';
import { statementsPerStep } from './sql-counting.ts';
import { SqlScene } from './sql-scene.ts';

const started = await startMariadb();
if (started !== undefined) describe('the SQL store on MariaDB', () => cases(started));

function cases(server: PrivateServer): void {
  const { url } = server;
  const scenes: SqlScene[] = [];
  const scene = (): SqlScene => {
    const made = new SqlScene(url);
    scenes.push(made);
    return made;
  };
  afterEach(async () => {
    for (const one of scenes.splice(0)) await one.close();
  });
  afterAll(() => server.stop());

  it('takes as many statements for a large batch as for a small one', async () => {
    const seen: string[] = [];
    const few = await statementsPerStep(await scene().probe({ dialect: counted(url, seen) }), seen, 3);
    const many = await statementsPerStep(await scene().probe({ dialect: counted(url, seen) }), seen, 300);
    expect(many).toEqual(few);
    expect(many).toMatchObject({ due: 1, fire: 5, finish: 5, nextDue: 1, 'claim of nothing': 1, heartbeat: 2 });
  });

  it('names the table whose rows it locks, which MySQL asks for where rows come out of JSON', async () => {
    const seen: string[] = [];
    const probe = await scene().probe({ dialect: counted(url, seen) });
    const { run } = await probe.start('a');
    await probe.finish(probe.end(run, 'waiting', { dueAt: probe.now }));
    await probe.store.jobs.remove(['a']);
    const locking = seen.filter((statement) => /for update/.test(statement));
    expect(locking.length).toBeGreaterThan(0);
    expect(locking.filter((statement) => !/for update \/\*!80000 of t \*\//.test(statement))).toEqual([]);
  });

  it('stores a job inside a mysql2 transaction if and only if that commits', async () => {
    const probe = await scene().probe();
    const promised = await createPromisedConnection(url);
    for (const [id, end] of [
      ['undone', 'rollback'],
      ['done', 'commit'],
    ] as const) {
      await promised.beginTransaction();
      const added = await probe.store.jobs.add([probe.newJob(id)], { onConflict: 'replace', transaction: promised });
      expect(added[0]?.outcome).toBe('added');
      expect(await probe.due()).toEqual([]);
      await promised.query(end);
    }
    await promised.end();
    expect(await probe.due()).toEqual(['done']);
  });

  it("takes mysql2's connection with callbacks too", async () => {
    const probe = await scene().probe();
    const connection = createConnection(url);
    await connection.promise().beginTransaction();
    await probe.store.jobs.add([probe.newJob('done')], { onConflict: 'error', transaction: connection });
    await connection.promise().commit();
    connection.destroy();
    expect(await probe.due()).toEqual(['done']);
  });

  it('refuses what has begun no transaction: a pool, a connection by itself, and what is no connection of mysql2', async () => {
    const probe = await scene().probe();
    const pool = createPool(url);
    const connection = await createPromisedConnection(url);
    const other = { query: async () => [{ affected: 1 }] };
    for (const [transaction, reason] of [
      [pool, 'a pool runs each statement on a connection of its choice'],
      [pool.promise(), 'a pool runs each statement on a connection of its choice'],
      [connection, 'this connection has begun none'],
      [other, 'a mysql2 connection in a transaction'],
    ] as const) {
      const adding = probe.store.jobs.add([probe.newJob('a')], { onConflict: 'error', transaction });
      await expect(adding).rejects.toMatchObject({ code: 'INVALID_OPTION', message: expect.stringContaining(reason) });
    }
    expect(await probe.store.jobs.list()).toEqual([]);
    await connection.query('set autocommit = 0');
    await probe.store.jobs.add([probe.newJob('a')], { onConflict: 'error', transaction: connection });
    expect(await probe.store.jobs.list()).toEqual([]);
    await connection.commit();
    expect(await probe.store.jobs.list()).toHaveLength(1);
    await connection.end();
    await pool.promise().end();
  });

  it('tells ids apart by case, accents and trailing spaces', async () => {
    const probe = await scene().probe();
    for (const id of ['a', 'A', 'a ', '\u00E4']) await probe.addDue(id);
    expect((await probe.store.jobs.list()).length).toBe(4);
    expect(await probe.store.jobs.remove(['a '])).toEqual(['a ']);
  });
}

/** A dialect that notes the statements which the store gives. */
function counted(url: string, seen: string[]): MysqlDialect {
  const pool = createPool(url);
  return new MysqlDialect({
    pool: {
      getConnection: (callback) =>
        pool.getConnection((error, connection) => {
          callback(error, {
            // biome-ignore lint/suspicious/noExplicitAny: every overload of the original
            query: (...parameters: any[]): any => {
              seen.push(String(parameters[0]));
              return Reflect.apply(connection.query, connection, parameters);
            },
            release: () => connection.release(),
          });
        }),
      end: (callback) => pool.end(callback),
    },
  });
}
