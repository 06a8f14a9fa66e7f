// The main job in twelve seconds: `npm run quickstart`.
import { Scheduler } from 'punctual';

const began = Date.now();
const say = (text: string): void => console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s  ${text}`);

const scheduler = new Scheduler();

// What happened, as it happens.
scheduler.on('jobAdded', ({ jobId }) => say(`(event) job ${jobId} was added`));
scheduler.on('jobExecuted', ({ jobId, scheduledAt }) => say(`(event) job ${jobId} ran, planned for ${scheduledAt.toFormat('HH:mm:ss')}`));
scheduler.on('jobError', ({ jobId, error }) => say(`(event) job ${jobId} failed: ${String(error)}`));
scheduler.on('jobRemoved', ({ jobId }) => say(`(event) job ${jobId} was removed`));

// Once, at a moment: four seconds from now.
await scheduler.addJob(() => say('date:     this runs once'), {
  id: 'once',
  name: 'run once',
  trigger: 'date',
  runDate: new Date(began + 4000),
});

// Every second. Arguments are checked against the function's parameters when you compile.
const hello = await scheduler.addJob((name: string) => say(`interval: hello, ${name}`), {
  id: 'hello',
  name: 'say hello',
  trigger: 'interval',
  seconds: 1,
  args: ['world'],
});

// By the clock: whenever the second is 0, 5, 10, ... in the time zone of this machine.
await scheduler.addJob(() => say('cron:     five more seconds are over'), {
  id: 'every-fifth',
  name: 'count to five',
  trigger: 'cron',
  second: '*/5',
});

// In a worker thread, so that the event loop stays free: a module's export, named by its URL.
await scheduler.addJob(new URL('./tasks/resize.ts#thumbnail', import.meta.url), {
  id: 'resize',
  trigger: 'date',
  runDate: new Date(began + 2000),
  args: ['cat.jpg'],
});

await scheduler.start();

say('the scheduler is running; these jobs wait:');
console.log();
await scheduler.printJobs();
console.log();

setTimeout(() => {
  say('removing the job "hello" while the scheduler runs');
  void hello.remove();
}, 7500);

setTimeout(async () => {
  say('shutting down; still waiting then:');
  console.log();
  await scheduler.printJobs();
  console.log();
  await scheduler.shutdown();
  const runs = await scheduler.getRuns();
  say(`bye: ${runs.length} runs, ${runs.filter((run) => run.outcome === 'succeeded').length} of them succeeded`);
}, 12_000);
