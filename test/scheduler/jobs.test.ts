import { describe, expect, test } from 'vitest';
import type { Trigger } from '../../src/core/trigger.ts';
import { ConflictingJobError, InvalidOptionError, JobNeverRunsError, JobNotFoundError } from '../../src/errors.ts';
import { InlineExecutor } from '../../src/executors/inline.ts';
import { Job } from '../../src/job.ts';
import type { Scheduler } from '../../src/scheduler.ts';
import { MemoryJobStore } from '../../src/stores/memory.ts';
import { CronTrigger } from '../../src/triggers/cron/cron.ts';
import { beginMs, collect, eventNames, noter, only, pending, rig, second, settle, started } from './rig.ts';

function nothing(): void {}

describe('addJob', () => {
  test('takes a function, and gives a job with the defaults', async () => {
    const { scheduler } = await started();
    const job = await scheduler.addJob(nothing, { trigger: 'interval', seconds: 3 });
    expect(job).toBeInstanceOf(Job);
    expect(job).toMatchObject({
      name: 'nothing',
      task: 'nothing',
      args: [],
      executor: 'inline',
      jobStore: 'default',
      state: 'waiting',
      runCount: 0,
    });
    expect(job).toMatchObject({ coalesce: 'latest', maxInstances: 1, overlap: 'skip', jitter: 0, onCrash: 'rerun' });
    expect([job.misfireGraceTime, job.maxRuns, job.timeout, job.retry, job.reason, job.metadata]).toEqual(Array.from({ length: 6 }));
    expect(job.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(second(job.nextRunTime)).toBe(3);
    expect(job.nextRunTime?.zoneName).toBe('UTC');
  });

  test('takes the name of a task and its handle, with the task’s defaults under the job’s own', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    const handle = scheduler.task('note', task, { maxRuns: 2, timeout: '9s' });
    const byName = await scheduler.addJob('note', { trigger: 'interval', seconds: 3 });
    const byHandle = await scheduler.addJob(handle, { trigger: 'interval', seconds: 5, maxRuns: 1 });
    expect([byName.task, byName.maxRuns, byName.timeout]).toEqual(['note', 2, 9000]);
    expect([byHandle.task, byHandle.maxRuns, byHandle.timeout]).toEqual(['note', 1, 9000]);
    await clock.advance('20s');
    expect(calls).toEqual([3, 5, 6]);
  });

  test('a task that is registered again runs in its new form', async () => {
    const { clock, scheduler } = await started();
    const ran: string[] = [];
    scheduler.task('note', () => void ran.push('old'));
    await scheduler.addJob('note', { trigger: 'interval', seconds: 3 });
    await clock.advance('3s');
    scheduler.task('note', () => void ran.push('new'));
    await clock.advance('3s');
    expect(ran).toEqual(['old', 'new']);
  });

  test('takes a module reference, for a worker thread', async () => {
    const { scheduler } = await started();
    const url = new URL('../fixtures/tasks/plain.mjs#add', import.meta.url);
    const job = await scheduler.addJob(url, { trigger: 'interval', seconds: 3, args: [1, 2] });
    expect([job.executor, job.task]).toEqual(['threads', url.href]);
  });

  test('takes a trigger object, and gives its own zone to the times', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    const job = await scheduler.addJob(task, { trigger: new CronTrigger({ hour: 9, timezone: 'Asia/Tokyo' }) });
    expect(job.nextRunTime?.toISO()).toBe('2030-01-02T09:00:00.000+09:00');
    await clock.advance('24h');
    expect(calls).toEqual([86_400]);
  });

  test('a wall time without an offset is in the job’s zone, else in the scheduler’s', async () => {
    const { scheduler } = await started({ timezone: 'Asia/Shanghai' });
    const inJobs = await scheduler.addJob(nothing, { trigger: 'date', runDate: '2030-10-01 00:00:00', timezone: 'Europe/Berlin' });
    const inSchedulers = await scheduler.addJob(nothing, { trigger: 'date', runDate: '2030-10-01 00:00:00' });
    expect(inJobs.nextRunTime?.toISO()).toBe('2030-10-01T00:00:00.000+02:00');
    expect(inSchedulers.nextRunTime?.toISO()).toBe('2030-10-01T00:00:00.000+08:00');
  });

  test('a date without runDate runs now', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'date' });
    await settle(clock);
    expect(calls).toEqual([0]);
  });

  test('a date a second past runs at once, and one further past never would', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'date', runDate: beginMs - 1000 });
    await settle(clock);
    expect(calls).toEqual([0]);
    await expect(scheduler.addJob(task, { trigger: 'date', runDate: beginMs - 1001, id: 'past' })).rejects.toThrow(JobNeverRunsError);
    expect(await scheduler.getJobs()).toEqual([]);
  });

  test('a date past that the job’s own grace covers runs at once', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'date', runDate: beginMs - 60_000, misfireGraceTime: '1m' });
    await settle(clock);
    expect(calls).toEqual([0]);
    await expect(scheduler.addJob(task, { trigger: 'date', runDate: beginMs - 60_001, misfireGraceTime: '1m' })).rejects.toThrow(
      JobNeverRunsError,
    );
  });

  test('nextRunTime overrides the first run, and the trigger goes on from there', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, nextRunTime: '2030-01-01 00:00:03' });
    await clock.advance('30s');
    expect(calls).toEqual([3, 10, 20, 30]);
  });

  test('a date job may have only nextRunTime', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'date', nextRunTime: '2030-01-01 00:00:03' });
    await clock.advance('30s');
    expect(calls).toEqual([3]);
  });

  test('nextRunTime null adds the job paused, and resume goes on with its trigger', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    const job = await scheduler.addJob(task, { trigger: 'interval', seconds: 10, nextRunTime: null, id: 'a' });
    expect([job.state, job.nextRunTime]).toEqual(['paused', undefined]);
    await clock.advance('25s');
    expect(calls).toEqual([]);
    expect(second((await job.resume()).nextRunTime)).toBe(30);
    await clock.advance('5s');
    expect(calls).toEqual([30]);
    const [, skipped] = await scheduler.getRuns();
    expect([skipped?.outcome, skipped?.coalesced, skipped?.reason]).toEqual(['skipped', 2, 'the job was paused']);
  });

  test('a one-shot added paused whose date passes is recorded as skipped when it is resumed', async () => {
    const { clock, scheduler } = await started();
    const skipped = collect(scheduler, 'jobSkipped');
    const job = await scheduler.addJob(nothing, { trigger: 'date', runDate: '2030-01-01 00:00:10', nextRunTime: null });
    await clock.advance('1m');
    expect((await job.resume()).state).toBe('finished');
    expect(second(only(skipped).scheduledAt)).toBe(10);
    expect(await scheduler.getJobs()).toEqual([]);
  });

  test('an interval is anchored when it is stored, and does not drift', async () => {
    const { clock, scheduler } = await started();
    await clock.advance(2345);
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10 });
    await clock.advance('35s');
    expect(calls).toEqual([12.345, 22.345, 32.345]);
  });

  test('carries metadata and arguments, frozen', async () => {
    const { scheduler } = await started();
    const args = [1, 'two'];
    const metadata = { team: 'a' };
    const job = await scheduler.addJob((_a: number, _b: string) => {}, { trigger: 'interval', seconds: 1, args: [1, 'two'], metadata });
    metadata.team = 'b';
    expect(job.args).toEqual(args);
    expect(job.metadata).toEqual({ team: 'a' });
    expect([Object.isFrozen(job), Object.isFrozen(job.args), Object.isFrozen(job.metadata)]).toEqual([true, true, true]);
  });

  test('a job is a snapshot: it stays as it was', async () => {
    const { clock, scheduler } = await started();
    const job = await scheduler.addJob(nothing, { trigger: 'interval', seconds: 3, id: 'a' });
    const listed = only(await scheduler.getJobs());
    await clock.advance('10s');
    await scheduler.pauseJob('a');
    for (const seen of [job, listed]) expect([second(seen.nextRunTime), seen.state, seen.runCount]).toEqual([3, 'waiting', 0]);
  });

  test('shows itself whole as JSON', async () => {
    const { scheduler } = await started();
    const job = await scheduler.addJob(nothing, { trigger: 'interval', seconds: 3, id: 'a', retry: 2 });
    expect(JSON.parse(JSON.stringify(job))).toMatchObject({
      id: 'a',
      trigger: { type: 'interval', every: 3000 },
      nextRunTime: '2030-01-01T00:00:03.000Z',
      retry: { limit: 2, delay: 1000, backoff: 2, maxDelay: 3_600_000 },
    });
  });
});

describe('the short forms', () => {
  test('cron, every and at add what addJob would', async () => {
    const { clock, scheduler } = await started();
    const made = [noter(clock), noter(clock), noter(clock)] as const;
    await scheduler.cron('* * * * *', made[0].task);
    await scheduler.every('40s', made[1].task, { maxRuns: 2 });
    await scheduler.at('2030-01-01 00:00:50', made[2].task, { id: 'once' });
    await clock.advance('2m');
    expect(made.map(({ calls }) => calls)).toEqual([[60, 120], [40, 80], [50]]);
  });

  test('pass arguments, and take a zone', async () => {
    const { scheduler } = await started();
    const add = (a: number, b: number): number => a + b;
    const job = await scheduler.cron('30 12 * * *', add, { args: [1, 2], timezone: 'Asia/Tokyo' });
    expect(job.nextRunTime?.toISO()).toBe('2030-01-01T12:30:00.000+09:00');
    expect(job.args).toEqual([1, 2]);
  });
});

describe('addJobs', () => {
  test('adds many, and answers in the order given', async () => {
    const { scheduler } = await started({ jobStores: { default: new MemoryJobStore(), other: new MemoryJobStore() } });
    const jobs = await scheduler.addJobs([
      { task: nothing, trigger: 'interval', seconds: 1, id: 'a' },
      { task: nothing, trigger: 'interval', seconds: 1, id: 'b', jobStore: 'other' },
      { task: nothing, trigger: 'interval', seconds: 1, id: 'c' },
    ]);
    expect(jobs.map((job) => [job.id, job.jobStore])).toEqual([
      ['a', 'default'],
      ['b', 'other'],
      ['c', 'default'],
    ]);
  });

  test.each(['started', 'pending'])('stores none if one is bad (%s)', async (when) => {
    const { scheduler } = rig({ jobStores: { default: new MemoryJobStore(), other: new MemoryJobStore() } });
    if (when === 'started') await scheduler.start();
    const good = { task: nothing, trigger: 'interval', seconds: 1 } as const;
    const past = { task: nothing, trigger: 'date', runDate: '2029-01-01' } as const;
    await expect(scheduler.addJobs([good, past])).rejects.toThrow(JobNeverRunsError);
    await expect(scheduler.addJobs([good, { ...past, jobStore: 'other' }])).rejects.toThrow(JobNeverRunsError);
    await expect(scheduler.addJobs([good, { ...good, maxRuns: -1 }])).rejects.toThrow(InvalidOptionError);
    await expect(
      scheduler.addJobs([
        { ...good, id: 'a', onConflict: 'error' },
        { ...good, id: 'a', onConflict: 'error' },
      ]),
    ).rejects.toThrow(ConflictingJobError);
    expect(await scheduler.getJobs()).toEqual([]);
  });

  test.each(['started', 'pending'])(
    'stores none if one meets a job that is there, whatever the others say of conflicts (%s)',
    async (when) => {
      const { scheduler } = rig({ jobStores: { default: new MemoryJobStore(), other: new MemoryJobStore() } });
      if (when === 'started') await scheduler.start();
      const every = { task: nothing, trigger: 'interval', seconds: 1 } as const;
      await scheduler.every(1000, nothing, { id: 'taken' });
      const refused = scheduler.addJobs([
        { ...every, id: 'a' },
        { ...every, id: 'b', jobStore: 'other' },
        { ...every, id: 'taken', onConflict: 'error' },
      ]);
      await expect(refused).rejects.toThrow(ConflictingJobError);
      expect((await scheduler.getJobs()).map(({ id }) => id)).toEqual(['taken']);
    },
  );

  test.each(['started', 'pending'])('stores none if a job that may not meet another has the id of one before it (%s)', async (when) => {
    const { scheduler } = rig();
    if (when === 'started') await scheduler.start();
    const every = { task: nothing, trigger: 'interval', seconds: 1 } as const;
    const refused = scheduler.addJobs([
      { ...every, id: 'a' },
      { ...every, id: 'a', onConflict: 'error' },
    ]);
    await expect(refused).rejects.toThrow(ConflictingJobError);
    expect(await scheduler.getJobs()).toEqual([]);
  });
});

describe('getJob and getJobs', () => {
  test('order by next run time, the paused and parked last, ties by id', async () => {
    const { clock, scheduler } = await started();
    const add = (id: string, seconds: number): Promise<unknown> => scheduler.addJob(nothing, { trigger: 'interval', seconds, id });
    for (const [id, seconds] of [
      ['d', 50],
      ['b', 20],
      ['c', 50],
      ['a', 30],
      ['e', 10],
    ] as const)
      await add(id, seconds);
    await scheduler.pauseJob('e');
    await clock.advance('5s');
    expect((await scheduler.getJobs()).map(({ id }) => id)).toEqual(['b', 'a', 'c', 'd', 'e']);
  });

  test('know nothing of what is finished, removed or never was', async () => {
    const { clock, scheduler } = await started();
    await scheduler.addJob(nothing, { trigger: 'date', id: 'once' });
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, id: 'gone' });
    await scheduler.removeJob('gone');
    await settle(clock);
    expect([await scheduler.getJob('once'), await scheduler.getJob('gone'), await scheduler.getJob('never')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(await scheduler.getJobs()).toEqual([]);
  });

  test('look into one store where it is named', async () => {
    const { scheduler } = await started({ jobStores: { default: new MemoryJobStore(), other: new MemoryJobStore() } });
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 1, id: 'a' });
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 1, id: 'b', jobStore: 'other' });
    expect((await scheduler.getJobs()).map(({ id }) => id)).toEqual(['a', 'b']);
    expect((await scheduler.getJobs({ jobStore: 'other' })).map(({ id }) => id)).toEqual(['b']);
    expect(await scheduler.getJob('a', { jobStore: 'other' })).toBeUndefined();
  });
});

describe('modifyJob', () => {
  test('changes what is named and nothing else', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, id: 'a', args: [], maxRuns: 5, timeout: '1m' });
    await clock.advance('4s');
    const job = await scheduler.modifyJob('a', { task, name: 'noted', maxRuns: 2 });
    expect([job.name, job.maxRuns, job.timeout, second(job.nextRunTime)]).toEqual(['noted', 2, 60_000, 10]);
    await clock.advance('1m');
    expect(calls).toEqual([10, 20]);
  });

  test('moves the next run with nextRunTime, and pauses with null', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a' });
    await scheduler.modifyJob('a', { nextRunTime: '2030-01-01 00:00:04' });
    await clock.advance('5s');
    expect(calls).toEqual([4]);
    expect((await scheduler.modifyJob('a', { nextRunTime: null })).state).toBe('paused');
    await clock.advance('1m');
    expect(calls).toEqual([4]);
  });

  test('of a paused job leaves it paused', async () => {
    const { scheduler } = await started();
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, id: 'a' });
    await scheduler.pauseJob('a');
    expect((await scheduler.modifyJob('a', { maxRuns: 3 })).state).toBe('paused');
  });

  test('that lowers maxRuns to what was run ends the job', async () => {
    const { clock, scheduler } = await started();
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, id: 'a' });
    await clock.advance('30s');
    expect((await scheduler.modifyJob('a', { maxRuns: 3 })).state).toBe('finished');
    expect(await scheduler.getJobs()).toEqual([]);
  });

  test('that changes the task keeps an executor of the job’s own', async () => {
    const { scheduler } = await started({ executors: { own: new InlineExecutor() } });
    const url = new URL('../fixtures/tasks/plain.mjs#add', import.meta.url);
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, id: 'own', executor: 'own' });
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, id: 'default' });
    expect((await scheduler.modifyJob('own', { task: () => {} })).executor).toBe('own');
    expect((await scheduler.modifyJob('default', { task: url })).executor).toBe('threads');
  });

  test.each([
    [{ trigger: 'cron' }, 'trigger', 'rescheduleJob'],
    [{ id: 'b' }, 'id', 'keeps its id'],
    [{ maxRunz: 3 }, 'maxRunz', 'did you mean "maxRuns"'],
    [{ maxRuns: 0 }, 'maxRuns', 'a whole number, 1 or more'],
    [{ args: 'x' }, 'args', 'an array'],
    [{ executor: 'inlin' }, 'executor', 'did you mean "inline"'],
    [{ nextRunTime: 'soon' }, 'nextRunTime', 'ISO 8601'],
  ])('refuses %j', async (changes, option, expected) => {
    const { scheduler } = await started();
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, id: 'a' });
    const refused = scheduler.modifyJob('a', changes as object);
    await expect(refused).rejects.toThrow(InvalidOptionError);
    await expect(refused).rejects.toMatchObject({ option, expected: expect.stringContaining(expected) });
  });

  test('moves queued runs along with the job to another executor', async () => {
    const { clock, scheduler } = await started({ executors: { own: new InlineExecutor() } });
    const blocker = pending();
    const { task, ends } = pending();
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a', overlap: 'queue' });
    await scheduler.addJob(blocker.task, { trigger: 'interval', seconds: 10, id: 'b', overlap: 'queue' });
    await clock.advance('30s');
    await scheduler.modifyJob('a', { executor: 'own' });
    for (const { id } of await scheduler.getRuns({ jobId: 'a', outcome: 'waiting', limit: 1 })) await scheduler.cancelRun(id);
    for (let turn = 0; turn < 3; turn += 1) {
      ends[turn]?.();
      blocker.ends[turn]?.();
      await settle(clock);
    }
    const outcomes = async (jobId: string): Promise<string[]> => (await scheduler.getRuns({ jobId })).map((run) => run.outcome);
    expect(await outcomes('a')).toEqual(['cancelled', 'succeeded', 'succeeded']);
    expect(await outcomes('b')).toEqual(['succeeded', 'succeeded', 'succeeded']);
  });
});

describe('a date job whose nextRunTime is given', () => {
  const runDate = '2030-01-01 00:00:10';

  test.each([
    ['earlier than its date', { runDate }, 5],
    ['later than its date', { runDate }, 15],
    ['instead of a date', {}, 5],
  ])('%s runs then, and once', async (_name, date, at) => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    const job = await scheduler.addJob(task, { trigger: 'date', ...date, nextRunTime: beginMs + at * 1000 });
    expect(job.trigger.preview(2, { from: beginMs }).map(second)).toEqual([at]);
    await clock.advance('1m');
    expect(calls).toEqual([at]);
  });

  test.each(['started', 'pending'])('by modifyJob runs then, and once (%s)', async (when) => {
    const { clock, scheduler } = rig();
    if (when === 'started') await scheduler.start();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'date', runDate, id: 'a' });
    await scheduler.modifyJob('a', { nextRunTime: '2030-01-01 00:00:05' });
    if (when === 'pending') await scheduler.start();
    await clock.advance('1m');
    expect(calls).toEqual([5]);
  });

  test('instead of a date is registered again without being moved', async () => {
    const { clock, scheduler } = await started();
    const options = { trigger: 'date', nextRunTime: runDate, id: 'a' } as const;
    await scheduler.addJob(nothing, options);
    await scheduler.pauseJob('a');
    await clock.advance('1s');
    expect((await scheduler.addJob(nothing, options)).state).toBe('paused');
  });
});

describe('rescheduleJob', () => {
  test('gives a new trigger and computes the next run from now', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 100, id: 'a' });
    await clock.advance('7s');
    const job = await scheduler.rescheduleJob('a', { trigger: 'interval', seconds: 5 });
    expect(second(job.nextRunTime)).toBe(12);
    await clock.advance('10s');
    expect(calls).toEqual([12, 17]);
  });

  test('of a paused job leaves it paused, with the new trigger to come', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 100, id: 'a' });
    await scheduler.pauseJob('a');
    expect((await scheduler.rescheduleJob('a', { trigger: 'interval', seconds: 5 })).state).toBe('paused');
    await clock.advance('7s');
    expect(calls).toEqual([]);
    await scheduler.resumeJob('a');
    await clock.advance('3s');
    expect(calls).toEqual([10]);
  });

  test('to a trigger that is spent is refused, and changes nothing', async () => {
    const { clock, scheduler } = await started();
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 100, id: 'a' });
    await clock.advance('1m');
    await expect(scheduler.rescheduleJob('a', { trigger: 'date', runDate: '2030-01-01 00:00:01' })).rejects.toThrow(JobNeverRunsError);
    expect(second((await scheduler.getJob('a'))?.nextRunTime)).toBe(100);
  });

  test('takes a trigger object', async () => {
    const { scheduler } = await started();
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 100, id: 'a' });
    const trigger = new CronTrigger({ minute: '*', timezone: 'UTC' });
    expect(second((await scheduler.rescheduleJob('a', { trigger })).nextRunTime)).toBe(60);
    const job = await scheduler.rescheduleJob('a', { trigger: 'interval', seconds: 5 });
    expect(second((await job.reschedule(trigger)).nextRunTime)).toBe(60);
  });
});

describe('pauseJob and resumeJob', () => {
  test('nothing runs meanwhile; what passed is one skipped row, told', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    const skipped = collect(scheduler, 'jobSkipped');
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a' });
    await clock.advance('10s');
    const paused = await scheduler.pauseJob('a');
    expect([paused.state, paused.nextRunTime]).toEqual(['paused', undefined]);
    await clock.advance('35s');
    const resumed = await scheduler.resumeJob('a');
    expect([resumed.state, second(resumed.nextRunTime)]).toEqual(['waiting', 50]);
    await clock.advance('5s');
    expect(calls).toEqual([10, 50]);
    expect(only(skipped)).toMatchObject({ coalesced: 3, reason: 'the job was paused' });
    expect([second(only(skipped).coalescedFrom), second(only(skipped).scheduledAt)]).toEqual([20, 40]);
  });

  test('twice is as good as once, and is told once', async () => {
    const { scheduler } = await started();
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, id: 'a' });
    const told = eventNames(scheduler);
    await scheduler.pauseJob('a');
    await scheduler.pauseJob('a');
    await scheduler.resumeJob('a');
    await scheduler.resumeJob('a');
    expect(told).toEqual(['jobPaused a', 'jobResumed a']);
  });

  test('runJob runs a paused job, and leaves it paused', async () => {
    const { clock, scheduler } = await started();
    await scheduler.addJob(() => 'ran', { trigger: 'interval', seconds: 10, id: 'a' });
    await scheduler.pauseJob('a');
    expect(await scheduler.runJob('a')).toMatchObject({ outcome: 'succeeded', value: 'ran' });
    expect((await scheduler.getJob('a'))?.state).toBe('paused');
    await clock.advance('1m');
    expect(await scheduler.getRuns()).toHaveLength(1);
  });
});

describe('removeJob and removeAllJobs', () => {
  test('a removed job runs no more; its run under way goes on', async () => {
    const { clock, scheduler } = await started();
    const { task, ends } = pending();
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a', maxInstances: 9 });
    await clock.advance('10s');
    await scheduler.removeJob('a');
    await clock.advance('1m');
    ends[0]?.('done');
    await settle(clock);
    expect(only(await scheduler.getRuns())).toMatchObject({ outcome: 'succeeded', value: 'done' });
    expect(ends).toHaveLength(1);
  });

  test('a job may remove itself', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    await scheduler.addJob(
      async () => {
        task();
        await scheduler.removeJob('a');
      },
      { trigger: 'interval', seconds: 10, id: 'a' },
    );
    await clock.advance('1m');
    expect(calls).toEqual([10]);
    clock.assertIdle();
  });

  test('a job may be removed while its last run is under way, and so is not tried again', async () => {
    const { clock, scheduler } = await started();
    const told = eventNames(scheduler);
    const job = await scheduler.addJob(
      async () => {
        await job.remove();
        throw new Error('and fails');
      },
      { trigger: 'date', id: 'a', retry: { limit: 3 } },
    );
    await clock.advance('1m');
    expect(told).toEqual(['jobAdded a', 'jobSubmitted a', 'jobStarted a', 'jobRemoved a', 'jobCancelled a']);
    await expect(job.remove()).rejects.toThrow(JobNotFoundError);
  });

  test('removing all empties every store, or the one that is named', async () => {
    const { scheduler } = await started({ jobStores: { default: new MemoryJobStore(), other: new MemoryJobStore() } });
    const told = eventNames(scheduler, ['allJobsRemoved', 'jobRemoved']);
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 1, id: 'a' });
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 1, id: 'b', jobStore: 'other' });
    await scheduler.removeAllJobs({ jobStore: 'other' });
    expect((await scheduler.getJobs()).map(({ id }) => id)).toEqual(['a']);
    await scheduler.removeAllJobs();
    expect(await scheduler.getJobs()).toEqual([]);
    expect(told).toEqual(['allJobsRemoved', 'allJobsRemoved', 'allJobsRemoved']);
  });

  test('removed and added again is a new job, which owes nothing and is owed nothing', async () => {
    const { clock, scheduler } = await started();
    const old = pending();
    await scheduler.addJob(old.task, { trigger: 'interval', seconds: 10, id: 'a' });
    await clock.advance('10s');
    await scheduler.removeJob('a');
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a' });
    await clock.advance('10s');
    expect(calls).toEqual([20]);
    old.ends[0]?.();
    await clock.advance('10s');
    expect(calls).toEqual([20, 30]);
  });

  test('the verbs of a job do the same as the scheduler’s', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    const job = await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a' });
    expect((await job.pause()).state).toBe('paused');
    expect((await job.resume()).state).toBe('waiting');
    expect((await job.modify({ name: 'new' })).name).toBe('new');
    expect(second((await job.reschedule({ trigger: 'interval', seconds: 4 })).nextRunTime)).toBe(4);
    expect((await job.runNow()).outcome).toBe('succeeded');
    await job.remove();
    await clock.advance('1m');
    expect(calls).toEqual([0]);
  });

  test.each(['modifyJob', 'rescheduleJob', 'pauseJob', 'resumeJob', 'removeJob', 'runJob', 'explain'] as const)(
    '%s of an unknown job says so',
    async (verb) => {
      const { scheduler } = await started();
      const call = {
        modifyJob: () => scheduler.modifyJob('ghost', { name: 'x' }),
        rescheduleJob: () => scheduler.rescheduleJob('ghost', { trigger: 'interval', seconds: 1 }),
        pauseJob: () => scheduler.pauseJob('ghost'),
        resumeJob: () => scheduler.resumeJob('ghost'),
        removeJob: () => scheduler.removeJob('ghost'),
        runJob: () => scheduler.runJob('ghost'),
        explain: () => scheduler.explain('ghost'),
      }[verb];
      await expect(call()).rejects.toThrow(JobNotFoundError);
      await expect(call()).rejects.toMatchObject({ jobId: 'ghost', code: 'JOB_NOT_FOUND' });
    },
  );
});

describe('runJob', () => {
  test('runs no more at once than the executor takes, however many ask for it together', async () => {
    const { clock, scheduler } = await started({ inline: { concurrency: 2 } });
    const { task, ends } = pending();
    for (const id of ['a', 'b', 'c', 'd', 'e']) await scheduler.addJob(task, { trigger: 'interval', hours: 1, id });
    const jobs = await scheduler.getJobs();
    const ran = Promise.all(jobs.map((job) => job.runNow()));
    for (const begun of [2, 3, 4, 5, 5]) {
      await settle(clock);
      expect(ends).toHaveLength(begun);
      ends[begun - 1]?.();
    }
    ends[0]?.();
    expect((await ran).map(({ outcome }) => outcome)).toEqual(Array.from({ length: 5 }, () => 'succeeded'));
  });

  test('runs now, leaves the schedule alone, and resolves to the recorded run', async () => {
    const { clock, scheduler } = await started();
    await scheduler.addJob((name: string) => `hello ${name}`, { trigger: 'interval', seconds: 10, id: 'a', args: ['you'], maxRuns: 2 });
    await clock.advance('4s');
    const run = await scheduler.runJob('a');
    expect(run).toMatchObject({ outcome: 'succeeded', value: 'hello you', attempt: 1 });
    expect(second(run.scheduledAt)).toBe(4);
    expect(only(await scheduler.getRuns()).id).toBe(run.id);
    expect(second((await scheduler.getJob('a'))?.nextRunTime)).toBe(10);
    await clock.advance('1m');
    expect(await scheduler.getRuns()).toHaveLength(3);
  });

  test('resolves to a run that failed, too, after its retries', async () => {
    const { clock, scheduler } = await started();
    scheduler.on('jobError', () => {});
    const error = new Error('boom');
    await scheduler.addJob(() => Promise.reject(error), { trigger: 'interval', hours: 1, id: 'a', retry: { limit: 1, delay: '5s' } });
    const running = scheduler.runJob('a');
    await clock.advance('10s');
    expect(await running).toMatchObject({ outcome: 'failed', attempt: 2, error });
  });

  test('of a job that runs already resolves to a skipped run', async () => {
    const { clock, scheduler } = await started();
    await scheduler.addJob(pending().task, { trigger: 'date', id: 'a' });
    await scheduler.addJob(pending().task, { trigger: 'interval', seconds: 10, id: 'b' });
    await clock.advance('10s');
    const run = await scheduler.runJob('b');
    expect(run).toMatchObject({ outcome: 'skipped', reason: '1 of 1 instances were running' });
    expect((await scheduler.getRuns({ outcome: 'skipped' })).map(({ id }) => id)).toEqual([run.id]);
  });

  test('of a job that queues waits its turn', async () => {
    const { clock, scheduler } = await started();
    const { task, ends } = pending();
    await scheduler.addJob(task, { trigger: 'interval', hours: 1, id: 'a', overlap: 'queue' });
    const first = scheduler.runJob('a');
    const later = scheduler.runJob('a');
    await settle(clock);
    expect(ends).toHaveLength(1);
    ends[0]?.(1);
    await settle(clock);
    ends[1]?.(2);
    expect([(await first).value, (await later).value]).toEqual([1, 2]);
  });

  test('whose job is removed while it waits resolves to a cancelled run', async () => {
    const { clock, scheduler } = await started();
    const cancelled = collect(scheduler, 'jobCancelled');
    await scheduler.addJob(pending().task, { trigger: 'interval', hours: 1, id: 'a', overlap: 'queue' });
    void scheduler.runJob('a');
    const waiting = scheduler.runJob('a');
    await settle(clock);
    await scheduler.removeJob('a');
    expect(await waiting).toMatchObject({ outcome: 'cancelled', reason: 'the job was removed' });
    expect(cancelled).toHaveLength(1);
  });

  test('two at the same moment are two runs', async () => {
    const { scheduler } = await started();
    await scheduler.addJob(() => 1, { trigger: 'interval', hours: 1, id: 'a', maxInstances: 2 });
    const runs = await Promise.all([scheduler.runJob('a'), scheduler.runJob('a')]);
    expect(new Set(runs.map(({ id }) => id)).size).toBe(2);
    expect(await scheduler.getRuns()).toHaveLength(2);
  });

  test('works while the scheduler is paused', async () => {
    const { scheduler } = rig();
    await scheduler.start({ paused: true });
    await scheduler.addJob(() => 1, { trigger: 'interval', hours: 1, id: 'a' });
    expect((await scheduler.runJob('a')).outcome).toBe('succeeded');
  });

  test('where its executor is full waits for room', async () => {
    const { clock, scheduler } = await started({ inline: { concurrency: 1 } });
    const { task, ends } = pending();
    await scheduler.addJob(task, { trigger: 'date', id: 'long' });
    await scheduler.addJob(() => 1, { trigger: 'interval', hours: 1, id: 'a' });
    await settle(clock);
    const running = scheduler.runJob('a');
    await clock.advance('5s');
    expect(only(await scheduler.getRuns({ jobId: 'a' })).outcome).toBe('waiting');
    ends[0]?.();
    await settle(clock);
    expect((await running).outcome).toBe('succeeded');
  });
});

describe('registering a known id again', () => {
  test.each<[string, (scheduler: Scheduler) => Promise<unknown>, number | undefined]>([
    ['moved', (scheduler) => scheduler.modifyJob('a', { nextRunTime: '2030-01-01 00:01:00' }), 60],
    ['rescheduled', (scheduler) => scheduler.rescheduleJob('a', { trigger: 'interval', seconds: 45 }), 45],
    ['paused', (scheduler) => scheduler.pauseJob('a'), undefined],
  ])('changes what a one-shot does that was %s, when its date has passed', async (_, change, next) => {
    const { clock, scheduler } = await started();
    const [first, again] = [noter(clock), noter(clock)];
    const options = { trigger: 'date', runDate: '2030-01-01 00:00:10', id: 'a' } as const;
    await scheduler.addJob(first.task, options);
    await change(scheduler);
    await clock.advance('20s');
    const job = await scheduler.addJob(again.task, options);
    expect(second(job.nextRunTime)).toBe(next);
    await scheduler.runJob('a');
    expect([first.calls, again.calls]).toEqual([[], [20]]);
  });

  test('ends a job whose new maxRuns it has reached', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a', maxRuns: 5 });
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'b', maxRuns: 5 });
    await clock.advance('30s');
    expect((await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a', maxRuns: 3 })).state).toBe('finished');
    const [b, c] = await scheduler.addJobs([
      { task, trigger: 'interval', seconds: 10, id: 'b', maxRuns: 2 },
      { task, trigger: 'interval', seconds: 10, id: 'c' },
    ]);
    expect([b?.state, c?.state]).toEqual(['finished', 'waiting']);
    expect((await scheduler.getJobs()).map(({ id }) => id)).toEqual(['c']);
    await clock.advance('10s');
    expect(calls).toEqual([10, 10, 20, 20, 30, 30, 40]);
  });

  test('with an equal trigger keeps next run, anchor and run count, and takes the rest', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, id: 'a', maxRuns: 4 });
    await clock.advance('15s');
    const job = await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a', maxRuns: 4, name: 'new' });
    expect([job.name, second(job.nextRunTime), job.runCount]).toEqual(['new', 20, 1]);
    await clock.advance('1m');
    expect(calls).toEqual([20, 30, 40]);
  });

  test('with an equal trigger keeps the pause', async () => {
    const { scheduler } = await started();
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, id: 'a' });
    await scheduler.pauseJob('a');
    expect((await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, id: 'a' })).state).toBe('paused');
  });

  test('with an equal trigger keeps a later rescheduleJob', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a' });
    await scheduler.rescheduleJob('a', { trigger: 'interval', seconds: 3 });
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a' });
    await clock.advance('10s');
    expect(calls).toEqual([3, 6, 9]);
  });

  test('with another trigger starts anew', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    const told = eventNames(scheduler, ['jobAdded', 'jobModified']);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a', maxRuns: 2 });
    await clock.advance('10s');
    await scheduler.addJob(task, { trigger: 'interval', seconds: 4, id: 'a', maxRuns: 2 });
    await clock.advance('1m');
    expect(calls).toEqual([10, 14, 18]);
    expect(told).toEqual(['jobAdded a', 'jobModified a']);
  });

  test('onConflict keep leaves all as it was, and tells nothing', async () => {
    const { clock, scheduler } = await started();
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger: 'interval', seconds: 10, id: 'a' });
    const told = eventNames(scheduler, ['jobAdded', 'jobModified']);
    const job = await scheduler.addJob(nothing, { trigger: 'interval', seconds: 1, id: 'a', onConflict: 'keep' });
    expect(second(job.nextRunTime)).toBe(10);
    await clock.advance('10s');
    expect(calls).toEqual([10]);
    expect(told).toEqual([]);
  });

  test.each(['started', 'pending'])('onConflict error refuses it, and stores nothing (%s)', async (when) => {
    const { scheduler } = rig();
    if (when === 'started') await scheduler.start();
    await scheduler.addJob(nothing, { trigger: 'interval', seconds: 10, id: 'a' });
    const refused = scheduler.addJob(nothing, { trigger: 'interval', seconds: 1, id: 'a', onConflict: 'error' });
    await expect(refused).rejects.toThrow(ConflictingJobError);
    await expect(refused).rejects.toMatchObject({ jobId: 'a', code: 'CONFLICTING_JOB' });
    expect(second(only(await scheduler.getJobs()).nextRunTime)).toBe(10);
  });

  test('of a job that was parked makes it wait again', async () => {
    const { clock, scheduler } = await started();
    let isBroken = true;
    const trigger: Trigger = {
      next(after) {
        if (isBroken && after >= beginMs + 10_000) throw new Error('no calendar');
        return (Math.floor(after / 10_000) + 1) * 10_000;
      },
      toJSON: () => ({ type: 'own' }),
    };
    const { calls, task } = noter(clock);
    await scheduler.addJob(task, { trigger, id: 'a' });
    await clock.advance('30s');
    expect((await scheduler.getJob('a'))?.state).toBe('parked');
    isBroken = false;
    expect((await scheduler.addJob(task, { trigger, id: 'a' })).state).toBe('waiting');
    await clock.advance('10s');
    expect(calls).toEqual([30, 40]);
  });
});
