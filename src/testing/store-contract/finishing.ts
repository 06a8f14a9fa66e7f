import assert from 'node:assert/strict';
import { counts, type LawCase, only } from './probe.ts';

/** Laws of `RunStore.finish` and `cancel`. */
export const finishingCases: readonly LawCase[] = [
  {
    name: 'finish records a final outcome with all that is known of it, and lowers active',
    async run(probe) {
      const { run } = await probe.start('done');
      const end = probe.end(run, 'succeeded', {
        reason: 'as planned',
        value: { rows: 2 },
        startedAt: probe.now - 30,
        finishedAt: probe.now - 10,
        attempt: 2,
      });
      assert.equal(await probe.finish(end), true);
      const stored = await probe.run(run.id);
      assert.deepEqual(
        [stored.outcome, stored.reason, stored.value, stored.startedAt, stored.finishedAt, stored.attempt],
        ['succeeded', 'as planned', { rows: 2 }, probe.now - 30, probe.now - 10, 2],
      );
      assert.deepEqual(counts(await probe.job('done')), { active: 0, queued: 0 });
    },
  },
  {
    name: 'finish keeps the error of a failed run',
    async run(probe) {
      const { run } = await probe.start('bad');
      const error = Object.assign(new TypeError('no such table'), { code: 'E_TABLE' });
      await probe.finish(probe.end(run, 'failed', { error }));
      const stored = await probe.run(run.id);
      assert.ok(stored.error instanceof Error);
      assert.deepEqual(
        [stored.error.name, stored.error.message, Reflect.get(stored.error, 'code')],
        ['TypeError', 'no such table', 'E_TABLE'],
      );
    },
  },
  {
    name: 'the same final outcome written again is taken again and counted once',
    async run(probe) {
      const { run } = await probe.start('again');
      const end = probe.end(run, 'succeeded', { value: 1 });
      assert.equal(await probe.finish(end), true);
      assert.equal(await probe.finish(end), true);
      assert.equal((await probe.job('again')).active, 0);
    },
  },
  {
    name: 'a different outcome for a run that is over is refused',
    async run(probe) {
      const { run } = await probe.start('over');
      await probe.finish(probe.end(run, 'succeeded'));
      assert.equal(await probe.finish(probe.end(run, 'failed', { error: new Error('late') })), false);
      assert.equal((await probe.run(run.id)).outcome, 'succeeded');
    },
  },
  {
    name: 'a run that waits again is due later, keeps its attempts and comes with a higher fence',
    async run(probe) {
      const first = await probe.start('retry');
      const { fence } = first.run;
      const error = new Error('once');
      await probe.finish(probe.end(first.run, 'waiting', { dueAt: probe.now + 500, attempt: 1, reason: 'will retry', error }));
      assert.deepEqual(counts(await probe.job('retry')), { active: 0, queued: 1 });
      const waiting = await probe.run(first.run.id);
      assert.deepEqual([waiting.outcome, waiting.attempt, waiting.dueAt, waiting.reason], ['waiting', 1, probe.now + 500, 'will retry']);
      assert.deepEqual(await probe.claim(), []);
      await probe.advance(500);
      const second = only(await probe.claim());
      assert.deepEqual([second.run.id, second.run.attempt, second.run.crashes], [first.run.id, 1, 0]);
      assert.ok(second.run.fence > fence);
    },
  },
  {
    name: 'the same return to waiting written again is taken again and counted once',
    async run(probe) {
      const { run } = await probe.start('retry');
      const end = probe.end(run, 'waiting', { dueAt: probe.now + 500 });
      assert.equal(await probe.finish(end), true);
      assert.equal(await probe.finish(end), true);
      assert.deepEqual(counts(await probe.job('retry')), { active: 0, queued: 1 });
    },
  },
  {
    name: 'a return to waiting that is written again after the run was cancelled says so',
    async run(probe) {
      const { run } = await probe.start('retry');
      const end = probe.end(run, 'waiting', { dueAt: probe.now + 500 });
      assert.equal(await probe.finish(end), true);
      assert.equal(await probe.store.runs.cancel(run.id, 'enough'), 'cancelled');
      assert.deepEqual(await probe.finish(end), { cancelled: 'enough' });
      assert.deepEqual(counts(await probe.job('retry')), { active: 0, queued: 0 });
    },
  },
  {
    name: 'a run that was asked to stop does not wait again: it is cancelled',
    async run(probe) {
      const { run } = await probe.start('stopped');
      assert.equal(await probe.store.runs.cancel(run.id, 'enough'), 'requested');
      const running = await probe.run(run.id);
      assert.deepEqual([running.outcome, running.reason], ['running', undefined]);
      const end = probe.end(run, 'waiting', { dueAt: probe.now });
      assert.deepEqual(await probe.finish(end), { cancelled: 'enough' });
      const stored = await probe.run(run.id);
      assert.deepEqual([stored.outcome, stored.reason], ['cancelled', 'enough']);
      assert.ok(stored.finishedAt !== undefined);
      assert.deepEqual(await probe.finish(end), { cancelled: 'enough' });
      assert.deepEqual(counts(await probe.job('stopped')), { active: 0, queued: 0 });
      assert.deepEqual(await probe.claim(), []);
    },
  },
  {
    name: 'a write with an older fence is refused and changes nothing',
    needs: ['durable'],
    async run(probe) {
      const first = await probe.start('frozen');
      await probe.finish(probe.end(first.run, 'waiting', { dueAt: probe.now }));
      const second = only(await probe.claim({}, 'other'));
      assert.equal(await probe.finish(probe.end(first.run, 'succeeded', { value: 'stale' })), false);
      assert.equal(await probe.finish(probe.end(first.run, 'waiting')), false);
      const stored = await probe.run(first.run.id);
      assert.deepEqual([stored.outcome, stored.owner, stored.value], ['running', 'other', undefined]);
      assert.equal((await probe.job('frozen')).active, 1);
      assert.equal(await probe.finish(probe.end(second.run, 'succeeded', { value: 'fresh' })), true);
      assert.equal((await probe.run(first.run.id)).value, 'fresh');
    },
  },
  {
    name: 'an owner whose claim ran out can write nothing once another has taken the run',
    needs: ['leases'],
    async run(probe) {
      const first = await probe.start('taken', {}, 'frozen');
      await probe.advance(probe.lease);
      await probe.claim({}, 'quick');
      assert.equal(await probe.finish(probe.end(first.run, 'succeeded')), false);
      assert.equal((await probe.run(first.run.id)).outcome, 'running');
    },
  },
  {
    name: 'finish decides each run of a batch by itself and answers in its order',
    needs: ['durable'],
    async run(probe) {
      const [a, b] = [await probe.start('a'), await probe.start('b')];
      const unknown = { ...a.run, id: `${a.run.id}-unknown` };
      const taken = await probe.store.runs.finish([
        probe.end(unknown, 'succeeded'),
        probe.end(a.run, 'succeeded'),
        probe.end({ ...b.run, fence: b.run.fence - 1 }, 'succeeded'),
        probe.end(b.run, 'failed', { error: new Error('x') }),
      ]);
      assert.deepEqual(taken, [false, true, false, true]);
      assert.equal((await probe.run(b.run.id)).outcome, 'failed');
      assert.deepEqual(counts(await probe.job('b')), { active: 0, queued: 0 });
    },
  },
  {
    name: 'finish counts several runs of one job in one batch',
    async run(probe) {
      const job = await probe.addDue('many', { policy: { ...(await probe.addDue('other')).policy, maxInstances: 5 } });
      const runs = [0, 1, 2].map((offset) => probe.newRun('running', { scheduledAt: probe.now + offset }));
      const { started } = await probe.fire(probe.step(job, runs));
      const [first, second, third] = started.map((claimed) => claimed.run);
      assert.ok(first !== undefined && second !== undefined && third !== undefined);
      await probe.store.runs.finish([probe.end(first, 'succeeded'), probe.end(second, 'waiting', { dueAt: probe.now + 5 })]);
      assert.deepEqual(counts(await probe.job('many')), { active: 1, queued: 1 });
    },
  },
  {
    name: 'finish takes an empty list',
    async run(probe) {
      assert.deepEqual(await probe.store.runs.finish([]), []);
    },
  },
  {
    name: 'a run that should wait while its job is gone is recorded as cancelled',
    async run(probe) {
      const { run } = await probe.start('gone');
      await probe.store.jobs.remove(['gone']);
      const end = probe.end(run, 'waiting', { dueAt: probe.now + 5 });
      const answer = await probe.finish(end);
      const stored = await probe.run(run.id);
      assert.equal(stored.outcome, 'cancelled');
      assert.ok(stored.reason !== undefined && stored.finishedAt !== undefined);
      assert.deepEqual(answer, { cancelled: stored.reason });
    },
  },
  {
    name: 'cancel records a waiting run as cancelled',
    async run(probe) {
      const id = await probe.queue('waits');
      assert.equal(await probe.store.runs.cancel(id, 'not needed'), 'cancelled');
      const stored = await probe.run(id);
      assert.deepEqual([stored.outcome, stored.reason, stored.finishedAt], ['cancelled', 'not needed', probe.now]);
      assert.deepEqual(counts(await probe.job('waits')), { active: 0, queued: 0 });
      assert.deepEqual(await probe.claim(), []);
    },
  },
  {
    name: 'cancelling the last waiting run of a job that is ending finishes it',
    async run(probe) {
      const job = await probe.addDue('last');
      const fired = await probe.fire(
        probe.step(job, [probe.newRun('waiting')], { nextRunTime: undefined, dueAt: undefined, state: 'ending' }),
      );
      await probe.store.runs.cancel(only(fired.recorded) ?? '', 'not needed');
      assert.equal((await probe.store.jobs.get('last'))?.state, probe.store.durable ? 'finished' : undefined);
    },
  },
  {
    name: 'cancel marks a running run, which goes on until its owner ends it',
    async run(probe) {
      const { run } = await probe.start('runs');
      assert.equal(await probe.store.runs.cancel(run.id, 'not needed'), 'requested');
      assert.equal((await probe.run(run.id)).outcome, 'running');
      assert.equal(await probe.finish(probe.end(run, 'cancelled', { reason: 'not needed' })), true);
    },
  },
  {
    name: 'cancel answers undefined for a run that is over or unknown',
    async run(probe) {
      const { run } = await probe.start('over');
      await probe.finish(probe.end(run, 'succeeded'));
      assert.equal(await probe.store.runs.cancel(run.id, 'late'), undefined);
      assert.equal(await probe.store.runs.cancel('nobody@nowhere', 'late'), undefined);
      assert.equal((await probe.run(run.id)).outcome, 'succeeded');
    },
  },
];
