/**
 * Writes dist/: the public entry points, and the core in one file that they share, so that there is one copy of everything (an error
 * class is the same whichever door it came through). Node loads a file in about half a millisecond, and the core has some eighty: in
 * one file, importing punctual costs little more than importing luxon. The types are written by tsc, file for file.
 */
import { rolldown } from 'rolldown';

const output = {
  dir: 'dist',
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
  sourcemap: true,
  sourcemapExcludeSources: true,
  comments: false,
};

/** @param {string[]} entries paths below src, without the ending @param {object[]} groups what is to be a file of its own */
async function bundle(entries, groups) {
  const input = Object.fromEntries(entries.map((entry) => [entry, `src/${entry}.ts`]));
  const build = await rolldown({ input, platform: 'node', transform: { target: 'node20.19' }, external: /^[^./]/ });
  await build.write({ ...output, codeSplitting: { groups } });
  await build.close();
}

await bundle(
  ['index', 'testing/index', 'stores/sql/index', 'stores/redis/index', 'tasks/index'],
  [{ name: 'core', test: /[\\/]src[\\/]index\.ts$/, includeDependenciesRecursively: true }],
);
// These run in worker threads, where nothing of the above is loaded: each has its own copy of the little that it needs.
await bundle(['executors/worker-entry'], []);
await bundle(['testing/executor-contract-tasks'], []);
