// A process of its own for process.test.ts, on the real clock and the built package; its argument says what it does.
import { Scheduler } from 'punctual';

const scheduler = new Scheduler({ timezone: 'UTC', logger: { debug() {}, info() {}, warn: console.error, error: console.error } });
const say = (text) => console.log(text);

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function blocking(task) {
  await scheduler.addJob(task, { trigger: 'date' });
  await scheduler.run();
  say(`stopped, ${process.listenerCount('SIGINT') + process.listenerCount('SIGTERM')} handlers left`);
}

const programs = {
  async empty() {
    await scheduler.start();
    say('started');
  },
  async once() {
    await scheduler.addJob(() => say('ran'), { trigger: 'date', runDate: new Date(Date.now() + 200) });
    await scheduler.start();
  },
  async unref() {
    await scheduler.addJob(() => say('ran'), { trigger: 'interval', hours: 1 });
    scheduler.unref();
    await scheduler.start();
    say('started');
  },
  async background() {
    await scheduler.addJob(() => say('tick'), { trigger: 'interval', milliseconds: 50, maxRuns: 4 });
    await scheduler.start();
    say('started');
  },
  async failing() {
    await scheduler.addJob(async () => Promise.reject(new Error('boom')), { trigger: 'date' });
    await scheduler.addJob(() => say('ran'), { trigger: 'date', runDate: new Date(Date.now() + 100) });
    await scheduler.start();
  },
  drain: () =>
    blocking(async () => {
      say('ready');
      await sleep(300);
      say('job done');
    }),
  deaf: () =>
    blocking(async () => {
      say('ready');
      await sleep(60_000);
    }),
  paused: () =>
    blocking(async () => {
      await scheduler.pause();
      say('ready');
    }),
};

await programs[process.argv[2] ?? '']?.();
