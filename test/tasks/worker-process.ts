import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const script = join(import.meta.dirname, 'fixtures/worker-process.ts');

/** A worker process of a test, and what it wrote down. */
export interface WorkerProcess {
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string | null>;
}

/** Worker processes on one Redis and prefix, with one log between them. */
export class WorkerProcesses {
  readonly log: string = join(mkdtempSync(join(tmpdir(), 'workers-')), 'log');
  readonly #url: string;
  readonly #prefix: string;
  readonly #children: Set<ChildProcess> = new Set();

  constructor(url: string, prefix: string) {
    this.#url = url;
    this.#prefix = prefix;
  }

  /** Resolves when it takes tasks. */
  async start(options: { readonly concurrency?: number; readonly lease?: 'short' | 'default' } = {}): Promise<WorkerProcess> {
    const { concurrency = 1, lease = 'short' } = options;
    const args = ['--import', 'tsx', script, this.#url, this.#prefix, String(concurrency), this.log, lease];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#children.add(child);
    const ended = once(child, 'exit').then(([code, signal]: (number | string | null)[]) => {
      this.#children.delete(child);
      return signal ?? code ?? null;
    });
    const ready = new Promise<void>((resolve) => {
      child.stdout?.on('data', (text: Buffer) => {
        if (text.includes('ready')) resolve();
      });
    });
    await Promise.race([ready, ended.then((how) => Promise.reject(new Error(`the worker process ended at once: ${how}`)))]);
    return { pid: child.pid ?? 0, kill: (signal) => void child.kill(signal), ended };
  }

  lines(): readonly string[] {
    return existsSync(this.log)
      ? readFileSync(this.log, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
      : [];
  }

  /** Resolves when the log has so many lines that begin with `text`. */
  async logged(text: string, count = 1): Promise<readonly string[]> {
    for (const end = Date.now() + 60_000; ; ) {
      const lines = this.lines().filter((line) => line.startsWith(text));
      if (lines.length >= count) return lines;
      if (Date.now() > end) throw new Error(`no ${count} lines "${text}" in ${JSON.stringify(this.lines().slice(-20))}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  killAll(): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }
}
