import assert from 'node:assert/strict';
import type { NewJob } from '../../core/job.ts';
import { asJson, counts, type LawCase, only, plainPolicy } from './probe.ts';

const other = { type: 'interval', milliseconds: 5000 } as const;

/** Laws of `JobStore.add`. */
export const addingCases: readonly LawCase[] = [
  {
    name: 'add stores a new job with every field of its definition and progress',
    async run(probe) {
      const policy = { ...plainPolicy, misfireGraceTime: 5, maxInstances: 3, retry: { limit: 2, delay: 10, backoff: 2, maxDelay: 100 } };
      const given: NewJob = {
        ...probe.newJob('full'),
        name: 'Full job',
        task: { name: 'send' },
        args: ['a', 1, null, { deep: [true, 'ü\u{1F600}"\'\\'] }],
        executor: 'reports',
        executorOptions: { queue: 'high' },
        policy,
        metadata: { owner: 'me' },
        trigger: { type: 'interval', milliseconds: 60_000, startDate: 5 },
        nextRunTime: probe.now + 100,
        dueAt: probe.now + 150,
        reason: 'because',
        runCount: 7,
      };
      const added = await probe.add(given);
      const stored = await probe.job('full');
      assert.equal(added.outcome, 'added');
      assert.deepEqual(counts(stored), { active: 0, queued: 0 });
      const { task, trigger, registration, ...rest } = given;
      for (const [key, value] of Object.entries(rest)) assert.deepEqual(Reflect.get(stored, key), value, key);
      assert.equal(stored.task.name, task.name);
      assert.deepEqual(asJson(stored.trigger), asJson(trigger));
      assert.deepEqual(asJson(stored.registration), asJson(registration));
      assert.equal(added.job.uid, stored.uid);
      assert.equal(added.job.version, stored.version);
    },
  },
  {
    name: 'add answers for each job of a long list, in its order',
    async run(probe) {
      const ids = Array.from({ length: 2500 }, (_, index) => `job-${index}`);
      const added = await probe.store.jobs.add(
        ids.map((id) => probe.newJob(id)),
        { onConflict: 'replace' },
      );
      assert.deepEqual(
        added.map((one) => `${one.outcome} ${one.job.id}`),
        ids.map((id) => `added ${id}`),
      );
      assert.equal((await probe.store.jobs.list()).length, 2500);
    },
  },
  {
    name: 'add takes an empty list',
    async run(probe) {
      assert.deepEqual(await probe.store.jobs.add([], { onConflict: 'replace' }), []);
    },
  },
  {
    name: "onConflict 'error' stores nothing of the whole list and names the jobs that stood in the way",
    async run(probe) {
      await probe.add(probe.newJob('there', { name: 'old' }));
      const added = await probe.store.jobs.add([probe.newJob('fresh'), probe.newJob('there', { name: 'new' })], { onConflict: 'error' });
      assert.deepEqual(
        added.filter((one) => one.outcome === 'conflict').map((one) => one.job.id),
        ['there'],
      );
      assert.equal(await probe.store.jobs.get('fresh'), undefined);
      assert.equal((await probe.job('there')).name, 'old');
    },
  },
  {
    name: "onConflict 'error' stores a list of new jobs",
    async run(probe) {
      const added = await probe.store.jobs.add([probe.newJob('a'), probe.newJob('b')], { onConflict: 'error' });
      assert.deepEqual(
        added.map((one) => one.outcome),
        ['added', 'added'],
      );
    },
  },
  {
    name: "onConflict 'keep' leaves the stored job as it was and answers with it",
    async run(probe) {
      await probe.add(probe.newJob('there', { name: 'old' }));
      const before = await probe.job('there');
      const added = await probe.add(probe.newJob('there', { name: 'new', registration: other, trigger: other }), 'keep');
      assert.equal(added.outcome, 'kept');
      assert.equal(added.job.name, 'old');
      assert.equal((await probe.job('there')).version, before.version);
      assert.equal((await probe.job('there')).name, 'old');
    },
  },
  {
    name: "onConflict 'replace' takes the new definition and keeps trigger, cursor and run count where the registration is equal",
    async run(probe) {
      const trigger = { type: 'interval', milliseconds: 60_000, startDate: 3 };
      await probe.add(probe.newJob('again', { trigger, nextRunTime: probe.now + 500, dueAt: probe.now + 510, runCount: 4 }));
      const before = await probe.job('again');
      const policy = { ...plainPolicy, maxInstances: 9 };
      const added = await probe.add(
        probe.newJob('again', { name: 'renamed', args: [1], task: { name: 'other' }, executor: 'threads', policy, metadata: { x: 1 } }),
      );
      const after = await probe.job('again');
      assert.equal(added.outcome, 'replaced');
      assert.deepEqual(
        [after.name, after.args, after.task.name, after.executor, after.policy.maxInstances, after.metadata],
        ['renamed', [1], 'other', 'threads', 9, { x: 1 }],
      );
      assert.deepEqual(asJson(after.trigger), trigger);
      assert.deepEqual([after.nextRunTime, after.dueAt, after.runCount, after.uid], [probe.now + 500, probe.now + 510, 4, before.uid]);
      assert.ok(after.version > before.version);
    },
  },
  {
    name: 'a paused job that is registered again with the same trigger stays paused',
    async run(probe) {
      await probe.add(probe.newJob('paused', { state: 'paused', reason: 'holiday', dueAt: undefined }));
      await probe.add(probe.newJob('paused', { name: 'renamed' }));
      const after = await probe.job('paused');
      assert.deepEqual([after.state, after.reason, after.dueAt, after.name], ['paused', 'holiday', undefined, 'renamed']);
      assert.deepEqual(await probe.due(), []);
    },
  },
  {
    name: 'a parked job that is registered again waits again, its cursor kept',
    async run(probe) {
      const cursor = probe.now - 1000;
      await probe.add(probe.newJob('parked', { state: 'parked', reason: 'broken', nextRunTime: cursor, dueAt: undefined }));
      await probe.add(probe.newJob('parked'));
      const after = await probe.job('parked');
      assert.deepEqual([after.state, after.reason, after.nextRunTime], ['waiting', undefined, cursor]);
      assert.deepEqual(await probe.due(), ['parked']);
    },
  },
  {
    name: 'where the registration differs, the new trigger and progress replace the old, and uid and counters stay',
    async run(probe) {
      const { run } = await probe.start('moved', { runCount: 4 });
      const before = await probe.job('moved');
      const added = await probe.add(
        probe.newJob('moved', { trigger: other, registration: other, nextRunTime: probe.now + 9, dueAt: probe.now + 9 }),
      );
      const after = await probe.job('moved');
      assert.equal(added.outcome, 'replaced');
      assert.deepEqual(asJson(after.trigger), other);
      assert.deepEqual(asJson(after.registration), other);
      assert.deepEqual([after.nextRunTime, after.runCount, after.uid], [probe.now + 9, 0, before.uid]);
      assert.deepEqual(counts(after), { active: 1, queued: 0 });
      assert.equal(await probe.finish(probe.end(run, 'succeeded')), true);
      assert.deepEqual(counts(await probe.job('moved')), { active: 0, queued: 0 });
    },
  },
  {
    name: 'a finished job that is registered again with the same trigger stays finished and is kept',
    needs: ['durable'],
    async run(probe) {
      await probe.finished('spent');
      assert.equal((await probe.job('spent')).state, 'finished');
      const added = await probe.add(probe.newJob('spent'));
      assert.equal(added.outcome, 'kept');
      assert.equal((await probe.job('spent')).state, 'finished');
      assert.deepEqual(await probe.due(), []);
    },
  },
  {
    name: 'a finished job that is registered with another trigger is a new job with a new uid',
    needs: ['durable'],
    async run(probe) {
      await probe.finished('spent');
      const before = await probe.job('spent');
      await probe.add(probe.newJob('spent', { trigger: other, registration: other }));
      const after = await probe.job('spent');
      assert.notEqual(after.uid, before.uid);
      assert.equal(after.state, 'waiting');
      assert.deepEqual(await probe.due(), ['spent']);
    },
  },
  {
    name: 'a job that is ending stays so when it is registered again with the same trigger',
    needs: ['durable'],
    async run(probe) {
      const job = await probe.addDue('last');
      const fired = await probe.fire(
        probe.step(job, [probe.newRun('running')], { nextRunTime: undefined, dueAt: undefined, state: 'ending' }),
      );
      await probe.add(probe.newJob('last'));
      assert.equal((await probe.job('last')).state, 'ending');
      assert.deepEqual(await probe.due(), []);
      await probe.finish(probe.end(only(fired.started).run, 'succeeded'));
      assert.equal((await probe.job('last')).state, 'finished');
    },
  },
  {
    name: 'a job added again after its removal has another uid',
    async run(probe) {
      const first = await probe.addDue('twice');
      await probe.store.jobs.remove(['twice']);
      const second = await probe.addDue('twice');
      assert.notEqual(second.uid, first.uid);
    },
  },
  {
    name: 'the same job added by two callers at once is stored once',
    async run(probe) {
      const answers = await Promise.all([1, 2, 3].map((n) => probe.add(probe.newJob('race', { args: [n] }), 'keep')));
      assert.equal(answers.filter((one) => one.outcome === 'added').length, 1);
      assert.equal((await probe.store.jobs.list()).length, 1);
    },
  },
];
