/** What the tests and their servers leave in the folder for temporary files goes when the run ends, whatever became of who made it. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const directory = mkdtempSync(join(tmpdir(), 'punctual-'));

export function setup(): void {
  // Servers run under accounts of their own.
  chmodSync(directory, 0o711);
  process.env['TMPDIR'] = directory;
}

export function teardown(): void {
  // With this the journals of a siege stay, to be read.
  if (process.env['NEMESIS_KEEP'] === undefined) rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}
