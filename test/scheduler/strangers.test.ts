import { describe, expect, test } from 'vitest';
import { type Executor, InvalidTriggerError, Scheduler, SchedulerStateError, type Trigger } from '../../src/index.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

function rig(executors: Record<string, Executor> = {}): { clock: VirtualClock; scheduler: Scheduler } {
  const clock = new VirtualClock({ now: '2030-01-01T00:00:00Z' });
  return { clock, scheduler: new Scheduler({ clock, timezone: 'UTC', logger: quiet, executors }) };
}

describe('a trigger of another make', () => {
  const answers: Record<string, (after: number) => unknown> = {
    null: () => null,
    'an earlier time': (after) => after - 1000,
    'the same time': (after) => after,
    NaN: () => Number.NaN,
    text: () => 'a',
    'a Date': (after) => new Date(after + 1000),
    infinity: () => Number.POSITIVE_INFINITY,
    'half a millisecond': (after) => after + 0.5,
  };
  test.each(Object.keys(answers))('that answers %s is refused, and the other jobs run', async (name) => {
    const { clock, scheduler } = rig();
    await scheduler.start();
    let runs = 0;
    await scheduler.every('1s', () => {
      runs += 1;
    });
    const trigger = { next: answers[name], toJSON: () => ({ type: 'strange' }) } as Trigger;
    await expect(scheduler.addJob(() => {}, { trigger })).rejects.toThrow(InvalidTriggerError);
    await clock.advance('3s');
    expect(runs).toBe(3);
    await scheduler.shutdown();
  });
});

describe('an executor of another make', () => {
  const strange = (run: () => unknown): Executor => ({ run, close: async () => {} }) as unknown as Executor;

  test('needs no capacity', async () => {
    const { clock, scheduler } = rig({ own: strange(() => ({ ok: true, value: 7 })) });
    await scheduler.start();
    await scheduler.every('1s', () => {}, { id: 'job', executor: 'own' });
    await clock.advance('2s');
    expect((await scheduler.getRuns()).map((run) => run.value)).toEqual([7, 7]);
    await scheduler.shutdown();
  });

  test.each([
    ['nothing', () => undefined],
    ['a promise of nothing', async () => undefined],
    ['a number', () => 5],
    ['a thenable of nothing', () => ({ then: (resolve: (value: unknown) => void) => resolve(undefined) })],
  ])('that answers %s fails its run alone', async (_name, run) => {
    const { clock, scheduler } = rig({ own: strange(run) });
    await scheduler.start();
    await scheduler.every('1s', () => {}, { id: 'job', executor: 'own' });
    await clock.advance('1s');
    const [ended] = await scheduler.getRuns();
    expect(ended).toMatchObject({ outcome: 'failed' });
    expect(ended?.reason).toContain('the executor answered');
    await scheduler.shutdown();
  });

  test('that is deaf to an abort does not hold up the shutdown', async () => {
    const { clock, scheduler } = rig({ own: strange(() => new Promise(() => {})) });
    await scheduler.start();
    await scheduler.every('1s', () => {}, { id: 'job', executor: 'own' });
    await clock.advance('1s');
    const stopped = scheduler.shutdown({ timeout: 100 });
    await clock.advance('10s');
    await stopped;
    expect((await scheduler.getRuns()).map((run) => run.outcome)).toEqual(['cancelled']);
  });
});

test('runJob answers with the waiting run when a shutdown comes before its end', async () => {
  const { clock, scheduler } = rig();
  await scheduler.start();
  await scheduler.every('1d', () => Promise.reject(new Error('not yet')), { id: 'job', retry: { limit: 3, delay: '1h' } });
  const run = scheduler.runJob('job');
  await clock.advance('1m');
  await scheduler.shutdown();
  expect(await run).toMatchObject({ outcome: 'waiting', attempt: 1 });
});

test('a run that stopped its scheduler cannot start it before it is over', async () => {
  const { clock, scheduler } = rig();
  let said: unknown;
  await scheduler.addJob(
    async () => {
      await scheduler.shutdown();
      said = await scheduler.start().catch((error: unknown) => error);
    },
    { trigger: 'date' },
  );
  await scheduler.start();
  await clock.advance('1s');
  expect(said).toBeInstanceOf(SchedulerStateError);
});

test('each undo takes back its own listener only', async () => {
  const { scheduler } = rig();
  let calls = 0;
  const listener = (): void => {
    calls += 1;
  };
  const undo = scheduler.on('schedulerStarted', listener);
  scheduler.on('schedulerStarted', listener);
  undo();
  await scheduler.start();
  expect(calls).toBe(1);
  await scheduler.shutdown();
});
