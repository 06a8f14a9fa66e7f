export type { SqlStoreHealth } from './health.ts';
export type { SqlJobStoreOptions } from './options.ts';
export { SqlJobStore } from './sql-job-store.ts';
