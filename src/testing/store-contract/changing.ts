import assert from 'node:assert/strict';
import { asJson, type LawCase, only } from './probe.ts';

/** Laws of `JobStore.update`, `remove`, `get` and `list`. */
export const changingCases: readonly LawCase[] = [
  {
    name: 'update writes what it is given, answers with the stored job and a higher version',
    async run(probe) {
      const job = await probe.addDue('changed', { name: 'old', args: [1] });
      const trigger = { type: 'date', at: 5 };
      const updated = await probe.store.jobs.update(job, { name: 'new', trigger, nextRunTime: probe.now + 10, dueAt: probe.now + 12 });
      const stored = await probe.job('changed');
      assert.ok(updated !== undefined && updated.version > job.version);
      assert.equal(updated.version, stored.version);
      assert.deepEqual([stored.name, stored.args, stored.nextRunTime, stored.dueAt], ['new', [1], probe.now + 10, probe.now + 12]);
      assert.deepEqual(asJson(stored.trigger), trigger);
      assert.deepEqual(await probe.due(), []);
    },
  },
  {
    name: 'update can clear a field',
    async run(probe) {
      const job = await probe.addDue('cleared', { name: 'old', metadata: { a: 1 } });
      await probe.store.jobs.update(job, { name: undefined, metadata: undefined, dueAt: undefined, state: 'paused', reason: 'later' });
      const stored = await probe.job('cleared');
      assert.deepEqual(
        [stored.name, stored.metadata, stored.dueAt, stored.state, stored.reason],
        [undefined, undefined, undefined, 'paused', 'later'],
      );
    },
  },
  {
    name: 'update refuses a version that has moved on and writes nothing',
    async run(probe) {
      const job = await probe.addDue('raced', { name: 'first' });
      await probe.store.jobs.update(job, { name: 'second' });
      assert.equal(await probe.store.jobs.update(job, { name: 'third' }), undefined);
      assert.equal((await probe.job('raced')).name, 'second');
    },
  },
  {
    name: 'update refuses an earlier job of the same id',
    async run(probe) {
      const job = await probe.addDue('again');
      await probe.store.jobs.remove(['again']);
      assert.equal(await probe.store.jobs.update(job, { name: 'ghost' }), undefined);
      await probe.addDue('again', { name: 'second' });
      assert.equal(await probe.store.jobs.update(job, { name: 'ghost' }), undefined);
      assert.equal((await probe.job('again')).name, 'second');
    },
  },
  {
    name: 'a job is handed out by the executor that update gave it',
    async run(probe) {
      const job = await probe.addDue('elsewhere');
      await probe.store.jobs.update(job, { executor: 'threads' });
      assert.deepEqual(await probe.due({ executors: { inline: 5 } }), []);
      assert.deepEqual(await probe.due({ executors: { threads: 5 } }), ['elsewhere']);
    },
  },
  {
    name: 'remove answers with those of the ids that were there',
    async run(probe) {
      for (const id of ['a', 'b', 'c']) await probe.addDue(id);
      assert.deepEqual(await probe.store.jobs.remove(['b', 'unknown']), ['b']);
      assert.equal(await probe.store.jobs.get('b'), undefined);
      assert.deepEqual(await probe.due(), ['a', 'c']);
    },
  },
  {
    name: 'remove answers with a job whose last run is under way',
    async run(probe) {
      const last = await probe.addDue('last');
      await probe.fire(probe.step(last, [probe.newRun('running')], { nextRunTime: undefined, dueAt: undefined, state: 'ending' }));
      assert.deepEqual(await probe.store.jobs.remove(['last']), ['last']);
      assert.equal(await probe.store.jobs.get('last'), undefined);
    },
  },
  {
    name: 'remove without ids removes all jobs, finished ones too',
    async run(probe) {
      for (const id of ['a', 'b']) await probe.addDue(id);
      const spent = await probe.addDue('spent');
      await probe.fire(probe.step(spent, [], { nextRunTime: undefined, dueAt: undefined, state: 'ending' }));
      const gone = await probe.store.jobs.remove();
      assert.deepEqual([...gone].sort(), probe.store.durable ? ['a', 'b', 'spent'] : ['a', 'b']);
      assert.deepEqual(await probe.store.jobs.list(), []);
      assert.equal(await probe.store.jobs.get('spent'), undefined);
    },
  },
  {
    name: 'remove takes an empty list, and removes nothing',
    async run(probe) {
      await probe.addDue('a');
      assert.deepEqual(await probe.store.jobs.remove([]), []);
      assert.equal((await probe.job('a')).id, 'a');
    },
  },
  {
    name: 'remove records waiting runs as cancelled',
    async run(probe) {
      const id = await probe.queue('gone');
      await probe.store.jobs.remove(['gone']);
      const run = await probe.run(id);
      assert.equal(run.outcome, 'cancelled');
      assert.ok(run.reason !== undefined && run.finishedAt === probe.now);
      assert.deepEqual(await probe.claim(), []);
    },
  },
  {
    name: 'a run under way goes on when its job is removed',
    async run(probe) {
      const { run } = await probe.start('gone');
      await probe.store.jobs.remove(['gone']);
      assert.equal((await probe.run(run.id)).outcome, 'running');
      assert.equal(await probe.finish(probe.end(run, 'succeeded', { value: 5 })), true);
      assert.equal((await probe.run(run.id)).value, 5);
    },
  },
  {
    name: 'a removed job that is added again does not inherit the counters or runs of the first',
    async run(probe) {
      const { run } = await probe.start('twice');
      await probe.store.jobs.remove(['twice']);
      await probe.addDue('twice');
      await probe.finish(probe.end(run, 'succeeded'));
      const job = await probe.job('twice');
      assert.deepEqual([job.active, job.queued], [0, 0]);
      const fired = await probe.fire(probe.step(job, [probe.newRun('running')]));
      assert.notEqual(only(fired.recorded), run.id);
    },
  },
  {
    name: 'get answers undefined for an unknown id',
    async run(probe) {
      assert.equal(await probe.store.jobs.get('nobody'), undefined);
    },
  },
  {
    name: 'list orders by next run time, those without one last, ties by id',
    async run(probe) {
      const at = (time: number | undefined): { nextRunTime: number | undefined; dueAt: number | undefined } => ({
        nextRunTime: time,
        dueAt: time,
      });
      await probe.addDue('late', at(probe.now + 300));
      await probe.addDue('none-b', { ...at(undefined), state: 'paused' });
      await probe.addDue('tie-b', at(probe.now + 200));
      await probe.addDue('none-a', { ...at(undefined), state: 'parked', reason: 'x' });
      await probe.addDue('early', at(probe.now - 100));
      await probe.addDue('tie-a', at(probe.now + 200));
      const ids = (await probe.store.jobs.list()).map((job) => job.id);
      assert.deepEqual(ids, ['early', 'tie-a', 'tie-b', 'late', 'none-a', 'none-b']);
    },
  },
  {
    name: 'list hides jobs that are ending or finished, and get still knows those that are ending',
    async run(probe) {
      const job = await probe.addDue('last');
      const fired = await probe.fire(
        probe.step(job, [probe.newRun('running')], { nextRunTime: undefined, dueAt: undefined, state: 'ending' }),
      );
      assert.deepEqual(await probe.store.jobs.list(), []);
      assert.equal((await probe.job('last')).state, 'ending');
      await probe.finish(probe.end(only(fired.started).run, 'succeeded'));
      assert.deepEqual(await probe.store.jobs.list(), []);
      const after = await probe.store.jobs.get('last');
      assert.equal(after?.state, probe.store.durable ? 'finished' : undefined);
    },
  },
];
