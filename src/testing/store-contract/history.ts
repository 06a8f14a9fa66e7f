import assert from 'node:assert/strict';
import { type JobRecord, makeJobId } from '../../core/job.ts';
import type { RunRecord } from '../../core/run.ts';
import type { LawCase, StoreProbe } from './probe.ts';

const second = 1000;

/** A job with `count` runs that are over, one a second, the last one now; time moves. */
async function history(probe: StoreProbe, id: string, count: number): Promise<JobRecord> {
  await probe.addDue(id);
  for (let index = 0; index < count; index += 1) {
    await probe.advance(second);
    await probe.fire(probe.step(await probe.job(id), [probe.newRun(index % 2 === 0 ? 'missed' : 'skipped')]));
  }
  return probe.job(id);
}

async function pruneAll(probe: StoreProbe): Promise<number> {
  let total = 0;
  for (let calls = 0; calls < 100; calls += 1) {
    const gone = await probe.store.runs.prune();
    total += gone;
    if (gone === 0) return total;
  }
  throw new assert.AssertionError({ message: 'prune found more to remove in 100 calls than was there' });
}

function times(runs: readonly RunRecord[], from: number): readonly number[] {
  return runs.map((run) => (run.scheduledAt - from) / second);
}

/** Laws of `RunStore.list` and `prune`. */
export const historyCases: readonly LawCase[] = [
  {
    name: 'list gives runs newest first, by scheduled time and then by id',
    async run(probe) {
      for (const id of ['b', 'a', 'c']) await probe.queue(id);
      await probe.advance(1);
      await probe.queue('d');
      const { runs, cursor } = await probe.store.runs.list({ limit: 10 });
      assert.deepEqual(
        runs.map((run) => run.jobId),
        ['d', 'c', 'b', 'a'],
      );
      assert.equal(cursor, undefined);
    },
  },
  {
    name: 'list gives the runs of one job, and of no job whose id begins alike',
    async run(probe) {
      for (const id of ['a', 'a@b', 'ab', 'A', 'a%', 'a_']) await probe.queue(id);
      for (const id of ['a', 'a@b', 'A', 'a_']) {
        const { runs } = await probe.store.runs.list({ jobId: id, limit: 10 });
        assert.deepEqual(
          runs.map((run) => run.jobId),
          [id],
        );
      }
    },
  },
  {
    name: 'list filters by outcome, by id and by scheduled time, bounds included',
    async run(probe) {
      const start = probe.now;
      await history(probe, 'h', 6);
      const list = async (filter: object): Promise<readonly number[]> =>
        times((await probe.store.runs.list({ limit: 100, ...filter })).runs, start);
      assert.deepEqual(await list({ outcome: ['skipped'] }), [6, 4, 2]);
      assert.deepEqual(await list({ outcome: ['skipped', 'missed'] }), [6, 5, 4, 3, 2, 1]);
      assert.deepEqual(await list({ outcome: [] }), []);
      assert.deepEqual(await list({ from: start + 2 * second, to: start + 4 * second }), [4, 3, 2]);
      assert.deepEqual(await list({ jobId: 'h', from: start + 5 * second, outcome: ['missed'] }), [5]);
      const [newest] = (await probe.store.runs.list({ limit: 1 })).runs;
      assert.deepEqual(await list({ id: newest?.id }), [6]);
      assert.deepEqual(await list({ id: newest?.id, jobId: 'other' }), []);
    },
  },
  {
    name: 'list gives pages that together hold every run once',
    async run(probe) {
      for (let index = 0; index < 7; index += 1) {
        if (index === 4) await probe.advance(second);
        await probe.queue(`job-${index}`);
      }
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await probe.store.runs.list({ limit: 3, cursor });
        assert.ok(page.runs.length <= 3);
        seen.push(...page.runs.map((run) => run.jobId));
        cursor = page.cursor;
      } while (cursor !== undefined);
      assert.deepEqual(seen, ['job-6', 'job-5', 'job-4', 'job-3', 'job-2', 'job-1', 'job-0']);
    },
  },
  {
    name: 'list gives pages of one job',
    async run(probe) {
      const start = probe.now;
      await history(probe, 'h', 5);
      const first = await probe.store.runs.list({ jobId: 'h', limit: 2 });
      const next = await probe.store.runs.list({ jobId: 'h', limit: 5, cursor: first.cursor });
      assert.deepEqual(
        [times(first.runs, start), times(next.runs, start)],
        [
          [5, 4],
          [3, 2, 1],
        ],
      );
      assert.equal(next.cursor, undefined);
    },
  },
  {
    name: 'prune keeps the newest runs of a job, as many as keepRuns.count says',
    options: { keepRuns: { count: 2 } },
    async run(probe) {
      const start = probe.now;
      await history(probe, 'h', 5);
      await pruneAll(probe);
      const { runs } = await probe.store.runs.list({ limit: 100 });
      assert.deepEqual(times(runs, start), [5, 4]);
    },
  },
  {
    name: 'prune removes runs older than keepRuns.age',
    options: { keepRuns: { age: 2500 } },
    async run(probe) {
      const start = probe.now;
      await history(probe, 'h', 5);
      await pruneAll(probe);
      const { runs } = await probe.store.runs.list({ limit: 100 });
      assert.deepEqual(times(runs, start), [5, 4, 3]);
    },
  },
  {
    name: 'prune forgets a finished job with its run if its id was made for it, and no other job',
    needs: ['durable'],
    options: { keepRuns: { age: second } },
    async run(probe) {
      const [spent, waiting] = [makeJobId(), makeJobId()];
      for (const id of [spent, 'given']) await probe.finished(id);
      await history(probe, waiting, 1);
      await probe.advance(2 * second);
      await pruneAll(probe);
      assert.deepEqual((await probe.store.runs.list({ limit: 10 })).runs, []);
      assert.equal(await probe.store.jobs.get(spent), undefined);
      assert.equal((await probe.job('given')).state, 'finished');
      assert.equal((await probe.job(waiting)).state, 'waiting');
    },
  },
  {
    name: 'prune leaves runs that wait or run',
    options: { keepRuns: { count: 0, age: 1 } },
    async run(probe) {
      const { run } = await probe.start('running');
      const waiting = await probe.queue('waiting');
      await history(probe, 'h', 3);
      await pruneAll(probe);
      const { runs } = await probe.store.runs.list({ limit: 100 });
      assert.deepEqual(runs.map((one) => one.id).sort(), [run.id, waiting].sort());
    },
  },
  {
    name: 'prune removes nothing where nothing is past what is to be kept',
    options: { keepRuns: { count: 100, age: 3_600_000 } },
    async run(probe) {
      await history(probe, 'h', 3);
      assert.equal(await probe.store.runs.prune(), 0);
      assert.equal((await probe.runs('h')).length, 3);
    },
  },
];
