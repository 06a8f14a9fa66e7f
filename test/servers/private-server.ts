import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** A database or broker of this test run alone: its own directory, its own free port, gone when the process ends. */
export interface PrivateServer {
  /** Connection URL, the same over `restart`. */
  readonly url: string;
  readonly port: number;
  /** The directory of its data and sockets. */
  readonly directory: string;
  /** Ends it in order and removes its directory. May be called twice. */
  stop(): Promise<void>;
  /** Sends a signal, `SIGKILL` by default, and waits until it is dead; `SIGSTOP` and `SIGCONT` only freeze and thaw. The data stays. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Ends it in order if it runs, then starts it on the same data and port. */
  restart(): Promise<void>;
}

export interface ServerRecipe {
  /** What people call it, for messages. */
  readonly name: string;
  /** The Debian package that has it. */
  readonly package: string;
  /** Commands it needs; the first is the server. */
  readonly commands: readonly string[];
  /** Whether it may be left out even where all servers are asked for. */
  readonly optional?: boolean;
  /** Folders to look in besides `PATH`. */
  readonly folders?: readonly string[];
  /** The account that runs it when the tests run as root. Many servers refuse root. */
  readonly account: string;
  /** Text in its log that says it takes connections. */
  readonly ready: string;
  /** The signal that ends it in order. */
  readonly stopSignal: NodeJS.Signals;
  /** The signal it gets if the test process dies and cannot clean up. */
  readonly orphanSignal: string;
  /** Makes the data directory's contents, once. `run` runs one of `commands` under the account and throws if it fails. */
  prepare?(directory: string, run: (command: string, args: readonly string[]) => void): void;
  args(directory: string, port: number): readonly string[];
  env?(directory: string, port: number): Record<string, string>;
  url(port: number): string;
}

const startLimitMs = 60_000;

/** The full path of a command, or `undefined` if the machine does not have it. */
export function findCommand(command: string, folders: readonly string[] = []): string | undefined {
  const places = [...folders, ...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin'];
  return places.map((folder) => join(folder, command)).find((path) => existsSync(path));
}

/**
 * Starts a private server. Where its commands are not installed, says so on the terminal and answers `undefined`,
 * so that the caller leaves its suite out; with `PUNCTUAL_REQUIRE_ALL=1` that is an error instead, unless it is optional.
 */
export async function startServer(recipe: ServerRecipe): Promise<PrivateServer | undefined> {
  const paths = new Map(recipe.commands.map((command) => [command, findCommand(command, recipe.folders)] as const));
  const missing = recipe.commands.find((command) => paths.get(command) === undefined);
  if (missing !== undefined) {
    const message = `${recipe.name} is not installed (no ${missing}; Debian has it in ${recipe.package})`;
    if (process.env['PUNCTUAL_REQUIRE_ALL'] === '1' && recipe.optional !== true)
      throw new Error(`${message}, and PUNCTUAL_REQUIRE_ALL=1 asks for it`);
    process.stderr.write(`left out: ${message}\n`);
    return undefined;
  }

  const account = process.getuid?.() === 0 ? accountIds(recipe.account) : undefined;
  const directory = mkdtempSync(join(tmpdir(), 'punctual-'));
  if (account !== undefined) chownSync(directory, account.uid, account.gid);
  const pathOf = (command: string): string => paths.get(command) ?? command;
  const server = new ServerProcess(recipe, { directory, account, pathOf });
  try {
    recipe.prepare?.(directory, (command, args) => {
      const done = spawnSync(pathOf(command), args, { cwd: directory, encoding: 'utf8', ...account });
      if (done.status !== 0) throw new Error(`${recipe.name}: ${command} failed: ${done.error?.message ?? done.stderr + done.stdout}`);
    });
    await server.startOnFreePort();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

interface Place {
  readonly directory: string;
  readonly account: Account | undefined;
  pathOf(command: string): string;
}

class ServerProcess implements PrivateServer {
  port = 0;
  readonly directory: string;
  readonly #recipe: ServerRecipe;
  readonly #place: Place;
  #child: ChildProcess | undefined;
  #log = '';

  constructor(recipe: ServerRecipe, place: Place) {
    this.#recipe = recipe;
    this.#place = place;
    this.directory = place.directory;
  }

  get url(): string {
    return this.#recipe.url(this.port);
  }

  /** Another process may take the free port first; then the next one is tried. */
  async startOnFreePort(): Promise<void> {
    process.once('exit', this.#onProcessExit);
    for (let attempt = 1; ; attempt += 1) {
      this.port = await freePort();
      try {
        await this.#start();
        return;
      } catch (error) {
        if (attempt === 3) throw error;
      }
    }
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    if (signal === 'SIGSTOP' || signal === 'SIGCONT') {
      child.kill(signal);
      return;
    }
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  async restart(): Promise<void> {
    await this.kill(this.#recipe.stopSignal);
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#start();
        return;
      } catch (error) {
        // The processes of a killed server may hold its memory or port for a moment longer.
        if (attempt === 5) throw error;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  }

  async stop(): Promise<void> {
    process.off('exit', this.#onProcessExit);
    await this.kill('SIGCONT');
    await this.kill(this.#recipe.stopSignal);
    this.#removeDirectory();
  }

  async #start(): Promise<void> {
    const recipe = this.#recipe;
    const place = this.#place;
    const command = place.pathOf(recipe.commands[0] ?? recipe.name);
    const args = [...recipe.args(place.directory, this.port)];
    const guard = orphanGuard();
    const [file, allArgs] = guard === undefined ? [command, args] : [guard, ['--pdeathsig', recipe.orphanSignal, command, ...args]];
    const env = { ...process.env, HOME: place.directory, ...recipe.env?.(place.directory, this.port) };
    const child = spawn(file, allArgs, { cwd: place.directory, env, stdio: ['ignore', 'pipe', 'pipe'], ...place.account });
    this.#log = '';
    await new Promise<void>((resolve, reject) => {
      const fail = (what: string): void => reject(new Error(`${recipe.name} ${what}:\n${this.#log}`));
      const timer = setTimeout(() => {
        fail(`was not ready after ${startLimitMs} ms`);
        child.kill('SIGKILL');
      }, startLimitMs);
      const read = (chunk: Buffer): void => {
        // Enough of the log for the message above, and no more.
        this.#log = (this.#log + chunk.toString()).slice(-20_000);
        if (!this.#log.includes(recipe.ready)) return;
        clearTimeout(timer);
        resolve();
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.once('error', (error) => fail(`could not be started (${error.message})`));
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        if (this.#child === child) this.#child = undefined;
        fail(`ended with ${signal ?? code}`);
      });
      this.#child = child;
    });
  }

  readonly #onProcessExit = (): void => {
    this.#child?.kill('SIGKILL');
    this.#removeDirectory();
  };

  #removeDirectory(): void {
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}

/** Linux can end a process with its parent, which no handler here could do after a `SIGKILL`. */
function orphanGuard(): string | undefined {
  const setpriv = findCommand('setpriv');
  return setpriv !== undefined && spawnSync(setpriv, ['--pdeathsig', 'KILL', 'true']).status === 0 ? setpriv : undefined;
}

function accountIds(name: string): Account {
  for (const account of [name, 'nobody']) {
    const ids = ['-u', '-g'].map((flag) => spawnSync('id', [flag, account], { encoding: 'utf8' }));
    const [uid, gid] = ids.map((id) => (id.status === 0 ? Number(id.stdout) : Number.NaN));
    if (uid !== undefined && gid !== undefined && Number.isInteger(uid) && Number.isInteger(gid)) return { uid, gid };
  }
  throw new Error(`no account ${name} or nobody to run a server as; run the tests as another user than root`);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  probe.close();
  await once(probe, 'close');
  return port;
}
