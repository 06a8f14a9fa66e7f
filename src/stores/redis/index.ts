export type { StoreSurvey } from '../../core/store.ts';
export type { RedisJobStoreOptions } from './options.ts';
export { RedisJobStore } from './store.ts';
