import assert from 'node:assert/strict';
import type { LawCase } from './probe.ts';

/** Laws of `Store` itself. */
export const lifeCases: readonly LawCase[] = [
  {
    name: 'open may be called again after close, and a durable store then has all it had',
    needs: ['durable'],
    async run(probe) {
      const { run } = await probe.start('kept', { args: [1, { two: 2 }], metadata: { team: 'a' } });
      await probe.store.close();
      await probe.store.open(probe.context);
      assert.deepEqual((await probe.job('kept')).args, [1, { two: 2 }]);
      assert.deepEqual((await probe.job('kept')).metadata, { team: 'a' });
      assert.equal((await probe.run(run.id)).outcome, 'running');
      assert.equal(await probe.finish(probe.end(run, 'succeeded')), true);
    },
  },
  {
    name: 'close may be called twice',
    async run(probe) {
      await probe.store.close();
      await probe.store.close();
    },
  },
  {
    name: 'watch answers with a function that ends it',
    async run(probe) {
      const cancel = probe.store.watch(() => undefined);
      cancel();
      cancel();
      assert.deepEqual(await probe.due(), []);
    },
  },
];
