import { type ResourceLimits, type SHARE_ENV, Worker, type WorkerOptions } from 'node:worker_threads';
import { pathToFileURL } from 'node:url';
import { findTsx } from './typescript.ts';

/** What each worker thread is started with; as in `new Worker` of node:worker_threads. */
export interface WorkerSettings {
  /**
   * Heap and stack limits in MB; a task that passes them ends its worker. Node's own limits of the means: buffers
   * do not count, and on Node 24 a worker that fills its heap with large arrays at once may still end the process.
   */
  readonly resourceLimits?: ResourceLimits | undefined;
  /** `process.env` within the workers; default: a copy of this process's. */
  readonly env?: Readonly<Record<string, string>> | typeof SHARE_ENV | undefined;
  /** Node's options for the workers; default: this process's. */
  readonly execArgv?: readonly string[] | undefined;
}

/** Starts a thread on the worker entry; throws what Node says of settings that it cannot use. */
export function startWorker(settings: WorkerSettings): Worker {
  const { resourceLimits, env, execArgv = inherited() } = settings;
  const options: WorkerOptions = {};
  if (resourceLimits !== undefined) options.resourceLimits = resourceLimits;
  if (env !== undefined) options.env = typeof env === 'symbol' ? env : { ...env };
  if (execArgv !== undefined) options.execArgv = [...execArgv];
  // Built, this stands in a chunk, one folder deep as the entry is. From its own source it needs a Node that strips types, or tsx.
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('../executors/worker-entry.js', import.meta.url), options);
  const source = new URL('../executors/worker-entry.ts', import.meta.url);
  if (Reflect.get(process.features, 'typescript')) return new Worker(source, options);
  const tsx = findTsx(import.meta.url);
  if (tsx === undefined) throw new Error('running punctual from its TypeScript source on this Node needs tsx');
  const register = `import { register } from ${JSON.stringify(pathToFileURL(tsx).href)}; register();`;
  const start = `${register} await import(${JSON.stringify(source.href)});`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(start)}`), options);
}

/** A program given as text, `node --input-type=module -e ...`, hands down an option that no worker starts with. */
function inherited(): readonly string[] | undefined {
  return process.execArgv.some((option) => option.startsWith('--input-type')) ? [] : undefined;
}
