export type { StoreSurvey } from '../../core/store.ts';
export type { SqlJobStoreOptions } from './options.ts';
export { SqlJobStore } from './sql-job-store.ts';
