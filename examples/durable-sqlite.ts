// Jobs that outlive their process: run it, kill it in the middle of everything, run it again. `npx tsx examples/durable-sqlite.ts`
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Scheduler } from 'punctual';
import { SqlJobStore } from 'punctual/stores/sql';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The app: it registers the same task and jobs at each start, as apps do. */
async function app(url: string, importAt: string): Promise<void> {
  // A short lease, so that you need not wait long here; the default of 15 s bears longer pauses of a process.
  const scheduler = new Scheduler({ jobStore: new SqlJobStore({ url, lease: '2s', pollInterval: '200ms' }) });

  scheduler.task('heartbeat', () => 'alive');
  scheduler.task('import', async (file: string) => {
    console.log(`  import of ${file} begins`);
    await pause(1500);
    console.log(`  import of ${file} is done`);
  });

  await scheduler.start();
  await scheduler.addJob('heartbeat', { id: 'heartbeat', trigger: 'interval', milliseconds: 500 });
  await scheduler.addJob('import', { id: 'import', trigger: 'date', runDate: importAt, args: ['orders.csv'], misfireGraceTime: '1h' });
  process.send?.('started');
  await once(process, 'SIGTERM');
  await scheduler.shutdown();

  console.log('what the store remembers, newest first:');
  for (const run of await history(url)) console.log(`  ${run}`);
}

async function history(url: string): Promise<string[]> {
  const scheduler = new Scheduler({ jobStore: new SqlJobStore({ url }) });
  await scheduler.start({ paused: true });
  const runs = await scheduler.getRuns({ limit: 100 });
  await scheduler.shutdown();
  return runs
    .filter((run) => run.jobId === 'import' || run.coalesced > 1)
    .map(
      (run) =>
        `${run.scheduledAt.toFormat('HH:mm:ss.SSS')} ${run.jobId}: ${run.outcome}${run.reason === undefined ? '' : `, ${run.reason}`}`,
    );
}

const [, , url, importAt] = process.argv;
if (url !== undefined && importAt !== undefined) {
  await app(url, importAt);
  process.exit(0);
}

const directory = mkdtempSync(join(tmpdir(), 'durable-'));
const orders = [`sqlite:${join(directory, 'jobs.db')}`, new Date().toISOString()];

console.log('first life:');
const first = fork(fileURLToPath(import.meta.url), orders);
await once(first, 'message');
await pause(700);
first.kill('SIGKILL');
await once(first, 'exit');
console.log('  killed in the middle of its import; nobody is there for three seconds');
await pause(3000);

console.log('second life:');
const second = fork(fileURLToPath(import.meta.url), orders);
await once(second, 'message');
await pause(2500);
second.kill('SIGTERM');
const [code] = await once(second, 'exit');
rmSync(directory, { recursive: true });
process.exitCode = Number(code);
