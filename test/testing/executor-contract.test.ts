import { describe, expect, test } from 'vitest';
import type { Executor, RunRequest, RunResult } from '../../src/core/executor.ts';
import { InlineExecutor } from '../../src/executors/inline.ts';
import { executorContract } from '../../src/testing/executor-contract.ts';

/** An inline executor with one thing wrong. */
function broken(run: (inner: Executor, request: RunRequest) => RunResult | Promise<RunResult>, more: Partial<Executor> = {}): Executor {
  const inner = new InlineExecutor();
  return { capacity: inner.capacity, run: (request) => run(inner, request), close: () => inner.close(), ...more };
}

async function brokenLaws(make: () => Executor): Promise<string[]> {
  const names: string[] = [];
  for (const law of executorContract({ create: async () => ({ executor: make() }), lacks: { isolation: 'on the event loop' } })) {
    if (law.skipped !== undefined) continue;
    await law.run().catch(() => names.push(law.name));
  }
  return names;
}

describe('the contract of executors', () => {
  test('finds nothing wrong with the inline executor', async () => {
    expect(await brokenLaws(() => new InlineExecutor())).toEqual([]);
  });

  test('leaves out what an executor lacks, with the reason', () => {
    const cases = executorContract({ create: async () => ({ executor: new InlineExecutor() }), lacks: { isolation: 'on the event loop' } });
    expect(cases.filter(({ skipped }) => skipped !== undefined).map(({ skipped }) => skipped)).toEqual(['on the event loop']);
  });

  test('notices an executor whose run rejects', async () => {
    const rejecting = () =>
      broken(async (inner, request) => {
        const result = await inner.run(request);
        if (!result.ok) throw result.error;
        return result;
      });
    expect(await brokenLaws(rejecting)).toContain(
      'a task that throws or rejects ends its run with the message, and run itself neither throws nor rejects',
    );
  });

  test('notices an executor that turns errors into text', async () => {
    const flattening = () =>
      broken(async (inner, request) => {
        const result = await inner.run(request);
        return result.ok ? result : { ok: false, error: new Error(result.error instanceof Error ? result.error.message : 'failed') };
      });
    expect(await brokenLaws(flattening)).toEqual(
      expect.arrayContaining([
        'an error keeps its class, code, own fields, stack and cause',
        'a thrown value that is no error is kept, null among them',
      ]),
    );
  });

  test('notices an executor that gives a reason of its own for an abort', async () => {
    const vague = () =>
      broken(async (inner, request) => {
        const result = await inner.run(request);
        return request.signal.aborted ? { ok: false, error: new Error('aborted') } : result;
      });
    expect(await brokenLaws(vague)).toContain('a run that was aborted before it began ends with the reason');
  });

  test('notices an executor that forgets whose run it is', async () => {
    const forgetful = () => broken((inner, request) => inner.run({ ...request, jobId: 'some job' }));
    expect(await brokenLaws(forgetful)).toEqual(['a task finds its run, with the nominal time in its zone']);
  });

  test('notices an executor that cannot be used after close', async () => {
    const closing = () => {
      let closed = false;
      const close = async () => {
        closed = true;
      };
      const run = (inner: Executor, request: RunRequest) =>
        closed ? { ok: false as const, error: new Error('closed') } : inner.run(request);
      const lasting = new InlineExecutor();
      return { ...broken((_, request) => run(lasting, request)), close: () => Promise.all([close(), lasting.close()]).then(() => {}) };
    };
    expect(await brokenLaws(closing)).toEqual(['an executor works again after close']);
  });

  test('notices an executor of half a capacity', async () => {
    expect(await brokenLaws(() => broken((inner, request) => inner.run(request), { capacity: 0.5 }))).toEqual([
      'its capacity is a whole number from 1, or Infinity',
    ]);
  });
});
