// needs: redis
// A scheduler that sends, and two worker processes that run: one of them is killed in the middle of its work, and nothing is lost.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Scheduler } from 'punctual';
import { bullmq, chord, TaskApp } from 'punctual/tasks';

const connection = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379/0';

// This process only sends: it declares the tasks that the workers have.
const app = new TaskApp({
  engine: bullmq({ connection }),
  beatSchedule: { packing: { task: 'shop.pack', args: [0], schedule: { seconds: 1 }, options: { queue: 'mail' } } },
});
const pack = app.remote<[order: number], string>('shop.pack');
const weigh = app.remote<[parcels: readonly string[]], number>('shop.weigh');

async function startWorker(): Promise<ChildProcess> {
  const worker = spawn(process.execPath, ['--import', 'tsx', 'examples/tasks/worker.ts'], {
    env: { ...process.env, REDIS_URL: connection },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(worker.stdout ?? worker, 'data');
  return worker;
}
const [first, second] = await Promise.all([startWorker(), startWorker()]);

// The scheduler is the beat: it sends `shop.pack` every second, and a run's outcome is the task's result.
const scheduler = new Scheduler();
await scheduler.addBeat(app);
const beats: unknown[] = [];
scheduler.on('jobExecuted', ({ jobId, value }) => beats.push(`${jobId}: ${String(value)}`));
await scheduler.start();

// Forty orders, and one worker that dies over them without a word.
const sent = await Promise.all(Array.from({ length: 40 }, (_, order) => pack.delay(order)));
setTimeout(() => first.kill('SIGKILL'), 300);
const parcels = await Promise.all(sent.map((result) => result.get({ timeout: '60s' })));
console.log(parcels.at(-1));
assert.equal(new Set(parcels.map((parcel) => parcel.split(',')[0])).size, 40);

// A chord: forty parcels side by side, then one task that is given all of them.
const weight = await (
  await chord(
    Array.from({ length: 40 }, (_, order) => pack.s(order)),
    weigh.s(),
  ).delay()
).get({ timeout: '60s' });
assert.equal(weight, 10_000);

assert(beats.length >= 3, 'the beat went on all the while');
console.log(beats.at(-1));
await scheduler.shutdown({ wait: true, timeout: 10_000 });
second.kill('SIGTERM');
await once(second, 'exit');
await app.close();
