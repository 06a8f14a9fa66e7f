import { SqlJobStore } from '../../src/stores/sql/index.ts';
import { context } from './sql-under-test.ts';

/** A process that opens the store named on its command line, and says so. */
const [url = '', prefix = ''] = process.argv.slice(2);
const store = new SqlJobStore({ url, prefix });
await store.open(context);
const jobs = await store.jobs.list();
await store.close();
process.stdout.write(`opened ${jobs.length}\n`);
