/**
 * Writes dist/: each public entry point and what it needs, with what several need in chunks of its own, so that there is one copy of
 * everything (an error class is the same whichever door it came through). Node loads a file in about half a millisecond, and the
 * core has some eighty: bundled, importing punctual costs little more than importing luxon. The types are written by tsc, file for file.
 */
import { build } from 'esbuild';

const options = {
  outdir: 'dist',
  outbase: 'src',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  sourcemap: true,
  sourcesContent: false,
};

await build({
  ...options,
  entryPoints: ['src/index.ts', 'src/testing/index.ts', 'src/stores/sql/index.ts', 'src/stores/redis/index.ts', 'src/tasks/index.ts'],
});
// These run in worker threads, where nothing of the above is loaded: each has its own copy of the little that it needs.
await build({ ...options, splitting: false, entryPoints: ['src/executors/worker-entry.ts', 'src/testing/executor-contract-tasks.ts'] });
