/** What compiles and what must not when jobs are added: a wrong line that compiled would leave its directive unused, which is an error. */
import { CronTrigger, currentRun, IntervalTrigger, type JobEntry, MemoryJobStore, OrTrigger, Scheduler } from 'punctual';

const scheduler = new Scheduler({
  timezone: 'Europe/Berlin',
  jobDefaults: { misfireGraceTime: '1m', coalesce: 'all' },
  jobStore: new MemoryJobStore(),
});

function send(to: string, copies: number): Promise<number> {
  return Promise.resolve(to.length * copies);
}

function greet(name = 'you'): void {
  currentRun()?.log.info({ name }, 'hello');
}

export async function args(): Promise<void> {
  await scheduler.addJob(send, { trigger: 'interval', seconds: 3, args: ['a', 2] });
  await scheduler.addJob(greet, { trigger: 'interval', seconds: 3 });
  await scheduler.addJob(greet, { trigger: 'interval', seconds: 3, args: ['me'] });
  await scheduler.addJob(console.log, { trigger: 'interval', seconds: 3, args: ['anything', 1, true] });
  // @ts-expect-error the second argument is a number
  await scheduler.addJob(send, { trigger: 'interval', seconds: 3, args: ['a', 'b'] });
  // @ts-expect-error one argument is missing
  await scheduler.addJob(send, { trigger: 'interval', seconds: 3, args: ['a'] });
  // @ts-expect-error the function cannot be called without arguments
  await scheduler.addJob(send, { trigger: 'interval', seconds: 3 });
  // @ts-expect-error one argument too many
  await scheduler.addJob(greet, { trigger: 'interval', seconds: 3, args: ['me', 'you'] });
  // @ts-expect-error arguments are a list
  await scheduler.addJob(greet, { trigger: 'interval', seconds: 3, args: 'me' });
}

export async function manyAtOnce(): Promise<void> {
  const handle = scheduler.task('send', send);
  await scheduler.addJobs([
    { task: send, trigger: 'interval', seconds: 3, args: ['a', 2] },
    { task: greet, trigger: 'cron', hour: 12 },
    { task: handle, trigger: 'date', args: ['a', 2] },
    { task: 'send', trigger: 'date', args: ['whatever', 1, true] },
    { task: new URL('file:///work.js#run'), trigger: 'date' },
  ]);
  await scheduler.addJobs(['a', 'b'].map((to, index) => ({ task: send, trigger: 'date', args: [to, index] }) as const));
  const entries: JobEntry[] = [{ task: 'send', trigger: 'date', args: ['a', 2] }];
  await scheduler.addJobs(entries);
  // @ts-expect-error one argument is missing
  await scheduler.addJobs([{ task: send, trigger: 'date', args: ['a'] }]);
  // @ts-expect-error the function cannot be called without arguments
  await scheduler.addJobs([{ task: send, trigger: 'date' }]);
  // @ts-expect-error the second argument is a number
  await scheduler.addJobs([{ task: handle, trigger: 'date', args: ['a', 'b'] }]);
}

export async function shortForms(): Promise<void> {
  await scheduler.cron('30 12 * * MON-FRI', greet);
  await scheduler.cron('30 12 * * MON-FRI', send, { args: ['a', 2], id: 'lunch' });
  await scheduler.every('90s', greet);
  await scheduler.every({ minutes: 5 }, greet);
  await scheduler.at(new Date(0), greet, { misfireGraceTime: null });
  // @ts-expect-error the function cannot be called without arguments
  await scheduler.cron('30 12 * * MON-FRI', send);
  // @ts-expect-error a cron expression is text
  await scheduler.cron(30, greet);
}

export async function triggers(): Promise<void> {
  await scheduler.addJob(greet, { trigger: 'cron', hour: 12, minute: 30, dayOfWeek: 'mon-fri', timezone: 'Asia/Shanghai' });
  await scheduler.addJob(greet, { trigger: 'cron', expression: '0 9 L * *' });
  await scheduler.addJob(greet, { trigger: 'date', runDate: '2030-10-01 00:00:00' });
  await scheduler.addJob(greet, { trigger: new OrTrigger([new IntervalTrigger({ hours: 1 }), CronTrigger.fromCrontab('@daily')]) });
  // @ts-expect-error an interval has no hour of the day
  await scheduler.addJob(greet, { trigger: 'interval', hour: 12 });
  // @ts-expect-error the field is named dayOfWeek
  await scheduler.addJob(greet, { trigger: 'cron', day_of_week: 'mon' });
  // @ts-expect-error a job needs a trigger
  await scheduler.addJob(greet, { seconds: 3 });
}

export async function policies(): Promise<void> {
  await scheduler.addJob(greet, {
    trigger: 'date',
    overlap: 'queue',
    retry: { limit: 3, delay: '5s' },
    timeout: { minutes: 1 },
    nextRunTime: null,
  });
  // @ts-expect-error not a way to coalesce
  await scheduler.addJob(greet, { trigger: 'date', coalesce: true });
  // @ts-expect-error the option is camel case
  await scheduler.addJob(greet, { trigger: 'date', misfire_grace_time: 60 });
  // @ts-expect-error not a conflict policy
  await scheduler.addJob(greet, { trigger: 'date', onConflict: 'update' });
}

export async function snapshots(): Promise<void> {
  const job = await scheduler.addJob(new URL('./resize.js#thumbnail', import.meta.url), { trigger: 'interval', minutes: 5 });
  const next: number | undefined = job.nextRunTime?.toMillis();
  void next;
  await job.pause();
  // @ts-expect-error a snapshot is read-only
  job.id = 'other';
  const unknown = await scheduler.getJob('no such job');
  // @ts-expect-error it may be undefined
  void unknown.id;
}

export function events(): void {
  scheduler.on('jobExecuted', ({ jobId, runId, scheduledAt, value }) => void [jobId, runId, scheduledAt.toISO(), value]);
  scheduler.on('clockJump', ({ byMs }) => void byMs.toFixed());
  // @ts-expect-error no such event
  scheduler.on('job_executed', () => {});
  // @ts-expect-error this event has no value
  scheduler.on('jobAdded', ({ value }) => void value);
}

export const states: 'stopped' | 'running' | 'paused' = scheduler.state;
