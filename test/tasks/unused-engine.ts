import type { TaskEngine } from '../../src/tasks/engine.ts';

function never(): never {
  throw new Error('this test was not to reach an engine');
}

/** For tests of what happens before anything is sent. */
export const unusedEngine: TaskEngine = {
  name: 'no engine',
  send: never,
  sendFlow: never,
  read: never,
  settled: never,
  revoke: never,
  consume: never,
  close: async () => {},
};
