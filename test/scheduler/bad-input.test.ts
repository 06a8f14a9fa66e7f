import { describe, expect, test } from 'vitest';
import { InvalidOptionError, SchedulerError, TaskNotFoundError, TriggerSearchLimitError } from '../../src/errors.ts';
import type { SchedulerOptions } from '../../src/options.ts';
import { Scheduler } from '../../src/scheduler.ts';
import { MemoryJobStore } from '../../src/stores/memory.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { rig, settle, started } from './rig.ts';

function nothing(): void {}

/** What was given; the option at fault (undefined where the error names a field instead); a part of the message. */
type Case = readonly [name: string, options: object, code: string, message: string];

const interval = { trigger: 'interval', seconds: 1 };

const cases: readonly Case[] = [
  ['an unknown trigger', { trigger: 'intervall', seconds: 1 }, 'INVALID_OPTION', 'did you mean "interval"'],
  ['no trigger', { seconds: 1 }, 'INVALID_OPTION', 'trigger: got undefined'],
  ['a trigger that is no trigger', { trigger: {} }, 'INVALID_OPTION', 'a trigger object, with next and toJSON'],
  ['an unknown option of the trigger', { trigger: 'interval', minuts: 5 }, 'INVALID_OPTION', 'did you mean "minutes"'],
  ['an unknown option of the job', { ...interval, maxInstance: 5 }, 'INVALID_OPTION', 'did you mean "maxInstances"'],
  ['a Python spelling', { ...interval, max_instances: 5 }, 'INVALID_OPTION', 'did you mean "maxInstances"'],
  ['an option of another trigger', { ...interval, runDate: '2030-01-02' }, 'INVALID_OPTION', 'runDate'],
  [
    'a trigger option beside a trigger object',
    { trigger: { next: () => 1, toJSON: () => ({ type: 'x' }) }, seconds: 1 },
    'INVALID_OPTION',
    'the trigger is an object already',
  ],
  ['no interval', { trigger: 'interval' }, 'INVALID_TRIGGER', 'give at least one of weeks'],
  ['a zero interval', { trigger: 'interval', seconds: 0 }, 'INVALID_OPTION', 'at least 1 millisecond'],
  ['a negative interval', { trigger: 'interval', seconds: -1 }, 'INVALID_OPTION', 'seconds: got -1'],
  ['an interval of NaN', { trigger: 'interval', seconds: Number.NaN }, 'INVALID_OPTION', 'seconds: got NaN'],
  ['an infinite interval', { trigger: 'interval', seconds: Infinity }, 'INVALID_OPTION', 'seconds: got Infinity'],
  ['an interval as text', { trigger: 'interval', seconds: '5' }, 'INVALID_OPTION', 'seconds: got "5"'],
  ['both every and a unit', { trigger: 'interval', every: '5s', seconds: 5 }, 'INVALID_TRIGGER', 'not both'],
  ['an impossible zone', { trigger: 'cron', hour: 1, timezone: 'Mars/Olympus' }, 'INVALID_OPTION', 'Mars/Olympus'],
  ['an end before the start', { ...interval, startDate: '2030-02-01', endDate: '2030-01-01' }, 'INVALID_OPTION', 'not before startDate'],
  ['a cron without fields', { trigger: 'cron' }, 'INVALID_', 'cron'],
  ['a cron field out of range', { trigger: 'cron', hour: 24 }, 'INVALID_TRIGGER', 'hour'],
  ['a crontab text that is none', { trigger: 'cron', expression: '61 * * * *' }, 'INVALID_TRIGGER', 'minute'],
  ['a date that is none', { trigger: 'date', runDate: 'tomorrow' }, 'INVALID_OPTION', 'ISO 8601'],
  ['a day that does not exist', { trigger: 'date', runDate: '2030-02-30' }, 'INVALID_OPTION', 'a date that exists'],
  ['an invalid Date', { trigger: 'date', runDate: new Date(Number.NaN) }, 'INVALID_OPTION', 'Invalid Date'],
  ['a date past', { trigger: 'date', runDate: '2029-12-31' }, 'JOB_NEVER_RUNS', 'is past'],
  ['an end that is past', { ...interval, startDate: '2029-01-01', endDate: '2029-02-01' }, 'JOB_NEVER_RUNS', 'is past'],
  ['a one-shot whose nextRunTime is past', { trigger: 'date', nextRunTime: '2029-12-31' }, 'JOB_NEVER_RUNS', 'is past'],
  ['a schedule that is empty', { trigger: 'cron', year: 2029 }, 'JOB_NEVER_RUNS', 'never run'],
  ['an unknown executor', { ...interval, executor: 'treads' }, 'INVALID_OPTION', 'one of "inline", "threads"; did you mean "threads"'],
  ['an unknown job store', { ...interval, jobStore: 'defualt' }, 'INVALID_OPTION', 'did you mean "default"'],
  ['a job store that is null', { ...interval, jobStore: null }, 'INVALID_OPTION', 'jobStore: got null'],
  ['an executor that is null', { ...interval, executor: null }, 'INVALID_OPTION', 'executor: got null'],
  ['a function for a worker thread', { ...interval, executor: 'threads' }, 'INVALID_OPTION', "new URL('./"],
  ['an id that is empty', { ...interval, id: '' }, 'INVALID_OPTION', 'a text that is not empty'],
  ['an id that is a number', { ...interval, id: 7 }, 'INVALID_OPTION', 'id: got 7'],
  ['arguments that are no array', { ...interval, args: 'x' }, 'INVALID_OPTION', 'an array of arguments'],
  ['metadata that is no object', { ...interval, metadata: [] }, 'INVALID_OPTION', 'metadata'],
  ['a negative grace', { ...interval, misfireGraceTime: -1 }, 'INVALID_OPTION', 'misfireGraceTime'],
  ['a grace of zero', { ...interval, misfireGraceTime: 0 }, 'INVALID_OPTION', 'misfireGraceTime'],
  ['a grace that is no duration', { ...interval, misfireGraceTime: 'soon' }, 'INVALID_OPTION', 'misfireGraceTime: got "soon"'],
  ['a number without a unit', { ...interval, timeout: '5' }, 'INVALID_OPTION', 'a unit after the number'],
  ['an unknown coalesce', { ...interval, coalesce: 'lastest' }, 'INVALID_OPTION', 'did you mean "latest"'],
  ['a coalesce that cannot be shown as text', { ...interval, coalesce: Object.create(null) }, 'INVALID_OPTION', 'coalesce: got {}'],
  ['an executor that cannot be shown as text', { ...interval, executor: Object.create(null) }, 'INVALID_OPTION', 'executor: got {}'],
  ['a job store that cannot be shown as text', { ...interval, jobStore: Object.create(null) }, 'INVALID_OPTION', 'jobStore: got {}'],
  ['a boolean coalesce', { ...interval, coalesce: true }, 'INVALID_OPTION', 'coalesce: got true'],
  ['no instances', { ...interval, maxInstances: 0 }, 'INVALID_OPTION', 'a whole number, 1 or more'],
  ['half an instance', { ...interval, maxInstances: 1.5 }, 'INVALID_OPTION', 'a whole number, 1 or more'],
  ['an unknown overlap', { ...interval, overlap: 'cancel' }, 'INVALID_OPTION', '"cancel-running"'],
  ['a negative jitter', { ...interval, jitter: '-1s' }, 'INVALID_OPTION', 'jitter'],
  ['no runs', { ...interval, maxRuns: 0 }, 'INVALID_OPTION', 'maxRuns'],
  ['a retry without a limit', { ...interval, retry: {} }, 'INVALID_OPTION', 'retry.limit'],
  ['a retry with a misspelt option', { ...interval, retry: { limit: 1, dealy: 5 } }, 'INVALID_OPTION', 'did you mean "delay"'],
  ['a retry that is a text', { ...interval, retry: 'often' }, 'INVALID_OPTION', 'retry'],
  ['a back-off below 1', { ...interval, retry: { limit: 1, backoff: 0.5 } }, 'INVALID_OPTION', 'retry.backoff'],
  ['an unknown onCrash', { ...interval, onCrash: 'ignore' }, 'INVALID_OPTION', 'onCrash'],
  ['an unknown onConflict', { ...interval, onConflict: 'update' }, 'INVALID_OPTION', 'onConflict'],
  ['a nextRunTime that is none', { ...interval, nextRunTime: {} }, 'INVALID_OPTION', 'nextRunTime'],
  ['a transaction for a store that has none', { ...interval, transaction: {} }, 'INVALID_OPTION', 'transaction'],
  ['options that are null', null as unknown as object, 'INVALID_OPTION', 'options: got null'],
];

describe.each(['started', 'stopped'])('a %s scheduler refuses, at once and storing nothing,', (when) => {
  test.each(cases.filter(([name]) => when === 'started' || !name.startsWith('a transaction')))(
    '%s',
    async (_name, options, code, message) => {
      const { clock, scheduler } = rig();
      if (when === 'started') await scheduler.start();
      const refused = scheduler.addJob(nothing, options as never);
      await expect(refused).rejects.toThrow(SchedulerError);
      await expect(refused).rejects.toMatchObject({ code: expect.stringContaining(code), message: expect.stringContaining(message) });
      expect(await scheduler.getJobs()).toEqual([]);
      await settle(clock);
      clock.assertIdle();
    },
  );
});

describe('the task of a job', () => {
  test.each([
    ['an unknown name', 'sendReprot', TaskNotFoundError, 'known: sendReport'],
    ['a number', 7, InvalidOptionError, "a registered task's name"],
    ['nothing', undefined, InvalidOptionError, 'a function'],
    ['a URL whose hash is no text', new URL('file:///x.js#%E0%A4%A'), InvalidOptionError, 'percent-encoded'],
    ['a URL that is not a file', new URL('https://example.com/task.js'), InvalidOptionError, 'the URL of a file'],
  ])('may not be %s', async (_name, task, error, message) => {
    const { scheduler } = await started();
    scheduler.task('sendReport', nothing);
    const refused = scheduler.addJob(task as never, interval as never);
    await expect(refused).rejects.toThrow(error);
    await expect(refused).rejects.toThrow(message);
  });

  test.each([
    ['a function', [1, () => {}], 'args[1]'],
    ['a symbol within an object', [{ sort: Symbol('x') }], 'args[0]'],
  ])('in a worker thread takes no arguments with %s', async (_name, args, path) => {
    const { scheduler } = await started();
    const refused = scheduler.addJob(new URL('file:///x.mjs#run'), { ...interval, id: 'job', args } as never);
    await expect(refused).rejects.toMatchObject({ code: 'NOT_SERIALIZABLE', path });
    await scheduler.addJob(new URL('file:///x.mjs#run'), { ...interval, id: 'job', args: [new Map([[1, new Date()]])] } as never);
    await expect(scheduler.modifyJob('job', { args })).rejects.toMatchObject({ code: 'NOT_SERIALIZABLE', path });
  });

  test('that is only declared is refused where no other process could run it', async () => {
    const { scheduler } = await started();
    scheduler.task('elsewhere');
    const refused = scheduler.addJob('elsewhere', { trigger: 'interval', seconds: 1 });
    await expect(refused).rejects.toThrow(InvalidOptionError);
    await expect(refused).rejects.toThrow('declared for other processes');
  });

  test.each([
    [() => ({ name: '' }), 'a text that is not empty'],
    [() => ({ name: 'x', task: 'no function' }), 'a function, or new URL'],
    [() => ({ name: 'x', defaults: { timeot: 5 } }), 'did you mean "timeout"'],
    [() => ({ name: 'x', defaults: null }), 'defaults: got null'],
    [() => ({ name: 'x', task: new URL('file:///x.js#%E0%A4%A') }), 'percent-encoded'],
    [() => ({ name: 'x', defaults: { maxRuns: -1 } }), 'task.maxRuns'],
  ])('is registered with care: %#', (given, message) => {
    const { scheduler } = rig();
    const { name, task, defaults } = { task: nothing, defaults: undefined, ...given() };
    expect(() => scheduler.task(name, task as never, defaults as never)).toThrow(InvalidOptionError);
    expect(() => scheduler.task(name, task as never, defaults as never)).toThrow(message);
  });

  test('a trigger that gives up its search refuses the job', async () => {
    const { scheduler } = await started();
    const trigger = {
      next(after: number): number {
        throw new TriggerSearchLimitError('own', after, '10 years');
      },
      toJSON: () => ({ type: 'own' }),
    };
    await expect(scheduler.addJob(nothing, { trigger })).rejects.toThrow(TriggerSearchLimitError);
    expect(await scheduler.getJobs()).toEqual([]);
  });
});

describe('the scheduler’s own options', () => {
  const store = new MemoryJobStore();
  test.each<readonly [object, string, string]>([
    [{ timezon: 'UTC' }, 'timezon', 'did you mean "timezone"'],
    [{ timezone: 'Nowhere' }, 'timezone', 'Nowhere'],
    [{ timezone: 5 }, 'timezone', '5'],
    [{ jobStore: {} }, 'jobStore', 'missing: open, close, watch'],
    [{ jobStore: null }, 'jobStore', 'missing: open, close, watch'],
    [{ jobStore: store, jobStores: { default: new MemoryJobStore() } }, 'jobStore', 'not both'],
    [{ jobStores: { default: store, other: store } }, 'jobStores', 'a store of its own'],
    [{ jobStores: null }, 'jobStores', 'an object'],
    [{ jobStores: 'memory' }, 'jobStores', 'an object'],
    [{ executors: { inline: {} } }, 'executors.inline', 'another name'],
    [{ executors: { own: {} } }, 'executors.own', 'missing: run, close'],
    [{ executors: null }, 'executors', 'an object'],
    [{ jobDefaults: { coalesc: 'all' } }, 'jobDefaults.coalesc', 'did you mean "coalesce"'],
    [{ jobDefaults: { maxInstances: 'many' } }, 'jobDefaults.maxInstances', 'a whole number'],
    [{ jobDefaults: null }, 'jobDefaults', 'an object'],
    [{ threads: { env: 5 } }, 'threads.env', 'environment variables'],
    [{ threads: { execArgv: 'x' } }, 'threads.execArgv', 'an array'],
    [{ threads: { resourceLimits: 5 } }, 'threads.resourceLimits', 'an object'],
    [{ threads: { resourceLimits: { stackSizeMb: -1 } } }, 'threads.resourceLimits.stackSizeMb', 'more than 0'],
    [{ inline: { concurrency: 0 } }, 'inline.concurrency', 'a whole number'],
    [{ inline: null }, 'inline', 'an object'],
    [{ threads: { max: 0 } }, 'threads.max', '1 or more'],
    [{ threads: { min: 5, max: 2 } }, 'threads.min', 'at most threads.max'],
    [{ threads: { idleTimeout: -1 } }, 'threads.idleTimeout', 'not negative'],
    [{ threads: 'x' }, 'threads', 'an object'],
    [{ logger: {} }, 'logger', 'debug, info, warn, error'],
    [{ logger: null }, 'logger', 'debug, info, warn, error'],
    [{ clock: { now: () => 1 } }, 'clock', 'missing: monotonic, wakeAt, wakeAfter'],
    [null as unknown as object, 'options', 'an object'],
    ['UTC' as unknown as object, 'options', 'an object'],
  ])('%j', (options, option, expected) => {
    const make = (): Scheduler => new Scheduler(options as SchedulerOptions);
    expect(make).toThrow(InvalidOptionError);
    try {
      make();
    } catch (error) {
      expect(error).toMatchObject({ option: expect.stringContaining(option), message: expect.stringContaining(expected) });
    }
  });
});

describe('the other methods', () => {
  test.each<readonly [string, (scheduler: Scheduler) => Promise<unknown>, string, string]>([
    ['getRuns', (scheduler) => scheduler.getRuns({ limit: 0 }), 'limit', '1 or more'],
    ['getRuns', (scheduler) => scheduler.getRuns({ limit: 1001 }), 'limit', 'at most 1000'],
    ['getRuns', (scheduler) => scheduler.getRuns({ outcome: 'suceeded' as never }), 'outcome', 'did you mean "succeeded"'],
    ['getRuns', (scheduler) => scheduler.getRuns({ cursor: 'abc' }), 'cursor', 'getRuns gave'],
    ['getRuns', (scheduler) => scheduler.getRuns({ cursor: '[["elsewhere",null]]' }), 'cursor', 'getRuns gave'],
    ['getRuns', (scheduler) => scheduler.getRuns({ from: 'then' }), 'from', 'ISO 8601'],
    ['getRuns', (scheduler) => scheduler.getRuns({ jobid: 'a' } as never), 'jobid', 'did you mean "jobId"'],
    ['getRuns', (scheduler) => scheduler.getRuns({ jobStore: 'other' }), 'jobStore', 'one of "default"'],
    ['getRuns', (scheduler) => scheduler.getRuns(null as never), 'options', 'an object'],
    ['getRuns', (scheduler) => scheduler.getRuns({ outcome: null } as never), 'outcome', 'one of'],
    ['getRuns', (scheduler) => scheduler.getRuns({ outcome: 5 } as never), 'outcome', 'one of'],
    ['getRuns', (scheduler) => scheduler.getRuns({ jobStore: 5 } as never), 'jobStore', 'one of "default"'],
    ['getRuns', (scheduler) => scheduler.getRuns({ jobId: 5 } as never), 'jobId', 'a text'],
    ['getRuns', (scheduler) => scheduler.getRuns({ from: 2, to: 1 }), 'to', 'not before from'],
    ['modifyJob', (scheduler) => scheduler.modifyJob('a', undefined as never), 'changes', 'an object'],
    ['modifyJob', (scheduler) => scheduler.modifyJob('a', null as never), 'changes', 'an object'],
    ['every', (scheduler) => scheduler.every(1000, nothing, 5 as never), 'options', 'an object'],
    ['cron', (scheduler) => scheduler.cron('* * * * *', nothing, null as never), 'options', 'an object'],
    ['cron', (scheduler) => scheduler.cron('* * * * *', nothing, { expression: '0 * * * *' } as never), 'expression', 'first argument'],
    ['cron', (scheduler) => scheduler.cron(undefined as never, nothing), 'expression', 'crontab text'],
    ['every', (scheduler) => scheduler.every(1000, nothing, { trigger: 'cron' } as never), 'trigger', 'first argument'],
    ['every', (scheduler) => scheduler.every(1000, nothing, { every: 5 } as never), 'every', 'first argument'],
    ['at', (scheduler) => scheduler.at('2031-01-01', nothing, { runDate: '2032-01-01' } as never), 'runDate', 'first argument'],
    ['at', (scheduler) => scheduler.at(undefined as never, nothing), 'runDate', 'a Date'],
    ['explain', (scheduler) => scheduler.explain('a', { form: 1 } as never), 'form', 'did you mean "from"'],
    ['explain', (scheduler) => scheduler.explain('a', { from: 2, to: 1 }), 'to', 'not before from'],
    ['explain', (scheduler) => scheduler.explain('a', { jobStore: 'x' }), 'jobStore', 'one of "default"'],
    ['getJobs', (scheduler) => scheduler.getJobs({ jobStore: 'x' }), 'jobStore', 'one of "default"'],
    ['getJobs', (scheduler) => scheduler.getJobs({ jobstore: 'x' } as never), 'jobstore', 'did you mean "jobStore"'],
    ['shutdown', (scheduler) => scheduler.shutdown({ wait: 1 } as never), 'wait', 'true or false'],
    ['shutdown', (scheduler) => scheduler.shutdown({ timeout: -1 }), 'timeout', 'not negative'],
    ['shutdown', (scheduler) => scheduler.shutdown({ timout: 1 } as never), 'timout', 'did you mean "timeout"'],
    ['addJobs', (scheduler) => scheduler.addJobs({} as never), 'jobs', 'an array'],
    ['addJobs', (scheduler) => scheduler.addJobs([null] as never), 'jobs[0]', 'an object'],
    ['importJobs', (scheduler) => scheduler.importJobs({} as never), 'exported', 'what exportJobs gave'],
    ['importJobs', (scheduler) => scheduler.importJobs({ version: 1, jobs: [null] } as never), 'jobs[0]', 'exportJobs'],
    [
      'importJobs',
      (scheduler) => scheduler.importJobs({ version: 1, jobs: [{ id: 'a', task: 't' }] } as never),
      'jobs[0].trigger',
      '"type"',
    ],
    [
      'importJobs',
      (scheduler) => scheduler.importJobs({ version: 1, jobs: [] }, { onConflit: 'keep' } as never),
      'onConflit',
      'did you mean "onConflict"',
    ],
    ['rescheduleJob', (scheduler) => scheduler.rescheduleJob('a', { trigger: 'crn' } as never), 'trigger', 'did you mean "cron"'],
    [
      'rescheduleJob',
      (scheduler) => scheduler.rescheduleJob('a', { trigger: 'interval', seconds: 1, maxRuns: 3 } as never),
      'maxRuns',
      'modifyJob',
    ],
    ['every', (scheduler) => scheduler.every('soon', nothing), 'every', 'milliseconds, text'],
    ['at', (scheduler) => scheduler.at('soon', nothing), 'runDate', 'ISO 8601'],
  ])('%s: %#', async (_method, call, option, expected) => {
    const { scheduler } = await started();
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 1, id: 'a' });
    const refused = call(scheduler);
    await expect(refused).rejects.toThrow(InvalidOptionError);
    await expect(refused).rejects.toMatchObject({ option, message: expect.stringContaining(expected) });
    expect(scheduler.state).toBe('running');
    expect(await scheduler.getJobs()).toHaveLength(1);
  });

  test('start with an unknown option', async () => {
    const { scheduler } = rig();
    await expect(scheduler.start({ pause: true } as never)).rejects.toThrow('did you mean "paused"');
    await expect(scheduler.start({ paused: 1 } as never)).rejects.toThrow('true or false');
    expect(scheduler.state).toBe('stopped');
  });

  test.each([
    [undefined, 'definition'],
    [{}, 'definition.options'],
    [{ options: ['a'], create: nothing }, 'definition.revive'],
  ])('registerTrigger of what is no definition: %j', (definition, option) => {
    const { scheduler } = rig();
    expect(() => scheduler.registerTrigger('own', definition as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', option }),
    );
  });

  test.each([
    [null, 'options'],
    [{ prefix: 'a' }, 'prefix'],
    [{ keepRuns: 5 }, 'keepRuns'],
    [{ keepRuns: { cnt: 1 } }, 'keepRuns.cnt'],
  ])('new MemoryJobStore(%j)', (options, option) => {
    expect(() => new MemoryJobStore(options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }));
  });

  test.each([
    [{ nwo: 5 }, 'nwo'],
    ['2030-01-01', 'options'],
  ])('new VirtualClock(%j)', (options, option) => {
    expect(() => new VirtualClock(options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', option }));
  });

  test('registerTrigger of a kind that is taken', () => {
    const { scheduler } = rig();
    const definition = {
      options: [],
      create: () => ({ next: () => 1, toJSON: () => ({ type: 'x' }) }),
      revive: () => ({ next: () => 1, toJSON: () => ({ type: 'x' }) }),
    };
    expect(() => scheduler.registerTrigger('cron', definition)).toThrow('a name that is not taken');
    expect(() => scheduler.registerTrigger('', definition)).toThrow('a name that is not empty');
  });

  test('on with something that is no function', () => {
    const { scheduler } = rig();
    expect(() => scheduler.on('jobError', 'log' as never)).toThrow(InvalidOptionError);
  });

  test('on with a name that is no event', () => {
    const { scheduler } = rig();
    expect(() => scheduler.on('jobErrored' as never, nothing)).toThrow('did you mean "jobError"');
    expect(() => scheduler.off('jobErrored' as never, nothing)).toThrow('did you mean "jobError"');
  });
});
