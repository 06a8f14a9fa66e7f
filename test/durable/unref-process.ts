import { Scheduler } from '../../src/index.ts';
import { RedisJobStore } from '../../src/stores/redis/index.ts';
import { SqlJobStore } from '../../src/stores/sql/index.ts';
import { silent } from '../fixtures/requests.ts';

// A process that has nothing to do but to wait for jobs, which is not to keep it; each call is waited for all the same.
const [, , url = '', prefix = ''] = process.argv;
const jobStore = url.startsWith('redis:') ? new RedisJobStore({ url, prefix }) : new SqlJobStore({ url, prefix });
const scheduler = new Scheduler({ jobStore, logger: silent }).unref();
scheduler.task('note', () => undefined);
await scheduler.start();
await scheduler.addJob('note', { id: 'a', trigger: 'interval', hours: 1 });
await scheduler.modifyJob('a', { name: 'changed' });
console.log((await scheduler.getJob('a'))?.name);
