// needs: redis
// The Celery half of the note, line by line: each line is asserted.
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { Scheduler } from 'punctual';
import { bullmq, TaskApp } from 'punctual/tasks';

// app = celery.Celery(backend='redis://127.0.0.1:6379/0', broker='redis://127.0.0.1:6379/0')
const app = new TaskApp({
  engine: bullmq({ connection: process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379/0' }),
  // app.conf.beat_schedule = {'schedule1': {'task': 'task1.fun1', 'args': ('hello',), 'schedule': timedelta(seconds=2)}}
  beatSchedule: { schedule1: { task: 'task1.fun1', args: ['hello'], schedule: { seconds: 2 } } },
});

// @app.task
// def fun1(*args):
//     print(*args)
const printed: string[] = [];
const fun1 = app.task('task1.fun1', (...args: string[]) => {
  printed.push(args.join(' '));
  return args.length;
});

// fun1('hello')
fun1('hello');
assert.deepEqual(printed, ['hello']);

// task = fun1.delay('hello')
const task = await fun1.delay('hello');
assert.match(inspect(task), /^<AsyncResult: [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}>$/);
assert.deepEqual(printed, ['hello'], 'it was sent, not run');

// result = celery.result.AsyncResult(id=task.id, app=cel); result.status
const result = app.asyncResult<number>(task.id);
assert.equal(await result.status(), 'PENDING');

// result = fun1.apply_async(args=('hello',), kwargs=None, countdown=10); result.status
const later = await fun1.applyAsync(['hello'], { countdown: 10_000 });
assert.equal(await later.status(), 'PENDING');

// app.worker_main(). In a process of its own, this would be `await app.worker().run()`.
const worker = app.worker({ concurrency: 2 });
await worker.start();
assert.equal(await result.get({ timeout: 5_000 }), 1);
assert.equal(await result.status(), 'SUCCESS');
assert.deepEqual(printed, ['hello', 'hello']);

// An id that nobody sent is PENDING too, as in Celery; exists() tells the two apart.
const unknown = app.asyncResult('c399d950-e16c-4912-8d19-624393abf1ef');
assert.equal(String(unknown), '<AsyncResult: c399d950-e16c-4912-8d19-624393abf1ef>');
assert.equal(await unknown.status(), 'PENDING');
assert.equal(await unknown.exists(), false);

// celery beat: the scheduler sends, first after one interval, then every two seconds.
const scheduler = new Scheduler();
const started = Date.now();
await scheduler.addBeat(app);
const beats: number[] = [];
scheduler.on('jobExecuted', ({ jobId, value }) => {
  assert.equal(jobId, 'schedule1');
  assert.equal(value, 1);
  beats.push(Math.round((Date.now() - started) / 1_000));
});
await scheduler.start();
await later.get({ timeout: 15_000 });
await scheduler.shutdown({ wait: true, timeout: 5_000 });
assert.deepEqual(beats.slice(0, 4), [2, 4, 6, 8]);

console.log(`${printed.length} times hello; the beat came after ${beats.join(', ')} s`);
await app.close();
