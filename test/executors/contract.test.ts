/** The same laws for both executors; those of the threads executor start real threads. */
import { describe, test } from 'vitest';
import { InlineExecutor } from '../../src/executors/inline.ts';
import { ThreadsExecutor } from '../../src/executors/threads.ts';
import { executorContract, type ExecutorContractCase } from '../../src/testing/executor-contract.ts';

function apply(cases: readonly ExecutorContractCase[]): void {
  for (const law of cases) if (law.skipped === undefined) test(law.name, law.run);
}

describe('the contract of executors, kept by the inline executor', () => {
  const create = async () => ({ executor: new InlineExecutor() });
  apply(executorContract({ create, lacks: { isolation: 'a task on the event loop that calls process.exit ends the process' } }));
});

describe('the contract of executors, kept by the threads executor', () => {
  apply(executorContract({ create: async () => ({ executor: new ThreadsExecutor({ max: 2, abortGrace: 20 }) }) }));
});
