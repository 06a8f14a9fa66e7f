import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Run } from '../../src/core/events.ts';
import type { Scheduler } from '../../src/scheduler.ts';
import type { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { Model, type ModelOptions } from './model.ts';
import { beginMs, second, settle, started } from './rig.ts';

type Operation =
  | { readonly do: 'add'; readonly id: string; readonly options: ModelOptions }
  | { readonly do: 'remove' | 'pause' | 'resume'; readonly id: string }
  | { readonly do: 'reschedule' | 'move'; readonly id: string; readonly seconds: number }
  | { readonly do: 'advance' | 'sleep' | 'back'; readonly seconds: number }
  | { readonly do: 'pause all' | 'resume all' };

const id = fc.constantFrom('a', 'b', 'c');
/** A job's limit of runs goes with its name, so that no registration lowers it. */
const maxRunsOf: Readonly<Record<string, number | undefined>> = { a: undefined, b: 5, c: undefined };
const operations: fc.Arbitrary<Operation>[] = [
  fc.record({
    do: fc.constant('add' as const),
    id,
    options: fc.record({
      seconds: fc.integer({ min: 1, max: 9 }),
      grace: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
      coalesce: fc.constantFrom('latest', 'earliest', 'all'),
    }),
  }),
  fc.record({ do: fc.constantFrom('remove', 'pause', 'resume'), id }),
  fc.record({ do: fc.constantFrom('reschedule', 'move'), id, seconds: fc.integer({ min: 1, max: 15 }) }),
  fc.record({ do: fc.constantFrom('pause all', 'resume all') }),
];
const moves: fc.Arbitrary<Operation> = fc.record({
  do: fc.constantFrom('advance', 'advance', 'sleep', 'back'),
  seconds: fc.integer({ min: 1, max: 40 }),
});
const history = fc.array(fc.oneof({ arbitrary: moves, weight: 3 }, ...operations.map((arbitrary) => ({ arbitrary, weight: 1 }))), {
  minLength: 5,
  maxLength: 30,
});

function applyToModel(model: Model, operation: Operation): void {
  switch (operation.do) {
    case 'add':
      model.add(operation.id, { ...operation.options, maxRuns: maxRunsOf[operation.id] });
      break;
    case 'remove':
      model.remove(operation.id);
      break;
    case 'pause':
      model.pause(operation.id);
      break;
    case 'resume':
      model.resume(operation.id);
      break;
    case 'reschedule':
      model.reschedule(operation.id, operation.seconds);
      break;
    case 'move':
      model.move(operation.id, operation.seconds);
      break;
    case 'advance':
      model.advance(operation.seconds);
      break;
    case 'sleep':
      model.now += operation.seconds;
      model.look();
      break;
    case 'back':
      model.now -= operation.seconds;
      break;
    case 'pause all':
      model.isRunning = false;
      break;
    case 'resume all':
      model.isRunning = true;
      model.look();
      break;
  }
}

async function applyToScheduler({ clock, scheduler }: { clock: VirtualClock; scheduler: Scheduler }, operation: Operation): Promise<void> {
  if ('id' in operation && operation.do !== 'add' && (await scheduler.getJob(operation.id)) === undefined) return;
  switch (operation.do) {
    case 'add': {
      const { seconds, grace, coalesce } = operation.options;
      const maxRuns = maxRunsOf[operation.id];
      const task = (): void => {};
      await scheduler.addJob(task, {
        trigger: 'interval',
        seconds,
        id: operation.id,
        coalesce,
        misfireGraceTime: grace === undefined ? null : grace * 1000,
        ...(maxRuns !== undefined && { maxRuns }),
      });
      break;
    }
    case 'remove':
      await scheduler.removeJob(operation.id);
      break;
    case 'pause':
      await scheduler.pauseJob(operation.id);
      break;
    case 'resume':
      await scheduler.resumeJob(operation.id);
      break;
    case 'reschedule':
      await scheduler.rescheduleJob(operation.id, { trigger: 'interval', seconds: operation.seconds });
      break;
    case 'move':
      await scheduler.modifyJob(operation.id, { nextRunTime: clock.now() + operation.seconds * 1000 });
      break;
    case 'advance':
      await clock.advance(operation.seconds * 1000);
      break;
    case 'sleep':
      await clock.jumpWall(operation.seconds * 1000);
      break;
    case 'back':
      await clock.jumpWall(-operation.seconds * 1000);
      break;
    case 'pause all':
      if (scheduler.state === 'running') await scheduler.pause();
      break;
    case 'resume all':
      if (scheduler.state === 'paused') await scheduler.resume();
      break;
  }
  await settle(clock);
}

interface Row {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

function rowOf(run: Run): Row {
  const scheduledAt = second(run.scheduledAt) ?? Number.NaN;
  const from = second(run.coalescedFrom) ?? scheduledAt;
  return { text: `${run.outcome} ${scheduledAt} x${run.coalesced}<${from}`, from, to: scheduledAt };
}

test('the scheduler agrees with a model that walks every second, whatever is done to it', async () => {
  await fc.assert(
    fc.asyncProperty(history, async (list) => {
      const made = await started();
      const log = new Map<string, Row[]>();
      for (const name of ['jobExecuted', 'jobMissed', 'jobSkipped'] as const) {
        made.scheduler.on(name, (run) => void log.set(run.jobId, [...(log.get(run.jobId) ?? []), rowOf(run)]));
      }
      const model = new Model();
      for (const operation of list) {
        applyToModel(model, operation);
        await applyToScheduler(made, operation);
        expect(made.clock.now()).toBe(beginMs + model.now * 1000);
      }
      const texts = Object.fromEntries([...log].map(([job, rows]) => [job, rows.map(({ text }) => text)]));
      expect(texts).toEqual(Object.fromEntries(model.log));
      const next = Object.fromEntries((await made.scheduler.getJobs()).map((job) => [job.id, second(job.nextRunAt)]));
      expect(next).toEqual(
        Object.fromEntries([...model.jobs].map(([job, { next: time, state }]) => [job, state === 'paused' ? undefined : time])),
      );
      // One outcome per job and nominal time: each row begins after the one before it ended, as long as time only went on.
      if (list.some((operation) => operation.do === 'back')) return;
      for (const rows of log.values())
        for (const [index, { from }] of rows.entries()) if (index > 0) expect(from).toBeGreaterThan(rows[index - 1]?.to ?? Infinity);
    }),
    { numRuns: 150 },
  );
}, 60_000);
