/**
 * What runs inside of a worker thread: waits for runs, loads each task once, calls it, answers.
 * It imports nothing but what every run needs, so that a thread starts quickly; luxon comes with a task that asks for it.
 */
import { type MessagePort, parentPort } from 'node:worker_threads';
import type { TaskFunction } from '../core/task.ts';
import { InvalidOptionError } from '../errors.ts';
import { loadTask } from './load-task.ts';
import { runInContext, runView } from './run-context.ts';
import { ThreadRun } from './thread-run.ts';
import { readTypeScript, readUnstrippable } from './typescript.ts';
import { fromWire, toWire } from './wire-error.ts';
import { sendOutput } from './worker-output.ts';
import { type Culprit, type FromWorker, fromWorker, type RunMessage, type ToWorker, toWorker } from './worker-protocol.ts';

function serve(port: MessagePort): void {
  const tasks: TaskFunction[] = [];
  let current: ThreadRun | undefined;
  let lastRun = 0;

  const send = (message: FromWorker): void => port.postMessage(message);

  port.on('message', (message: ToWorker) => {
    if (message[0] === toWorker.abort) {
      if (current?.number === message[1]) current.abort(fromWire(message[2]));
      return;
    }
    current = new ThreadRun(message, port);
    const fn = tasks[message[2]];
    if (fn === undefined) void load(message, current);
    else call(fn, message[3], current);
  });

  port.on('messageerror', (error: Error) => send([fromWorker.unreadable, error.message]));

  const load = async (message: RunMessage, run: ThreadRun): Promise<void> => {
    const [, , task, args, , , , , , url = '', exportName = ''] = message;
    try {
      tasks[task] = await loadSource(url, exportName);
    } catch (error) {
      current = undefined;
      const expected = error instanceof InvalidOptionError ? error.expected : 'a module that loads';
      send([fromWorker.unloadable, run.number, expected, toWire(error instanceof InvalidOptionError ? error.cause : error)]);
      return;
    }
    const fn = tasks[task];
    // A run that was aborted meanwhile must not begin; the pool has its reason already.
    if (run.aborted) returned(run, undefined);
    else if (fn !== undefined) call(fn, args, run);
  };

  const call = (fn: TaskFunction, args: readonly unknown[], run: ThreadRun): void => {
    lastRun = run.number;
    try {
      const value = runInContext(run, fn, args);
      if (isThenable(value)) {
        Promise.resolve(value).then(
          (result) => returned(run, result),
          (error: unknown) => threw(run, error),
        );
      } else returned(run, value);
    } catch (error) {
      threw(run, error);
    }
  };

  const returned = (run: ThreadRun, value: unknown): void => {
    current = undefined;
    try {
      send([fromWorker.value, run.number, value]);
    } catch (error) {
      send([fromWorker.uncloneable, run.number, 'value', reasonOf(error)]);
    }
  };

  const threw = (run: ThreadRun, thrown: unknown): void => {
    current = undefined;
    if (thrown instanceof Error) {
      send([fromWorker.error, run.number, toWire(thrown)]);
      return;
    }
    try {
      send([fromWorker.error, run.number, { value: { plain: thrown }, errors: [] }]);
    } catch (error) {
      send([fromWorker.uncloneable, run.number, 'error', reasonOf(error)]);
    }
  };

  // An exception belongs to the run whose code threw it, which may long have ended; never to the one that is on now.
  process.on('uncaughtException', (error: unknown) => {
    if (process.listenerCount('uncaughtException') > 1) return;
    const culprit = runNow();
    if (culprit !== undefined && culprit[0] !== current?.number) {
      send([fromWorker.late, culprit, toWire(error)]);
      return;
    }
    send([fromWorker.crash, culprit, toWire(error)]);
    process.exit(1);
  });

  process.on('exit', (code) => send([fromWorker.exit, runNow(), code, lastRun]));
}

async function loadSource(url: string, exportName: string): Promise<TaskFunction> {
  await readTypeScript(url);
  try {
    return await loadTask(url, exportName);
  } catch (error) {
    if (error instanceof InvalidOptionError && (await readUnstrippable(url, error.cause))) return loadTask(url, exportName);
    throw error;
  }
}

function runNow(): Culprit {
  const view = runView();
  return view instanceof ThreadRun ? view.culprit : undefined;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') && 'then' in value && typeof value.then === 'function'
  );
}

if (parentPort !== null) {
  sendOutput(parentPort);
  serve(parentPort);
}
