import assert from 'node:assert/strict';
import { runId } from '../../core/run.ts';
import { counts, type LawCase, only, plainPolicy } from './probe.ts';

const many = { ...plainPolicy, maxInstances: 10 };
const over = { nextRunTime: undefined, dueAt: undefined, state: 'ending' } as const;

/** Laws of `JobStore.fire`. */
export const firingCases: readonly LawCase[] = [
  {
    name: 'fire moves the cursor and records the runs, each under its id',
    async run(probe) {
      const job = await probe.addDue('tick', { policy: many });
      const missed = probe.newRun('missed', {
        scheduledAt: probe.now - 5000,
        reason: 'late',
        coalesced: 3,
        coalescedFrom: probe.now - 9000,
      });
      const running = probe.newRun('running', { dueAt: probe.now - 1 });
      const waiting = probe.newRun('waiting', { scheduledAt: probe.now + 1, dueAt: probe.now + 50, manual: 'm1' });
      const fired = await probe.fire(probe.step(job, [missed, running, waiting], { runCount: 1 }));
      const ids = [missed, running, waiting].map((run) => runId('tick', job.uid, run.scheduledAt, run.manual));
      assert.equal(fired.won, true);
      assert.deepEqual(fired.recorded, ids);
      const after = await probe.job('tick');
      assert.deepEqual([after.nextRunTime, after.runCount, after.uid], [probe.now + 60_000, 1, job.uid]);
      assert.ok(after.version > job.version);
      assert.deepEqual(counts(after), { active: 1, queued: 1 });

      const [first, second, third] = await probe.runs('tick');
      assert.deepEqual(
        [first?.outcome, first?.reason, first?.coalesced, first?.coalescedFrom, first?.finishedAt, first?.manual],
        ['missed', 'late', 3, probe.now - 9000, probe.now, false],
      );
      assert.deepEqual([second?.outcome, second?.dueAt, second?.attempt, second?.crashes], ['running', probe.now - 1, 0, 0]);
      assert.deepEqual(
        [third?.outcome, third?.dueAt, third?.manual, third?.attempt, third?.fence],
        ['waiting', probe.now + 50, true, 0, 0],
      );
    },
  },
  {
    name: 'fire hands the runs it recorded as running to the caller',
    async run(probe) {
      const job = await probe.addDue('mine', { args: [7] });
      const fired = await probe.fire(probe.step(job, [probe.newRun('running')]), 'me');
      const claimed = only(fired.started);
      assert.deepEqual([claimed.run.owner, claimed.run.outcome, claimed.run.jobId, claimed.job?.id], ['me', 'running', 'mine', 'mine']);
      assert.deepEqual(claimed.job?.args, [7]);
      assert.ok(claimed.run.fence > 0);
    },
  },
  {
    name: 'fire refuses a job whose version has moved on, and then records nothing',
    async run(probe) {
      const job = await probe.addDue('raced', { policy: many });
      await probe.store.jobs.update(job, { name: 'changed' });
      const before = await probe.job('raced');
      const fired = await probe.fire(probe.step(job, [probe.newRun('running')]));
      assert.equal(fired.won, false);
      assert.deepEqual([fired.started.length, await probe.runs('raced')], [0, []]);
      assert.deepEqual(await probe.job('raced'), before);
    },
  },
  {
    name: 'fire refuses a job that was removed, or added again under its id',
    async run(probe) {
      const job = await probe.addDue('again');
      await probe.store.jobs.remove(['again']);
      assert.equal((await probe.fire(probe.step(job, [probe.newRun('running')]))).won, false);
      await probe.addDue('again');
      assert.equal((await probe.fire(probe.step(job, [probe.newRun('running')]))).won, false);
      assert.deepEqual(counts(await probe.job('again')), { active: 0, queued: 0 });
    },
  },
  {
    name: 'fire decides each step of a batch by itself and answers in its order',
    async run(probe) {
      const [a, b, c] = [await probe.addDue('a'), await probe.addDue('b'), await probe.addDue('c')];
      await probe.store.jobs.update(b, { name: 'changed' });
      const answers = await probe.store.jobs.fire(
        [a, b, c].map((job) => probe.step(job, [probe.newRun('running')])),
        probe.claimant(),
      );
      assert.deepEqual(
        answers.map((one) => one.won),
        [true, false, true],
      );
      assert.deepEqual(
        answers.map((one) => one.started.map((claimed) => claimed.run.jobId)),
        [['a'], [], ['c']],
      );
    },
  },
  {
    name: 'fire takes an empty batch',
    async run(probe) {
      assert.deepEqual(await probe.store.jobs.fire([], probe.claimant()), []);
    },
  },
  {
    name: 'of two callers that fire one job at once, one wins and one run is recorded',
    async run(probe) {
      const job = await probe.addDue('once', { policy: many });
      const step = probe.step(job, [probe.newRun('running')]);
      const answers = await Promise.all(['p1', 'p2', 'p3'].map((owner) => probe.fire(step, owner)));
      assert.equal(answers.filter((one) => one.won).length, 1);
      assert.equal((await probe.runs('once')).length, 1);
      assert.equal((await probe.job('once')).active, 1);
    },
  },
  {
    name: 'of two rows with one id the first stands, and the cursor still moves',
    needs: ['durable'],
    async run(probe) {
      const job = await probe.addDue('back', { policy: many });
      const first = await probe.fire(probe.step(job, [probe.newRun('running')]));
      await probe.finish(probe.end(only(first.started).run, 'succeeded', { value: 'first' }));
      const again = await probe.job('back');
      const second = await probe.fire(probe.step(again, [probe.newRun('running'), probe.newRun('missed', { scheduledAt: probe.now + 7 })]));
      assert.equal(second.won, true);
      assert.equal(second.recorded[0], undefined);
      assert.ok(second.recorded[1] !== undefined);
      assert.deepEqual(second.started, []);
      const after = await probe.job('back');
      assert.equal(after.nextRunTime, (again.nextRunTime ?? 0) + 60_000);
      assert.deepEqual(counts(after), { active: 0, queued: 0 });
      assert.equal((await probe.run(only(first.recorded) ?? '')).value, 'first');
    },
  },
  {
    name: 'fire refuses a step whole that would raise active over maxInstances',
    async run(probe) {
      await probe.start('full');
      const job = await probe.job('full');
      const fired = await probe.fire(probe.step(job, [probe.newRun('running', { scheduledAt: probe.now + 1 })]));
      assert.equal(fired.won, false);
      const after = await probe.job('full');
      assert.deepEqual([after.version, after.nextRunTime, after.active], [job.version, job.nextRunTime, 1]);
      assert.equal((await probe.runs('full')).length, 1);
    },
  },
  {
    name: 'a step that starts nothing is taken while the job runs as often as it may',
    async run(probe) {
      await probe.start('full');
      const job = await probe.job('full');
      const fired = await probe.fire(probe.step(job, [probe.newRun('skipped', { scheduledAt: probe.now + 1, reason: 'full' })]));
      assert.equal(fired.won, true);
      assert.deepEqual(
        (await probe.runs('full')).map((run) => run.outcome),
        ['running', 'skipped'],
      );
    },
  },
  {
    name: 'a job that ends with nothing left to run is finished at once',
    async run(probe) {
      const job = await probe.addDue('spent');
      await probe.fire(probe.step(job, [probe.newRun('missed')], over));
      const after = await probe.store.jobs.get('spent');
      assert.equal(after?.state, probe.store.durable ? 'finished' : undefined);
      assert.equal(only(await probe.runs('spent')).outcome, 'missed');
    },
  },
  {
    name: 'a job that ends is finished when its last run is over, waiting ones included',
    async run(probe) {
      const job = await probe.addDue('ending', { policy: many });
      const fired = await probe.fire(
        probe.step(job, [probe.newRun('running'), probe.newRun('waiting', { scheduledAt: probe.now + 1 })], over),
      );
      await probe.finish(probe.end(only(fired.started).run, 'succeeded'));
      assert.equal((await probe.job('ending')).state, 'ending');
      const claimed = only(await probe.claim());
      await probe.finish(probe.end(claimed.run, 'failed', { error: new Error('no') }));
      const after = await probe.store.jobs.get('ending');
      assert.equal(after?.state, probe.store.durable ? 'finished' : undefined);
    },
  },
  {
    name: 'cancelRunning asks running runs to stop and skips waiting scheduled ones, but not manual ones',
    async run(probe) {
      const { run } = await probe.start('super', { policy: { ...many, maxInstances: 1 } });
      const queued = probe.newRun('waiting', { scheduledAt: probe.now + 1 });
      const manual = probe.newRun('waiting', { scheduledAt: probe.now + 2, manual: 'by-hand' });
      const first = await probe.fire(probe.step(await probe.job('super'), [queued, manual]));
      const next = probe.newRun('waiting', { scheduledAt: probe.now + 3 });
      const second = await probe.fire(probe.step(await probe.job('super'), [next], { cancelRunning: true }));
      assert.equal((await probe.run(first.recorded[0] ?? '')).outcome, 'skipped');
      assert.equal((await probe.run(first.recorded[1] ?? '')).outcome, 'waiting');
      assert.equal((await probe.run(second.recorded[0] ?? '')).outcome, 'waiting');
      assert.deepEqual(counts(await probe.job('super')), { active: 1, queued: 2 });
      const pulse = await probe.store.runs.heartbeat(probe.claimant(), new Map());
      assert.deepEqual(pulse.cancel, [run.id]);
      const answer = await probe.finish(probe.end(run, 'waiting', { dueAt: probe.now + 5 }));
      const { outcome, reason } = await probe.run(run.id);
      assert.equal(outcome, 'cancelled');
      assert.match(reason ?? '', /superseded/);
      assert.deepEqual(answer, { cancelled: reason });
    },
  },
];
