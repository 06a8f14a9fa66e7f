import assert from 'node:assert/strict';
import { type LawCase, only, plainPolicy } from './probe.ts';

/** Laws of `JobStore.due` and `nextDue`. */
export const dueCases: readonly LawCase[] = [
  {
    name: "due gives jobs once their time has come by the store's clock, and says what that is",
    async run(probe) {
      const at = probe.now + 1000;
      await probe.addDue('soon', { nextRunTime: at - 400, dueAt: at });
      await probe.advance(999);
      assert.deepEqual(await probe.due(), []);
      await probe.advance(1);
      const answer = await probe.store.jobs.due(probe.room());
      assert.equal(answer.now, at);
      assert.equal(only(answer.jobs).nextRunTime, at - 400);
    },
  },
  {
    name: 'due orders by due time',
    async run(probe) {
      for (const [id, late] of [
        ['b', 20],
        ['a', 10],
        ['c', 30],
      ] as const)
        await probe.addDue(id, { nextRunTime: probe.now - late, dueAt: probe.now - late });
      assert.deepEqual(await probe.due(), ['c', 'b', 'a']);
    },
  },
  {
    name: 'due gives at most as many jobs per executor as it has room for, and a full executor hides no other',
    async run(probe) {
      for (const id of ['a', 'b', 'c']) await probe.addDue(id, { dueAt: probe.now - 10 });
      for (const id of ['x', 'y', 'z']) await probe.addDue(id, { executor: 'threads' });
      await probe.addDue('other', { executor: 'unnamed' });
      const some = await probe.due({ executors: { inline: 0, threads: 2 } });
      assert.equal(some.length, 2);
      assert.ok(some.every((id) => ['x', 'y', 'z'].includes(id)));
      assert.deepEqual((await probe.due({ executors: { inline: 5, threads: 5 } })).length, 6);
    },
  },
  {
    name: 'due gives at most `limit` jobs in all',
    async run(probe) {
      for (let index = 0; index < 8; index += 1) await probe.addDue(`job-${index}`);
      assert.equal((await probe.due({ limit: 3 })).length, 3);
    },
  },
  {
    name: 'due takes an executor without bound',
    async run(probe) {
      await probe.addDue('a');
      assert.deepEqual(await probe.due({ executors: { inline: Number.POSITIVE_INFINITY } }), ['a']);
    },
  },
  {
    name: 'due gives no job that is paused, parked or done',
    async run(probe) {
      await probe.addDue('paused', { state: 'paused', dueAt: undefined });
      await probe.addDue('parked', { state: 'parked', reason: 'x', dueAt: undefined });
      const last = await probe.addDue('last');
      await probe.fire(probe.step(last, [probe.newRun('running')], { nextRunTime: undefined, dueAt: undefined, state: 'ending' }));
      assert.deepEqual(await probe.due(), []);
    },
  },
  {
    name: 'due changes nothing: it gives the same jobs again, and another caller can fire them',
    async run(probe) {
      await probe.addDue('still');
      const [first] = (await probe.store.jobs.due(probe.room())).jobs;
      assert.ok(first !== undefined);
      assert.deepEqual(await probe.due(), ['still']);
      const fired = await probe.fire(probe.step(await probe.job('still'), [probe.newRun('running')]), 'owner-2');
      assert.equal(fired.won, true);
    },
  },
  {
    name: "due leaves out a job with coalesce 'all' that runs as often as it may, and gives it again when a run ended",
    async run(probe) {
      const policy = { ...plainPolicy, coalesce: 'all', maxInstances: 1 } as const;
      const job = await probe.addDue('backlog', { policy });
      const fired = await probe.fire(probe.step(job, [probe.newRun('running')], { nextRunTime: probe.now, dueAt: probe.now }));
      assert.deepEqual(await probe.due(), []);
      assert.equal((await probe.store.jobs.nextDue(probe.room())).jobs, undefined);
      await probe.finish(probe.end(only(fired.started).run, 'succeeded'));
      assert.deepEqual(await probe.due(), ['backlog']);
    },
  },
  {
    name: 'due leaves tasks that this process does not know to others',
    needs: ['durable'],
    async run(probe) {
      await probe.addDue('known', { task: { name: 'known' } });
      await probe.addDue('foreign', { task: { name: 'foreign' }, dueAt: probe.now - 1000 });
      assert.deepEqual(await probe.due({ tasks: ['known', 'another'] }), ['known']);
      assert.deepEqual(await probe.due({ tasks: [] }), []);
      assert.deepEqual(await probe.due(), ['foreign', 'known']);
      assert.equal((await probe.store.jobs.nextDue(probe.room({ tasks: ['known'] }))).jobs, probe.now);
    },
  },
  {
    name: "nextDue gives the store's time and the earliest due time of jobs",
    async run(probe) {
      assert.deepEqual(await probe.store.jobs.nextDue(probe.room()), { now: probe.now, jobs: undefined, runs: undefined });
      for (const [id, wait] of [
        ['b', 700],
        ['a', 500],
      ] as const)
        await probe.addDue(id, { dueAt: probe.now + wait });
      await probe.addDue('elsewhere', { executor: 'threads', dueAt: probe.now + 100 });
      assert.deepEqual(await probe.store.jobs.nextDue(probe.room()), { now: probe.now, jobs: probe.now + 500, runs: undefined });
    },
  },
  {
    name: 'nextDue leaves out executors without room',
    async run(probe) {
      await probe.addDue('a', { dueAt: probe.now + 100 });
      assert.equal((await probe.store.jobs.nextDue(probe.room({ executors: { inline: 0 } }))).jobs, undefined);
    },
  },
  {
    name: 'nextDue gives the earliest due time of waiting runs',
    async run(probe) {
      await probe.queue('b', {}, { dueAt: probe.now + 900 });
      await probe.queue('a', {}, { dueAt: probe.now + 800 });
      assert.equal((await probe.store.jobs.nextDue(probe.room())).runs, probe.now + 800);
    },
  },
  {
    name: 'nextDue does not count waiting runs whose job runs as often as it may',
    async run(probe) {
      await probe.start('full');
      const job = await probe.job('full');
      await probe.fire(probe.step(job, [probe.newRun('waiting', { scheduledAt: probe.now + 1 })]));
      assert.deepEqual(await probe.claim(), []);
      const { runs } = await probe.store.jobs.nextDue(probe.room());
      assert.ok(runs === undefined || runs > probe.now, `a run that cannot be claimed is called due at ${runs}`);
    },
  },
  {
    name: 'nextDue gives the time at which a claim runs out',
    needs: ['leases'],
    async run(probe) {
      await probe.start('held');
      assert.equal((await probe.store.jobs.nextDue(probe.room())).runs, probe.now + probe.lease);
    },
  },
];
