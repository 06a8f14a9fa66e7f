/**
 * Runs every example as its reader would and checks that it ends with exit code 0.
 * A first line `// needs: redis` (or postgres, mariadb, rabbitmq) gives it a private server, its URL in `REDIS_URL` (`POSTGRES_URL`
 * and so on); where that server is not installed the example is left out with a line that says so.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { startMariadb } from '../test/servers/mariadb.ts';
import { startPostgres } from '../test/servers/postgres.ts';
import { startRabbitmq } from '../test/servers/rabbitmq.ts';
import { startRedis } from '../test/servers/redis.ts';

const root = resolve(import.meta.dirname, '..');
const limitMs = 120_000;
const starters = { redis: startRedis, postgres: startPostgres, mariadb: startMariadb, rabbitmq: startRabbitmq } as const;

type ServerName = keyof typeof starters;

function isServerName(name: string): name is ServerName {
  return Object.hasOwn(starters, name);
}

/** How the example ended: its exit code, or the signal that ended it at the time limit. */
async function run(file: string, env: Readonly<Record<string, string>>): Promise<number | NodeJS.Signals> {
  const args = [join(root, 'node_modules/tsx/dist/cli.mjs'), '--tsconfig', 'examples/tsconfig.json', file];
  const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'inherit', 'inherit'] });
  const limit = setTimeout(() => child.kill('SIGKILL'), limitMs);
  const [code, signal]: unknown[] = await once(child, 'exit');
  clearTimeout(limit);
  return typeof code === 'number' ? code : (signal as NodeJS.Signals);
}

/** Whether it ended well; `undefined` if it was left out. */
async function check(name: string): Promise<boolean | undefined> {
  const file = join('examples', name);
  const [firstLine = ''] = readFileSync(join(root, file), 'utf8').split('\n');
  const needs = /^\/\/ needs: (\w+)/.exec(firstLine)?.[1];
  if (needs === undefined) return (await run(file, {})) === 0;
  if (!isServerName(needs)) throw new Error(`${file}: needs ${needs}, but only ${Object.keys(starters).join(', ')} can be started`);
  const server = await starters[needs]();
  if (server === undefined) return undefined;
  try {
    return (await run(file, { [`${needs.toUpperCase()}_URL`]: server.url })) === 0;
  } finally {
    await server.stop();
  }
}

const names = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'));
if (names.length === 0) throw new Error('no examples to run');
const failed: string[] = [];
for (const name of names.sort()) {
  console.log(`--- examples/${name}`);
  const well = await check(name);
  if (well === undefined) console.log(`left out: examples/${name}`);
  else if (!well) failed.push(name);
}
console.log(failed.length === 0 ? 'all examples ended well' : `failed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
