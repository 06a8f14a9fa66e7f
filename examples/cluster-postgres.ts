// needs: postgres
// Three processes share the jobs of one PostgreSQL database. One is killed, and the work goes on.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { currentRun, Scheduler } from 'punctual';
import { SqlJobStore } from 'punctual/stores/sql';

const url = process.env['POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** One replica of the app. All run the same code and register the same jobs; each fire time is run by one of them. */
async function replica(name: string): Promise<void> {
  const scheduler = new Scheduler({ jobStore: new SqlJobStore({ url, lease: '2s' }) });
  scheduler.task('report', async (customer: string) => {
    await pause(300);
    process.send?.({ name, customer, runId: currentRun()?.runId });
  });
  await scheduler.start();
  for (const customer of ['ada', 'grace', 'linus'])
    await scheduler.addJob('report', { id: `report-${customer}`, trigger: 'interval', seconds: 1, args: [customer] });
  process.send?.({ name });
  await once(process, 'SIGTERM');
  await scheduler.shutdown();
}

const [, , name] = process.argv;
if (name !== undefined) {
  await replica(name);
  process.exit(0);
}

interface Told {
  readonly name: string;
  readonly customer?: string;
  readonly runId?: string;
}

const runs: Told[] = [];
const replicas = ['one', 'two', 'three'].map((each): ChildProcess => {
  const child = fork(fileURLToPath(import.meta.url), [each]);
  child.on('message', (told: Told) => {
    if (told.runId !== undefined) runs.push(told);
  });
  return child;
});
await Promise.all(replicas.map((child) => once(child, 'message')));

const share = (from: number): string =>
  ['one', 'two', 'three'].map((each) => `${each}: ${runs.slice(from).filter((run) => run.name === each).length}`).join(', ');

await pause(5000);
console.log(`five seconds, three processes: ${runs.length} runs (${share(0)})`);

replicas[0]?.kill('SIGKILL');
const before = runs.length;
console.log('process one is killed');
await pause(5000);
console.log(`five seconds more: ${runs.length - before} runs (${share(before)})`);

const ids = runs.map((run) => run.runId);
console.log(`${ids.length} runs, ${new Set(ids).size} of them different: none was run twice`);

for (const child of replicas.slice(1)) child.kill('SIGTERM');
await Promise.all(replicas.slice(1).map((child) => once(child, 'exit')));
process.exitCode = new Set(ids).size === ids.length && runs.length > before ? 0 : 1;
