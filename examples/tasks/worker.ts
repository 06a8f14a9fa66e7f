// One of many worker processes: `tsx examples/tasks/worker.ts`, as often as there is work for.
// SIGTERM finishes the tasks that run and takes no more; a second one gives them back at once.
import { bullmq, TaskApp } from 'punctual/tasks';

const app = new TaskApp({ engine: bullmq({ connection: process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379/0' }) });
await app.load(new URL('./shop.ts', import.meta.url));

const worker = app.worker({ queues: ['default', 'mail'], concurrency: 4 });
worker.on('workerStarted', () => console.log(`worker ${process.pid} takes tasks`));
await worker.run();
await app.close();
