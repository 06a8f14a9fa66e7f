import assert from 'node:assert/strict';
import { counts, type LawCase, only, plainPolicy } from './probe.ts';

/** Laws of `RunStore.claim` and `heartbeat`. */
export const claimingCases: readonly LawCase[] = [
  {
    name: 'claim hands out a waiting run once it is due, held by the caller, with its job',
    async run(probe) {
      const id = await probe.queue('later', { args: [3] }, { dueAt: probe.now + 100 });
      assert.deepEqual(await probe.claim(), []);
      await probe.advance(100);
      const claimed = only(await probe.claim({}, 'me'));
      assert.deepEqual([claimed.run.id, claimed.run.owner, claimed.run.outcome, claimed.run.crashes], [id, 'me', 'running', 0]);
      assert.deepEqual(claimed.job?.args, [3]);
      assert.ok(claimed.run.fence > 0);
      assert.deepEqual(counts(await probe.job('later')), { active: 1, queued: 0 });
      assert.deepEqual(await probe.claim(), []);
    },
  },
  {
    name: 'claim says what time it is by the store',
    async run(probe) {
      assert.equal((await probe.store.runs.claim(probe.room(), probe.claimant())).now, probe.now);
    },
  },
  {
    name: 'claim hands out by due time, at most as many per executor as it has room for',
    async run(probe) {
      for (const [id, wait] of [
        ['b', 2],
        ['a', 1],
        ['c', 3],
      ] as const)
        await probe.queue(id, {}, { dueAt: probe.now + wait });
      await probe.queue('x', { executor: 'threads' }, { dueAt: probe.now + 4 });
      await probe.queue('y', { executor: 'unnamed' }, { dueAt: probe.now });
      await probe.advance(10);
      const ids = (await probe.claim({ executors: { inline: 2, threads: 2 } })).map((claimed) => claimed.run.jobId);
      assert.deepEqual(ids, ['a', 'b', 'x']);
    },
  },
  {
    name: 'claim hands out at most `limit` runs',
    async run(probe) {
      for (let index = 0; index < 5; index += 1) await probe.queue(`job-${index}`);
      assert.equal((await probe.claim({ limit: 2 })).length, 2);
    },
  },
  {
    name: 'claim leaves a waiting run whose job runs as often as it may, until one of its runs is over',
    async run(probe) {
      const { run } = await probe.start('one');
      await probe.fire(probe.step(await probe.job('one'), [probe.newRun('waiting', { scheduledAt: probe.now + 1 })]));
      assert.deepEqual(await probe.claim(), []);
      await probe.finish(probe.end(run, 'succeeded'));
      assert.equal(only(await probe.claim()).run.scheduledAt, probe.now + 1);
    },
  },
  {
    name: 'one claim hands out no more runs of a job than maxInstances leaves room for',
    async run(probe) {
      const job = await probe.addDue('two', { policy: { ...plainPolicy, maxInstances: 2 } });
      const runs = [0, 1, 2, 3].map((offset) => probe.newRun('waiting', { scheduledAt: probe.now + offset }));
      await probe.fire(probe.step(job, runs));
      assert.equal((await probe.claim()).length, 2);
      assert.deepEqual(counts(await probe.job('two')), { active: 2, queued: 2 });
      assert.deepEqual(await probe.claim(), []);
    },
  },
  {
    name: 'a run claimed by several callers at once goes to one of them',
    async run(probe) {
      for (let index = 0; index < 10; index += 1) await probe.queue(`job-${index}`);
      const answers = await Promise.all(['p1', 'p2', 'p3'].map((owner) => probe.claim({}, owner)));
      const ids = answers.flat().map((claimed) => claimed.run.id);
      assert.equal(new Set(ids).size, ids.length);
      assert.equal(ids.length + (await probe.claim()).length, 10);
    },
  },
  {
    name: 'claim leaves tasks that this process does not know to others',
    needs: ['durable'],
    async run(probe) {
      await probe.queue('known', { task: { name: 'known' } });
      await probe.queue('foreign', { task: { name: 'foreign' } });
      assert.deepEqual(await probe.claim({ tasks: [] }), []);
      assert.equal(only(await probe.claim({ tasks: ['known'] })).run.jobId, 'known');
      assert.equal(only(await probe.claim()).run.jobId, 'foreign');
    },
  },
  {
    name: 'waiting runs follow their job to another executor',
    needs: ['durable'],
    async run(probe) {
      await probe.queue('mover');
      await probe.store.jobs.update(await probe.job('mover'), { executor: 'threads' });
      assert.deepEqual(await probe.claim({ executors: { inline: 5 } }), []);
      assert.equal((await probe.claim({ executors: { threads: 5 } })).length, 1);
    },
  },
  {
    name: 'a run whose claim ran out is handed out again, with a higher fence and one crash more',
    needs: ['leases'],
    async run(probe) {
      const first = await probe.start('dead', {}, 'dies');
      await probe.advance(probe.lease - 1);
      assert.deepEqual(await probe.claim({}, 'lives'), []);
      await probe.advance(1);
      const second = only(await probe.claim({}, 'lives'));
      assert.equal(second.run.id, first.run.id);
      assert.deepEqual([second.run.owner, second.run.crashes, second.run.outcome], ['lives', 1, 'running']);
      assert.ok(second.run.fence > first.run.fence);
      assert.deepEqual(counts(await probe.job('dead')), { active: 1, queued: 0 });
    },
  },
  {
    name: 'the claim of a waiting run runs out too',
    needs: ['leases'],
    async run(probe) {
      await probe.queue('dead');
      const first = only(await probe.claim({}, 'dies'));
      await probe.advance(probe.lease);
      const second = only(await probe.claim({}, 'lives'));
      assert.equal(second.run.crashes, 1);
      assert.ok(second.run.fence > first.run.fence);
    },
  },
  {
    name: 'a run whose job is gone is handed out whatever the room, without a job',
    needs: ['leases'],
    async run(probe) {
      const { run } = await probe.start('gone', { executor: 'threads' });
      await probe.store.jobs.remove(['gone']);
      assert.deepEqual(await probe.claim({ executors: {} }), []);
      await probe.advance(probe.lease);
      const claimed = only(await probe.claim({ executors: {}, tasks: [] }));
      assert.equal(claimed.run.id, run.id);
      assert.equal(claimed.job, undefined);
      assert.equal(await probe.finish(probe.end(claimed.run, 'lost')), true);
    },
  },
  {
    name: 'heartbeat prolongs all claims of the owner, and of no other',
    needs: ['leases'],
    async run(probe) {
      await probe.start('mine', {}, 'me');
      await probe.start('theirs', {}, 'them');
      await probe.advance(probe.lease - 1);
      await probe.store.runs.heartbeat(probe.claimant('me'), new Map());
      await probe.advance(1);
      assert.equal(only(await probe.claim({}, 'third')).run.jobId, 'theirs');
      await probe.advance(probe.lease - 1);
      assert.equal(only((await probe.claim({}, 'third')).filter((claimed) => claimed.run.jobId === 'mine')).run.crashes, 1);
    },
  },
  {
    name: 'heartbeat notes progress',
    async run(probe) {
      const { run } = await probe.start('long');
      await probe.store.runs.heartbeat(probe.claimant(), new Map([[run.id, { done: 3 }]]));
      assert.deepEqual((await probe.run(run.id)).progress, { done: 3 });
      await probe.store.runs.heartbeat(probe.claimant(), new Map());
      assert.deepEqual((await probe.run(run.id)).progress, { done: 3 });
    },
  },
  {
    name: 'heartbeat tells which runs were asked to stop',
    async run(probe) {
      const { run } = await probe.start('stop-me');
      await probe.start('go-on');
      assert.deepEqual((await probe.store.runs.heartbeat(probe.claimant(), new Map())).cancel, []);
      assert.equal(await probe.store.runs.cancel(run.id, 'not needed'), 'requested');
      const pulse = await probe.store.runs.heartbeat(probe.claimant(), new Map());
      assert.deepEqual(pulse, { cancel: [run.id], lost: [] });
    },
  },
  {
    name: 'heartbeat tells which runs the owner no longer holds',
    needs: ['leases'],
    async run(probe) {
      const { run } = await probe.start('lost', {}, 'frozen');
      await probe.advance(probe.lease);
      await probe.claim({}, 'quick');
      assert.deepEqual((await probe.store.runs.heartbeat(probe.claimant('frozen'), new Map())).lost, [run.id]);
      assert.deepEqual((await probe.store.runs.heartbeat(probe.claimant('quick'), new Map())).lost, []);
    },
  },
];
