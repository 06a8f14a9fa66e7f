import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { freshPrefix } from '../stores/sql-under-test.ts';
import { places } from './replicas.ts';

const found = await places();
afterAll(async () => {
  for (const place of found) await place.stop();
});

describe('a scheduler that was told not to keep its process alive', () => {
  test.each(found)('lets it end while connected to $name, after what was asked is answered', async ({ url }) => {
    const program = new URL('unref-process.ts', import.meta.url).pathname;
    const args = ['--import', 'tsx', program, url, freshPrefix()];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 20_000, killSignal: 'SIGKILL' });
    expect(stdout).toBe('changed\n');
  });
});
