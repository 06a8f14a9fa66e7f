import { CronTrigger, IntervalTrigger, type Job, type Run, Scheduler, type TaskHandle } from '../../src/index.ts';

// Read by the compiler alone, never run: each line must compile, or must not where it says so.

declare const scheduler: Scheduler;
declare function greet(name: string, times: number): void;
declare function greetMaybe(name?: string): void;
declare function tick(): Promise<number>;

export async function taskArguments(): Promise<void> {
  const job: Job = await scheduler.addJob(greet, { trigger: 'interval', seconds: 3, args: ['you', 2] });
  await scheduler.addJob(tick, { trigger: 'interval', seconds: 3 });
  await scheduler.addJob(tick, { trigger: 'interval', seconds: 3, args: [] });
  await scheduler.addJob(greetMaybe, { trigger: 'interval', seconds: 3 });
  await scheduler.addJob(greetMaybe, { trigger: 'interval', seconds: 3, args: ['you'] });
  await scheduler.addJob(console.log, { trigger: 'interval', seconds: 3, args: ['hello'] });
  // @ts-expect-error: its arguments are missing
  await scheduler.addJob(greet, { trigger: 'interval', seconds: 3 });
  // @ts-expect-error: one argument is missing
  await scheduler.addJob(greet, { trigger: 'interval', seconds: 3, args: ['you'] });
  // @ts-expect-error: the arguments are in the wrong order
  await scheduler.addJob(greet, { trigger: 'interval', seconds: 3, args: [2, 'you'] });
  // @ts-expect-error: it takes none
  await scheduler.addJob(tick, { trigger: 'interval', seconds: 3, args: [1] });
  // @ts-expect-error: not a task
  await scheduler.addJob(42, { trigger: 'interval', seconds: 3 });
  await job.remove();
}

export async function taskForms(): Promise<void> {
  const handle: TaskHandle<[name: string, times: number]> = scheduler.task('greet', greet, { maxRuns: 3 });
  await scheduler.addJob(handle, { trigger: 'interval', seconds: 3, args: ['you', 2] });
  await scheduler.addJob('greet', { trigger: 'interval', seconds: 3, args: ['anything', 'goes'] });
  await scheduler.addJob(new URL('file:///task.js#run'), { trigger: 'interval', seconds: 3 });
  scheduler.task('elsewhere');
  scheduler.task('module', new URL('file:///task.js'), { timeout: '5s' });
  // @ts-expect-error: the handle knows its arguments
  await scheduler.addJob(handle, { trigger: 'interval', seconds: 3, args: [2] });
  // @ts-expect-error: an unknown default
  scheduler.task('greet', greet, { maxRunz: 3 });
}

export async function triggers(): Promise<void> {
  await scheduler.addJob(tick, { trigger: 'date' });
  await scheduler.addJob(tick, { trigger: 'date', runDate: new Date(0), nextRunTime: null });
  await scheduler.addJob(tick, { trigger: 'cron', hour: 12, minute: '*/5', timezone: 'Europe/Berlin' });
  await scheduler.addJob(tick, { trigger: 'cron', expression: '30 12 * * MON-FRI' });
  await scheduler.addJob(tick, { trigger: 'interval', every: '90s', startDate: '2030-01-01', endDate: 0 });
  await scheduler.addJob(tick, { trigger: 'interval', every: { minutes: 5 } });
  await scheduler.addJob(tick, { trigger: new CronTrigger({ hour: 12 }) });
  // @ts-expect-error: no trigger
  await scheduler.addJob(tick, { seconds: 3 });
  // @ts-expect-error: an unknown trigger
  await scheduler.addJob(tick, { trigger: 'intervall', seconds: 3 });
  // @ts-expect-error: an option of another trigger
  await scheduler.addJob(tick, { trigger: 'interval', hour: 3 });
  // @ts-expect-error: an unknown option
  await scheduler.addJob(tick, { trigger: 'interval', second: 3 });
  // @ts-expect-error: the wrong type
  await scheduler.addJob(tick, { trigger: 'interval', seconds: '3' });
  // @ts-expect-error: options of a trigger beside a trigger object
  await scheduler.addJob(tick, { trigger: new CronTrigger({ hour: 12 }), seconds: 3 });
}

export async function policies(): Promise<void> {
  const policy = {
    misfireGraceTime: null,
    coalesce: 'all',
    maxInstances: 2,
    overlap: 'queue',
    jitter: '5s',
    maxRuns: 3,
    onCrash: 'fail',
  } as const;
  await scheduler.addJob(tick, {
    trigger: 'interval',
    seconds: 3,
    ...policy,
    retry: { limit: 3, delay: '1s', backoff: 'exponential', maxDelay: 60_000 },
  });
  await scheduler.addJob(tick, { trigger: 'interval', seconds: 3, retry: 3, onConflict: 'keep', metadata: { team: 'a' } });
  // @ts-expect-error: an unknown policy
  await scheduler.addJob(tick, { trigger: 'interval', seconds: 3, maxInstance: 2 });
  // @ts-expect-error: an unknown choice
  await scheduler.addJob(tick, { trigger: 'interval', seconds: 3, coalesce: 'newest' });
  // @ts-expect-error: a Python spelling
  await scheduler.addJob(tick, { trigger: 'interval', seconds: 3, misfire_grace_time: 5 });
  // @ts-expect-error: retry needs a limit
  await scheduler.addJob(tick, { trigger: 'interval', seconds: 3, retry: { delay: 5 } });
}

export async function shortForms(): Promise<void> {
  await scheduler.cron('* * * * *', tick);
  await scheduler.every('90s', tick, { id: 'tick', maxRuns: 3 });
  await scheduler.at(new Date(0), greet, { args: ['you', 2] });
  await scheduler.every({ minutes: 5 }, 'greet', { args: [1] });
  await scheduler.cron('* * * * *', tick, { startDate: '2030-01-01', endDate: new Date(0), gap: 'skip', fold: 'both', timezone: 'UTC' });
  await scheduler.every('90s', tick, { startDate: '2030-01-01', endDate: 0, timezone: 'UTC' });
  // @ts-expect-error: an interval has no clock changes
  await scheduler.every('90s', tick, { fold: 'both' });
  // @ts-expect-error: a date has no end
  await scheduler.at(0, tick, { endDate: 0 });
  // @ts-expect-error: its arguments are missing
  await scheduler.every('90s', greet);
  // @ts-expect-error: the wrong arguments
  await scheduler.at(0, greet, { args: [2] });
  // @ts-expect-error: the expression comes first
  await scheduler.cron(tick, '* * * * *');
}

export async function changes(): Promise<void> {
  await scheduler.modifyJob('a', { name: 'x', args: [1], nextRunTime: null, task: tick, timeout: '5s' });
  await scheduler.rescheduleJob('a', { trigger: 'cron', hour: 3 });
  await scheduler.rescheduleJob('a', { trigger: 'cron', hour: 3, calendars: 'holidays', calendarPolicy: 'next-working-day' });
  await scheduler.rescheduleJob('a', new IntervalTrigger({ seconds: 3 }));
  // @ts-expect-error: a trigger is rescheduleJob's
  await scheduler.modifyJob('a', { trigger: 'cron', hour: 3 });
  // @ts-expect-error: a policy is modifyJob's
  await scheduler.rescheduleJob('a', { trigger: 'cron', hour: 3, maxRuns: 3 });
  // @ts-expect-error: an unknown outcome
  await scheduler.getRuns({ outcome: 'success' });
}

export function events(): void {
  const undo: () => void = scheduler.on('jobExecuted', (run) => {
    const { jobId, value }: Run = run;
    return [jobId, value];
  });
  scheduler.once('clockJump', ({ byMs }) => byMs.toFixed());
  scheduler.on('jobError', async ({ error }) => Promise.reject(error));
  undo();
  // @ts-expect-error: no such event
  scheduler.on('jobExecute', () => {});
  // @ts-expect-error: no such field
  scheduler.on('clockJump', ({ jobId }) => jobId);
}

export function construction(): readonly Scheduler[] {
  return [
    new Scheduler(),
    new Scheduler({
      timezone: 'UTC',
      jobDefaults: { coalesce: 'all' },
      inline: { concurrency: 5 },
      threads: { max: 2, idleTimeout: '5s' },
    }),
    // @ts-expect-error: an unknown option
    new Scheduler({ timeZone: 'UTC' }),
    // @ts-expect-error: a trigger is no default
    new Scheduler({ jobDefaults: { trigger: 'cron' } }),
  ];
}

export function snapshots(job: Job, run: Run): void {
  // @ts-expect-error: a job is a snapshot
  job.name = 'x';
  // @ts-expect-error: a run is a report
  run.value = 1;
}
