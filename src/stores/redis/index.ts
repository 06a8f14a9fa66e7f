export type { RedisStoreHealth } from './health.ts';
export type { RedisJobStoreOptions } from './options.ts';
export { RedisJobStore } from './store.ts';
