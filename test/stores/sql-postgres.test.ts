import { PostgresDialect } from 'kysely';
import pg from 'pg';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { SchedulerStateError } from '../../src/errors.ts';
import { startPostgres } from '../servers/postgres.ts';
import type { PrivateServer } from '../servers/private-server.ts';
import { statementsPerStep } from './sql-counting.ts';
import { poolOf, SqlScene } from './sql-scene.ts';
import { context } from './sql-under-test.ts';

const started = await startPostgres();
if (started !== undefined) describe('the SQL store on PostgreSQL', () => cases(started));

function cases(server: PrivateServer): void {
  const { url } = server;
  const scenes: SqlScene[] = [];
  const scene = (at = url): SqlScene => {
    const made = new SqlScene(at);
    scenes.push(made);
    return made;
  };
  afterEach(async () => {
    for (const one of scenes.splice(0)) await one.close();
  });
  afterAll(() => server.stop());

  it('takes one statement for a batch of jobs, one for a batch of fires and one for a batch of ends', async () => {
    const seen: string[] = [];
    const few = await statementsPerStep(await scene().probe({ dialect: counted(url, seen) }), seen, 3);
    const many = await statementsPerStep(await scene().probe({ dialect: counted(url, seen) }), seen, 300);
    expect(many).toEqual(few);
    expect(many).toMatchObject({ add: 1, due: 1, fire: 1, finish: 1, nextDue: 1, 'claim of nothing': 1, heartbeat: 2 });
  });

  it('wakes other stores when a job is added, and not itself', async () => {
    const place = scene();
    const [adder, sleeper] = [await place.probe(), await place.probe()];
    const own: unknown[] = [];
    adder.store.watch((time) => own.push(time));
    const woken = new Promise((resolve) => sleeper.store.watch(resolve));
    await adder.add(adder.newJob('soon', { dueAt: adder.now + 5000 }));
    expect(await woken).toBe(adder.now + 5000);
    expect(own).toEqual([]);
  });

  it('wakes other stores when a run is left waiting, or room comes free for one', async () => {
    const place = scene();
    const [one, other] = [await place.probe(), await place.probe()];
    const { run } = await one.start('busy');
    const wakes: (number | undefined)[] = [];
    const woken = nextWakes(other, wakes, 2);
    await one.fire(one.step(await one.job('busy'), [one.newRun('waiting', { scheduledAt: one.now + 1, dueAt: one.now + 7 })]));
    await one.finish(one.end(run, 'succeeded'));
    await woken;
    expect(wakes).toEqual([one.now + 7, 0]);
  });

  it('tells nobody of a job whose transaction is rolled back', async () => {
    const place = scene();
    const [one, other] = [await place.probe(), await place.probe()];
    const wakes: (number | undefined)[] = [];
    const woken = nextWakes(other, wakes, 1);
    const client = await connected(url);
    await client.query('begin');
    await one.store.jobs.add([one.newJob('undone', { dueAt: 1 })], { onConflict: 'error', transaction: client });
    await client.query('rollback');
    await client.end();
    await one.add(one.newJob('done', { dueAt: one.now + 2 }));
    await woken;
    expect(wakes).toEqual([one.now + 2]);
  });

  it('wakes also the store that took a job within a transaction, once that commits', async () => {
    const probe = await scene().probe();
    const wakes: (number | undefined)[] = [];
    const woken = nextWakes(probe, wakes, 1);
    const client = await connected(url);
    await client.query('begin');
    await probe.store.jobs.add([probe.newJob('done', { dueAt: probe.now + 2 })], { onConflict: 'error', transaction: client });
    await client.query('commit');
    await client.end();
    await woken;
    expect(wakes).toEqual([probe.now + 2]);
  });

  it('listens again after its connection was cut, and says so by waking', async () => {
    const place = scene();
    const probe = await place.probe();
    const woken = new Promise((resolve) => probe.store.watch(resolve));
    const client = await connected(url);
    await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%' and query like '%${place.prefix}%'`,
    );
    expect(await woken).toBeUndefined();
    await client.end();
  });

  it('goes on after all its connections were cut', async () => {
    const place = scene();
    const probe = await place.probe();
    await probe.addDue('a');
    const client = await connected(url);
    const cut = 'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and query like $1';
    const { rowCount } = await client.query(cut, [`%${place.prefix}%`]);
    expect(rowCount).toBeGreaterThan(0);
    await client.end();
    // Each of them may take one statement with it.
    let tries = Number(rowCount);
    const due = (): Promise<readonly string[]> => probe.due().catch((error: unknown) => (tries-- > 0 ? due() : Promise.reject(error)));
    expect(await due()).toEqual(['a']);
  });

  describe('a close while calls wait for a table that is locked', () => {
    async function locked(): Promise<{ readonly probe: Awaited<ReturnType<SqlScene['probe']>>; unlock(): Promise<void> }> {
      const place = scene();
      const probe = await place.probe();
      const client = await connected(url);
      await client.query('begin');
      await client.query(`lock table ${place.prefix}jobs`);
      return {
        probe,
        unlock: async () => {
          await client.query('rollback');
          await client.end();
        },
      };
    }

    it('waits for them a little', async () => {
      const { probe, unlock } = await locked();
      const adding = probe.add(probe.newJob('a', { dueAt: probe.now }));
      const closing = probe.sql.close();
      await unlock();
      expect(await adding).toMatchObject({ outcome: 'added' });
      await closing;
    });

    it('holds nothing afterwards that a pool of the user has won by then', async () => {
      const place = scene();
      const dialect = place.dialect();
      const [probe, other] = [await place.probe({ dialect }), await place.probe()];
      const claimant = probe.claimant();
      const job = await probe.addDue('a');
      const client = await connected(url);
      await client.query('begin');
      await client.query(`lock table ${place.prefix}jobs in exclusive mode`);
      const firing = Promise.allSettled([probe.sql.jobs.fire([probe.step(job, [probe.newRun('running')])], claimant)]);
      await probe.sql.close();
      expect(await firing).toMatchObject([{ status: 'rejected', reason: { code: 'SCHEDULER_STATE' } }]);
      await client.query('rollback');
      await client.end();
      await expect.poll(async () => (await other.store.runs.list({ limit: 1 })).runs).toHaveLength(1);
      await probe.sql.open(context);
      await probe.sql.runs.heartbeat(claimant, new Map());
      place.advance(claimant.lease + 1);
      await probe.sql.runs.heartbeat(claimant, new Map());
      expect(await other.claim({}, 'other')).toMatchObject([{ run: { jobId: 'a', crashes: 1 } }]);
    });

    it('fails those that are left then, and those that wait for a connection as well', async () => {
      const { probe, unlock } = await locked();
      const answers = Promise.allSettled(Array.from({ length: 30 }, () => probe.sql.jobs.list()));
      await probe.sql.close();
      const settled = await answers;
      expect(settled.map(({ status }) => status)).toEqual(Array(30).fill('rejected'));
      expect(settled.at(-1)).toMatchObject({ reason: { message: expect.stringContaining('closed') } });
      await expect(Promise.resolve(probe.sql.jobs.list())).rejects.toThrow(SchedulerStateError);
      await unlock();
    });
  });

  it('stores a job inside a pg transaction if and only if that commits', async () => {
    const probe = await scene().probe();
    const client = await connected(url);
    for (const [id, end] of [
      ['undone', 'rollback'],
      ['done', 'commit'],
    ] as const) {
      await client.query('begin');
      const added = await probe.store.jobs.add([probe.newJob(id)], { onConflict: 'error', transaction: client });
      expect(added[0]?.outcome).toBe('added');
      expect(await probe.due()).toEqual([]);
      await client.query(end);
    }
    await client.end();
    expect(await probe.due()).toEqual(['done']);
  });

  it('joins a transaction whose begin is still on its way', async () => {
    const probe = await scene().probe();
    const client = await connected(url);
    const begun = client.query('begin');
    await probe.store.jobs.add([probe.newJob('a')], { onConflict: 'error', transaction: client });
    await begun;
    await client.query('rollback');
    await client.end();
    expect(await probe.store.jobs.list()).toEqual([]);
  });

  it('refuses what has begun no transaction: a pool, a client by itself, and what is no client of pg', async () => {
    const place = scene();
    const probe = await place.probe();
    const pool = poolOf(url);
    const client = await pool.connect();
    const other = { query: async () => [] };
    for (const [transaction, reason] of [
      [pool, 'a pool runs each statement on a connection of its choice'],
      [client, 'this client has begun none'],
      [other, 'a pg client in a transaction'],
    ] as const) {
      const adding = probe.store.jobs.add([probe.newJob('a')], { onConflict: 'error', transaction });
      await expect(adding).rejects.toMatchObject({ code: 'INVALID_OPTION', message: expect.stringContaining(reason) });
    }
    client.release();
    await pool.end();
    expect(await probe.store.jobs.list()).toEqual([]);
  });

  it.each(['own', 'my.own "one"'])('makes and uses a schema of its own: %s', async (name) => {
    const place = scene();
    const schema = `${place.prefix}${name}`;
    const probe = await place.probe({ schema });
    await probe.addDue('a');
    expect(await probe.due()).toEqual(['a']);
    const client = await connected(url);
    const { rows } = await client.query('select count(*)::int as tables from pg_tables where schemaname = $1', [schema]);
    await client.end();
    expect(rows).toEqual([{ tables: 3 }]);
  });

  it('works with a pool of one', async () => {
    const pool = poolOf(url, { max: 1 });
    const probe = await scene().probe({ dialect: new PostgresDialect({ pool }) });
    const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => probe.start(`job-${index}`)));
    expect(new Set(answers.map(({ run }) => run.id)).size).toBe(10);
  });
}

/** A dialect that notes the statements which the store gives. */
function counted(url: string, seen: string[]): PostgresDialect {
  class CountingClient extends pg.Client {
    // biome-ignore lint/suspicious/noExplicitAny: every overload of the original
    override query(...parameters: any[]): any {
      seen.push(String(parameters[0]));
      return Reflect.apply(super.query, this, parameters);
    }
  }
  return new PostgresDialect({ pool: poolOf(url, { Client: CountingClient }) });
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}

/** Resolves when the store has been woken so many times. */
function nextWakes(
  probe: { readonly store: { watch(wake: (time?: number) => void): () => void } },
  wakes: (number | undefined)[],
  count: number,
): Promise<void> {
  return new Promise((resolve) => {
    probe.store.watch((time) => {
      wakes.push(time);
      if (wakes.length === count) resolve();
    });
  });
}
