import { fork } from 'node:child_process';
import { once } from 'node:events';
import { CompiledQuery, Kysely } from 'kysely';
import { afterEach, expect, it } from 'vitest';
import type { JobRecord } from '../../src/core/job.ts';
import { InvalidOptionError } from '../../src/errors.ts';
import { SqlJobStore } from '../../src/stores/sql/index.ts';
import type { StoreProbe } from '../../src/testing/store-contract/probe.ts';
import { SqlScene } from './sql-scene.ts';
import { realClock } from './sql-under-test.ts';

/** What holds on every database, beyond the store contract: several stores on one, and rows that nobody should have written. */
export function sharedCases(url: string): void {
  const scenes: SqlScene[] = [];
  const scene = (): SqlScene => {
    const made = new SqlScene(url);
    scenes.push(made);
    return made;
  };
  afterEach(async () => {
    for (const one of scenes.splice(0)) await one.close();
  });

  it('makes its tables once when ten stores open at the same time', async () => {
    const place = scene();
    const stores = await Promise.all(Array.from({ length: 10 }, () => place.store()));
    await stores[0]?.jobs.add([(await place.probe()).newJob('a')], { onConflict: 'error' });
    expect(await Promise.all(stores.map(async (store) => (await store.jobs.list()).length))).toEqual(Array(10).fill(1));
  });

  it('opens in several processes at the same time', async () => {
    const { prefix } = scene();
    const children = Array.from({ length: 4 }, () =>
      fork(new URL('./sql-process.ts', import.meta.url), [url, prefix], {
        execArgv: ['--import', 'tsx'],
        stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      }),
    );
    const codes = await Promise.all(children.map((child) => once(child, 'exit')));
    expect(codes.map(([code]) => code)).toEqual([0, 0, 0, 0]);
  }, 60_000);

  it('gives the first of all that is due, whichever executor it is for', async () => {
    const probe = await scene().probe();
    for (const [id, late, executor] of [
      ['b', 20, 'inline'],
      ['a', 10, 'threads'],
      ['d', 40, 'inline'],
      ['c', 30, 'threads'],
    ] as const)
      await probe.addDue(id, { nextRunTime: probe.now - late, dueAt: probe.now - late, executor });
    expect(await probe.due({ executors: { threads: 5, inline: 5 }, limit: 3 })).toEqual(['d', 'c', 'b']);
  });

  it('tells a job of the same id in one list from the first, with the job beside it untouched', async () => {
    const probe = await scene().probe();
    const list = ['a', 'b', 'a'].map((id) => probe.newJob(id));
    const answers = await probe.store.jobs.add(list, { onConflict: 'keep' });
    expect(answers.map(({ outcome }) => outcome)).toEqual(['added', 'added', 'kept']);
    const answersOfError = await probe.store.jobs.add(
      ['c', 'd', 'c'].map((id) => probe.newJob(id)),
      { onConflict: 'error' },
    );
    expect(answersOfError.map(({ outcome }) => outcome)).toEqual(['kept', 'kept', 'conflict']);
    expect((await probe.store.jobs.list()).map(({ id }) => id).sort()).toEqual(['a', 'b']);
  });

  it('gives each fire time to one of several stores that race for all of them', async () => {
    const place = scene();
    const probes = [await place.probe(), await place.probe(), await place.probe()];
    const ids = Array.from({ length: 120 }, (_, index) => `job-${index}`);
    await probes[0]?.store.jobs.add(
      ids.map((id) => (probes[0] as StoreProbe).newJob(id)),
      { onConflict: 'error' },
    );
    const started = await Promise.all(probes.map((probe, index) => fireAll(probe, `owner-${index}`)));
    expect(started.flat().sort()).toEqual([...ids].sort());
    const { runs } = (await probes[0]?.store.runs.list({ limit: 1000 })) ?? { runs: [] };
    expect(runs).toHaveLength(120);
    expect(new Set(runs.map((run) => run.jobId)).size).toBe(120);
  });

  it('hands each waiting run to one of several stores, and never more than maxInstances', async () => {
    const place = scene();
    const probes = [await place.probe(), await place.probe(), await place.probe()];
    const [first] = probes;
    for (let index = 0; index < 6; index += 1) {
      const job = await first?.addDue(`job-${index}`);
      if (job !== undefined)
        await first?.fire(
          first.step(
            job,
            [0, 1, 2].map((n) => first.newRun('waiting', { scheduledAt: first.now + n })),
          ),
        );
    }
    const claimed = (await Promise.all(probes.map((probe, index) => probe.claim({}, `owner-${index}`)))).flat();
    expect(new Set(claimed.map(({ run }) => run.jobId)).size).toBe(claimed.length);
    for (const job of (await first?.store.jobs.list()) ?? []) expect(job.active).toBeLessThanOrEqual(1);
  });

  it('keeps the counters right when runs of one job end in several stores at once', async () => {
    const place = scene();
    const [one, other] = [await place.probe(), await place.probe()];
    const job = await one.addDue('busy', { policy: { ...one.newJob('x').policy, maxInstances: 50 } });
    const runs = Array.from({ length: 40 }, (_, n) => one.newRun('running', { scheduledAt: one.now + n }));
    const { started } = await one.fire(one.step(job, runs));
    await Promise.all(started.map(({ run }, index) => (index % 2 === 0 ? one : other).finish(one.end(run, 'succeeded'))));
    expect((await one.job('busy')).active).toBe(0);
  });

  it('lets a claim run out whose answer was lost, although its owner lives on', async () => {
    const place = scene();
    const [probe, cut] = [await place.probe(), await place.probe()];
    const { run } = await cut.start('orphaned', {}, 'me');
    await probe.start('held', {}, 'me');
    place.advance(probe.lease - 1);
    await probe.store.runs.heartbeat(probe.claimant('me'), new Map());
    place.advance(1);
    expect((await probe.claim({}, 'another')).map((claimed) => claimed.run.id)).toEqual([run.id]);
  });

  it('judges time by the server, whatever the clock of the process says', async () => {
    const hourAhead = { ...realClock, now: () => Date.now() + 3_600_000 };
    const store = await scene().store({}, { clock: hourAhead });
    const { now } = await store.jobs.nextDue({ executors: new Map(), tasks: undefined, limit: 1 });
    expect(Math.abs(now - Date.now())).toBeLessThan(60_000);
  });

  it.each([
    ['is not JSON', `body = '{"args":'`, 'body'],
    ['has a key __proto__', `body = '{"args":[{"__proto__":{"admin":true}}]}'`, '__proto__'],
    ['has a policy of another shape', `policy = '{"coalesce":"sometimes"}'`, 'policy'],
    ['has no trigger', `schedule = '[]'`, 'trigger'],
  ])('parks a row alone that %s, and names it', async (_, set, reason) => {
    const place = scene();
    const probe = await place.probe();
    for (const id of ['bad', 'good']) await probe.addDue(id);
    await place.change(`update jobs set ${set} where id = 'bad'`);
    expect(await probe.due()).toEqual(['good']);
    expect((await probe.sql.health()).parked).toEqual([{ id: 'bad', reason: expect.stringContaining(reason) }]);
    expect(await probe.due()).toEqual(['good']);
    expect((await probe.store.jobs.list()).map((job) => job.id)).toEqual(['good']);
  });

  it('ends the waiting runs of a job that cannot be read, saying why', async () => {
    const place = scene();
    const probe = await place.probe();
    const id = await probe.queue('bad');
    await place.change(`update jobs set body = 'x' where id = 'bad'`);
    expect(await probe.claim()).toEqual([]);
    expect(await probe.run(id)).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('cannot be read') });
    expect((await probe.sql.health()).parked).toHaveLength(1);
  });

  it('heals a row that cannot be read when its job is registered again, or removes it', async () => {
    const place = scene();
    const probe = await place.probe();
    for (const id of ['healed', 'gone']) await probe.addDue(id);
    await place.change(`update jobs set body = 'x'`);
    await probe.due();
    await probe.add(probe.newJob('healed', { args: ['new'] }));
    expect(await probe.store.jobs.remove(['gone'])).toEqual(['gone']);
    expect(await probe.due()).toEqual(['healed']);
    expect((await probe.job('healed')).args).toEqual(['new']);
    expect((await probe.sql.health()).parked).toEqual([]);
  });

  it('leaves rows of a newer format alone, names them, and lets them be removed', async () => {
    const place = scene();
    const probe = await place.probe();
    await probe.addDue('newer', { name: 'theirs' });
    const waiting = await probe.queue('newer-too');
    await place.change(`update jobs set format = 2`);
    expect(await probe.due()).toEqual([]);
    expect(await probe.claim()).toEqual([]);
    expect(await probe.store.jobs.nextDue(probe.room())).toMatchObject({ jobs: undefined, runs: undefined });
    expect((await probe.sql.health()).newer).toEqual(['newer', 'newer-too']);
    expect((await probe.add(probe.newJob('newer', { name: 'ours' }))).outcome).toBe('kept');
    await place.change(`update jobs set format = 1`);
    expect((await probe.job('newer')).name).toBe('theirs');
    expect((await probe.run(waiting)).outcome).toBe('waiting');
    await place.change(`update jobs set format = 2`);
    expect(await probe.store.jobs.remove(['newer'])).toEqual(['newer']);
  });

  it('counts the jobs of each task, and names those whose tasks are not among the known ones', async () => {
    const probe = await scene().probe();
    for (const [id, name] of [
      ['a', 'mail'],
      ['b', 'mail'],
      ['c', 'forgotten'],
    ] as const)
      await probe.addDue(id, { task: { name } });
    expect(Object.fromEntries((await probe.sql.health()).tasks)).toEqual({ mail: 2, forgotten: 1 });
    expect((await probe.sql.health(['mail'])).unknown).toEqual([{ id: 'c', task: 'forgotten' }]);
    expect((await probe.sql.health([])).unknown?.map(({ id }) => id)).toEqual(['c', 'a', 'b']);
  });

  it('prunes at most a thousand runs in one call', async () => {
    const probe = await scene().probe({ keepRuns: { count: 10 } });
    const job = await probe.addDue('many');
    const missed = Array.from({ length: 1200 }, (_, n) => probe.newRun('missed', { scheduledAt: probe.now - n * 1000 }));
    await probe.fire(probe.step(job, missed));
    expect(await probe.store.runs.prune()).toBe(1000);
    expect(await probe.store.runs.prune()).toBe(190);
    expect(await probe.store.runs.prune()).toBe(0);
    expect((await probe.runs('many')).map((run) => run.scheduledAt)).toEqual(
      missed
        .slice(0, 10)
        .map((run) => run.scheduledAt)
        .reverse(),
    );
  });

  it('stores a job inside a kysely transaction if and only if that commits', async () => {
    const place = scene();
    const probe = await place.probe();
    const job = (id: string) => [probe.newJob(id)];
    await expect(
      place.door.transaction().execute(async (transaction) => {
        expect((await probe.store.jobs.add(job('undone'), { onConflict: 'error', transaction }))[0]?.outcome).toBe('added');
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    await place.door.transaction().execute(async (transaction) => {
      await probe.store.jobs.add(job('done'), { onConflict: 'error', transaction });
      await probe.store.jobs.add([probe.newJob('done', { name: 'again' })], { onConflict: 'replace', transaction });
    });
    expect(await probe.due()).toEqual(['done']);
    expect((await probe.job('done')).name).toBe('again');
  });

  it('leaves a driver that was lent to it open, and takes it again', async () => {
    const place = scene();
    const dialect = place.dialect();
    const probe = await place.probe({ dialect });
    await probe.addDue('kept');
    await probe.store.close();
    const again = await place.probe({ dialect });
    expect(await again.due()).toEqual(['kept']);
    await again.store.close();
    const own = new Kysely({ dialect });
    expect((await own.executeQuery(CompiledQuery.raw('select 1 as one'))).rows).toEqual([{ one: 1 }]);
  });

  it('refuses a transaction that is none', async () => {
    const place = scene();
    const probe = await place.probe();
    for (const transaction of [{}, 'begin', place.door]) {
      await expect(probe.store.jobs.add([probe.newJob('a')], { onConflict: 'error', transaction })).rejects.toThrow(InvalidOptionError);
    }
    expect(await probe.store.jobs.list()).toEqual([]);
  });

  it('says that it is not open', async () => {
    const store = new SqlJobStore({ url });
    await expect(store.jobs.list()).rejects.toThrow('not open');
    await expect(store.health()).rejects.toThrow('not open');
  });

  it('writes what it was given as plain text, however long or odd', async () => {
    const probe = await scene().probe();
    const reason = `${'long '.repeat(2000)}\0 and \uD800 odd`;
    const { run } = await probe.start(`quote ' " \\ ; -- \u{1F600}`, { args: ["'; drop table jobs; --", '\u0000'] });
    await probe.finish(probe.end(run, 'failed', { reason, error: new Error(reason) }));
    const stored = await probe.run(run.id);
    expect(stored.reason).toHaveLength(4003);
    expect((await probe.job(run.jobId)).args).toEqual(["'; drop table jobs; --", '\u0000']);
    expect(stored.error).toBeInstanceOf(Error);
  });
}

/** Takes what is due until nothing is; answers with the jobs it won. */
async function fireAll(probe: StoreProbe, owner: string): Promise<readonly string[]> {
  const won: string[] = [];
  for (;;) {
    const { jobs } = await probe.store.jobs.due(probe.room({ limit: 25 }));
    if (jobs.length === 0) return won;
    const steps = jobs.map((job: JobRecord) => probe.step(job, [probe.newRun('running')]));
    const answers = await probe.store.jobs.fire(steps, probe.claimant(owner));
    for (const [index, answer] of answers.entries()) if (answer.won) won.push(jobs[index]?.id ?? '');
  }
}
