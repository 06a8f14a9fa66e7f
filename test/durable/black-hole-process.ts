import { once } from 'node:events';
import { Scheduler } from '../../src/index.ts';
import { RedisJobStore } from '../../src/stores/redis/index.ts';
import { SqlJobStore } from '../../src/stores/sql/index.ts';
import { silent } from '../fixtures/requests.ts';

// A process of an app: says that it works, and stops on SIGTERM.
const [, , url = '', prefix = ''] = process.argv;
const jobStore = url.startsWith('redis:') ? new RedisJobStore({ url, prefix }) : new SqlJobStore({ url, prefix });
const scheduler = new Scheduler({ jobStore, logger: silent });
scheduler.task('quick', () => 'done');
await scheduler.start();
await scheduler.addJob('quick', { id: 'quick', trigger: 'interval', milliseconds: 100 });
scheduler.once('jobExecuted', () => process.send?.('works'));
await once(process, 'SIGTERM');
process.disconnect?.();
await scheduler.shutdown({ timeout: 500 });
