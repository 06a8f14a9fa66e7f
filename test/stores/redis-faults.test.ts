import { Redis } from 'ioredis';
import { afterAll, describe, expect, it } from 'vitest';
import { RedisJobStore } from '../../src/stores/redis/index.ts';
import { startRedis } from '../servers/redis.ts';
import { contextOf, freshPrefix, handClock, openProbe } from './redis-probe.ts';

const server = await startRedis({ flags: ['--appendonly', 'yes', '--appendfsync', 'always'] });
afterAll(() => server?.stop());

describe.runIf(server !== undefined)('the Redis store, when things go wrong', () => {
  async function opened(options: Parameters<typeof openProbe>[1] = {}) {
    if (server === undefined) throw new Error('there is no server');
    const prefix = options.prefix ?? freshPrefix();
    return { probe: await openProbe(server, { ...options, prefix }), prefix, server };
  }

  async function withAdmin<T>(work: (admin: Redis) => Promise<T>): Promise<T> {
    const admin = new Redis(server?.url ?? '');
    try {
      return await work(admin);
    } finally {
      admin.disconnect();
    }
  }

  /** Until the call succeeds; how often it failed before. */
  async function persist(call: () => unknown): Promise<number> {
    for (let failures = 0; ; failures += 1) {
      try {
        await call();
        return failures;
      } catch (error) {
        if (failures === 100_000) throw error;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  it('says why it cannot be opened, and takes no other database than the one that was named', async () => {
    const opening = async (url: string): Promise<unknown> => {
      const store = new RedisJobStore({ url });
      return store.open(contextOf(handClock())).finally(() => store.close());
    };
    const url = server?.url ?? '';
    await withAdmin(async (admin) => {
      await admin.call('ACL', 'SETUSER', 'me', 'on', '>right', '~*', '&*', '+@all');
      await admin.flushall();
      await opening(url.replace('//', '//me:right@'));
      await expect(opening(url.replace('//', '//me:wrong@'))).rejects.toThrow(/WRONGPASS/);
      await expect(opening('redis://127.0.0.1:1')).rejects.toThrow(/ECONNREFUSED/);
      await admin.flushall();
      await expect(opening(`${url}/4711`)).rejects.toThrow(/DB index/);
      expect(await admin.dbsize()).toBe(0);
      await opening(`${url}/3`);
      expect(await admin.dbsize()).toBe(0);
      await admin.select(3);
      expect(await admin.dbsize()).toBe(1);
    });
  });

  it('goes on after SCRIPT FLUSH', async () => {
    const { probe } = await opened();
    const { run } = await probe.start('flushed');
    await withAdmin((admin) => admin.script('FLUSH'));
    expect(await probe.finish(probe.end(run, 'succeeded'))).toBe(true);
    expect((await probe.run(run.id)).outcome).toBe('succeeded');
    await probe.store.close();
  });

  it('fails a call at once while its connection is gone, and goes on when it is back', async () => {
    const { probe } = await opened();
    const { run } = await probe.start('cut');
    await withAdmin((admin) => admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'));
    await persist(() => probe.store.jobs.nextDue(probe.room()));
    expect(await probe.finish(probe.end(run, 'succeeded'))).toBe(true);
    await probe.store.close();
  });

  it('wakes the scheduler when the connection that listens comes back', async () => {
    const { probe } = await opened();
    let woken = 0;
    const wakes = new Promise<void>((resolve) => {
      probe.store.watch(() => {
        woken += 1;
        if (woken === 2) resolve();
      });
    });
    await withAdmin(async (admin) => {
      while (Number(await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')) === 0);
    });
    await wakes;
    expect(woken).toBe(2);
    await probe.store.close();
  });

  it('has all it had after the server was killed and started again on its append-only file', async () => {
    const { probe, server: running } = await opened();
    const { run } = await probe.start('kept', { args: ['before'] });
    const waiting = await probe.queue('queued');
    await running.kill();
    await expect(probe.store.jobs.nextDue(probe.room())).rejects.toThrow();
    await running.restart();
    await persist(() => probe.store.jobs.nextDue(probe.room()));
    expect((await probe.job('kept')).args).toEqual(['before']);
    expect(await probe.finish(probe.end(run, 'succeeded', { value: 1 }))).toBe(true);
    expect((await probe.claim()).map((claimed) => claimed.run.id)).toEqual([waiting]);
    await probe.store.close();
  });

  it('may be asked often while there is no server, and leaves nothing behind at its lost connection', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error): number => warnings.push(warning);
    process.on('warning', note);
    const { probe, server: running } = await opened();
    await running.kill();
    for (let asked = 0; asked < 20; asked += 1) await expect(probe.store.jobs.nextDue(probe.room())).rejects.toThrow();
    await running.restart();
    await persist(() => probe.store.jobs.nextDue(probe.room()));
    await probe.store.close();
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });

  it('cannot be opened while there is no server, and can be once there is one', async () => {
    const { probe, prefix, server: running } = await opened();
    await probe.addDue('there');
    await probe.store.close();
    await running.kill();
    const store = new RedisJobStore({ url: running.url, prefix });
    await expect(store.open(contextOf(handClock()))).rejects.toThrow();
    await running.restart();
    await store.open(contextOf(handClock()));
    expect((await store.jobs.get('there'))?.id).toBe('there');
    await store.close();
  });

  it('takes the same end of a run again when nobody knows whether it arrived', async () => {
    const { probe } = await opened();
    const { run } = await probe.start('twice');
    const end = probe.end(run, 'succeeded', { value: 'once' });
    expect(await probe.store.runs.finish([end, end])).toEqual([true, true]);
    expect(await probe.finish(end)).toBe(true);
    expect((await probe.job('twice')).active).toBe(0);
    await probe.store.close();
  });

  it.each([
    ['a definition that is no JSON', 'defs', (text: string) => text.replace('{', '<')],
    ['a definition with a key __proto__', 'defs', (text: string) => text.replace('"args":[]', '"args":[{"__proto__":1}]')],
    ['an empty definition', 'defs', () => ''],
    ['a row that is no row', 'jobs', () => 'what is this'],
    ['a row cut short', 'jobs', (text: string) => text.slice(0, 20)],
  ])('parks a job with %s alone, names it, and runs the others', async (_what, hash, damage) => {
    const { probe, prefix } = await opened();
    const bad = await probe.addDue('bad', { dueAt: probe.now - 100 });
    await probe.addDue('good');
    await withAdmin(async (admin) => {
      const [key, field] = [`{${prefix}}:${hash}`, String(bad.uid)];
      await admin.hset(key, field, damage((await admin.hget(key, field)) ?? ''));
    });
    expect(await probe.due()).toEqual(['good']);
    // What is parked no longer takes a place in a look.
    await persist(async () => expect(await probe.due({ limit: 1 })).toEqual(['good']));
    expect(await probe.store.jobs.get('bad')).toBeUndefined();
    expect((await probe.store.jobs.list()).map((job) => job.id)).toEqual(['good']);
    const { parked } = await probe.store.health();
    expect(parked.map((one) => one.id)).toEqual(['bad']);
    expect(parked[0]?.reason).toMatch(/not readable|cannot be read/);
    await probe.addDue('bad');
    expect((await probe.due()).toSorted()).toEqual(['bad', 'good']);
    expect((await probe.store.health()).parked).toEqual([]);
    await probe.store.close();
  });

  it('leaves a waiting run that cannot be read, names it, and hands out the others', async () => {
    const { probe, prefix } = await opened();
    const bad = await probe.queue('bad');
    const good = await probe.queue('good');
    await withAdmin((admin) => admin.hset(`{${prefix}}:runs`, bad, 'what is this'));
    expect((await probe.claim()).map((claimed) => claimed.run.id)).toEqual([good]);
    expect((await probe.store.jobs.nextDue(probe.room())).runs).toBe(probe.now + probe.lease);
    expect((await probe.store.health()).parked).toEqual([{ id: `run ${bad}`, reason: 'its row is not readable' }]);
    await probe.store.close();
  });

  it('leaves a job that a newer release has written as it is, and names it', async () => {
    const { probe, prefix } = await opened();
    const job = await probe.addDue('newer', { dueAt: probe.now - 100 });
    await probe.addDue('ours');
    const row = await withAdmin(async (admin) => {
      const [key, field] = [`{${prefix}}:jobs`, String(job.uid)];
      const theirs = ((await admin.hget(key, field)) ?? '').replace(/^1\|/, '2|');
      await admin.hset(key, field, theirs);
      return theirs;
    });
    expect(await probe.due()).toEqual(['ours']);
    expect((await probe.fire(probe.step(job, [probe.newRun('running')]))).won).toBe(false);
    expect(await probe.store.jobs.update(job, { name: 'changed' })).toBeUndefined();
    expect((await probe.add(probe.newJob('newer', { name: 'changed' }))).outcome).toBe('kept');
    expect((await probe.store.jobs.list()).map((one) => one.id)).toEqual(['ours']);
    expect((await probe.store.health()).newer).toEqual(['newer']);
    expect(await withAdmin((admin) => admin.hget(`{${prefix}}:jobs`, String(job.uid)))).toBe(row);
    // It stands first, and takes nobody's place; and it is where whoever can read it finds it.
    expect(await probe.due({ limit: 1 })).toEqual(['ours']);
    await withAdmin((admin) => admin.hset(`{${prefix}}:jobs`, String(job.uid), row.replace(/^2\|/, '1|')));
    expect((await probe.due()).toSorted()).toEqual(['newer', 'ours']);
    await probe.store.close();
  });

  it('keeps ids with line breaks, backslashes and separators apart', async () => {
    const { probe } = await opened();
    const ids = ['a\nb', 'a\\nb', 'a|b', '{a}', 'a:b', ' ', 'a\n', '\\'];
    for (const id of ids) await probe.start(id, { task: { name: `task of ${id}` } });
    expect((await probe.store.jobs.list()).map((job) => job.id).toSorted()).toEqual(ids.toSorted());
    for (const id of ids) expect((await probe.runs(id)).map((run) => [run.jobId, run.outcome])).toEqual([[id, 'running']]);
    expect((await probe.store.jobs.remove(ids)).toSorted()).toEqual(ids.toSorted());
    await probe.store.close();
  });
});
