import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly string[];
  readonly errors: string;
}

/** Runs `program.mjs` on the built package; `heard` is told each line it writes, and may signal it. */
function run(what: string, heard: (line: string, kill: (signal: NodeJS.Signals) => void) => void = () => {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'program.mjs'), what], { stdio: ['ignore', 'pipe', 'pipe'] });
    const lines: string[] = [];
    let rest = '';
    let errors = '';
    child.stderr.on('data', (part) => (errors += String(part)));
    child.stdout.on('data', (part) => {
      const parts = `${rest}${String(part)}`.split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) {
        lines.push(line);
        heard(line, (signal) => void child.kill(signal));
      }
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, lines, errors }));
  });
}

// These start processes of their own and wait for the real clock.
describe('a real process', () => {
  test.concurrent('ends by itself when there is no job left to wait for', async () => {
    expect(await run('empty')).toMatchObject({ code: 0, lines: ['started'], errors: '' });
    expect(await run('once')).toMatchObject({ code: 0, lines: ['ran'], errors: '' });
  });

  test.concurrent('goes on after start, and is kept alive by its jobs until they are done', async () => {
    expect(await run('background')).toMatchObject({ code: 0, lines: ['started', 'tick', 'tick', 'tick', 'tick'], errors: '' });
  });

  test.concurrent('is not kept alive once unref was called', async () => {
    expect(await run('unref')).toMatchObject({ code: 0, lines: ['started'], errors: '' });
  });

  test.concurrent('survives a job that fails, and warns on the console', async () => {
    const ended = await run('failing');
    expect([ended.code, ended.lines]).toEqual([0, ['ran']]);
    expect(ended.errors).toContain('a job failed');
  });

  test.concurrent.each(['SIGINT', 'SIGTERM'] as const)(
    'is drained by the first %s, then run() resolves and takes its handlers away',
    async (signal) => {
      const ended = await run('drain', (line, kill) => {
        if (line === 'ready') kill(signal);
      });
      expect(ended).toMatchObject({ code: 0, signal: null, lines: ['ready', 'job done', 'stopped, 0 handlers left'], errors: '' });
    },
  );

  test.concurrent('is ended at once by a second signal', async () => {
    let kills = 0;
    const ended = await run('deaf', (line, kill) => {
      if (line !== 'ready') return;
      const again = (): void => {
        kills += 1;
        kill('SIGTERM');
      };
      again();
      setTimeout(again, 300);
    });
    expect(ended).toMatchObject({ code: null, signal: 'SIGTERM', lines: ['ready'], errors: '' });
    expect(kills).toBe(2);
  });

  test.concurrent('stays alive in run() while it is paused, until it is told to stop', async () => {
    const begun = performance.now();
    const ended = await run('paused', (line, kill) => {
      if (line === 'ready') setTimeout(() => kill('SIGTERM'), 500);
    });
    expect(ended).toMatchObject({ code: 0, lines: ['ready', 'stopped, 0 handlers left'], errors: '' });
    expect(performance.now() - begun).toBeGreaterThan(500);
  });
});
