import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** Suites that take minutes or need other software run by their own command, `vitest run --project <name>`. */
const apart = ['exhaustive', 'oracles', 'nemesis'] as const;

const report = process.env['PUNCTUAL_REPORT'];

const config: ViteUserConfig = defineConfig({
  test: {
    // Continuous integration reads this report: a skipped test must not look like a passed one.
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    globalSetup: 'test/temporary-files.ts',
    // Many tests wait for servers, processes and real time more than they compute.
    maxWorkers: '100%',
    testTimeout: 20_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: apart.map((name) => `test/${name}/**`),
        },
      },
      ...apart.map((name) => ({
        extends: true as const,
        test: {
          name,
          include: [`test/${name}/**/*.test.ts`],
          testTimeout: 900_000,
          fileParallelism: name === 'exhaustive',
        },
      })),
    ],
  },
});

export default config;
