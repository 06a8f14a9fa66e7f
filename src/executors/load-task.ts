import type { TaskFunction } from '../core/task.ts';
import { InvalidOptionError, reasonOf } from '../errors.ts';
import { typeScriptHint } from './typescript.ts';

/**
 * The function that a module exports under a name.
 * @throws InvalidOptionError if the module cannot be loaded (its error is the `cause`), has no such export, or exports no function.
 */
export async function loadTask(url: string, exportName: string): Promise<TaskFunction> {
  const task = `${url}#${exportName}`;
  let module: unknown;
  try {
    module = await import(url);
  } catch (cause) {
    const reason = reasonOf(cause);
    const hint = typeScriptHint(url);
    throw new InvalidOptionError(
      'task',
      task,
      `a module that loads, but it failed with ${reason}${hint === undefined ? '' : `; ${hint}`}`,
      { cause },
    );
  }
  const exported = readExport(module, exportName);
  if (typeof exported !== 'function') {
    const names = typeof module === 'object' && module !== null ? Object.keys(module) : [];
    const known = names.length > 0 ? `it exports ${names.join(', ')}` : 'it exports nothing';
    const found = exported === undefined ? 'has no such export' : `exports ${exported === null ? 'null' : `a ${typeof exported}`} there`;
    throw new InvalidOptionError('task', task, `the name of an exported function, but the module ${found}; ${known}`);
  }
  return (...args) => exported(...args);
}

/** A CommonJS module's exports stand under `default` where Node could not tell their names. */
function readExport(module: unknown, name: string): unknown {
  if (typeof module !== 'object' || module === null) return undefined;
  const own: unknown = Reflect.get(module, name);
  if (own !== undefined || !('default' in module)) return own;
  const whole = module.default;
  return typeof whole === 'object' && whole !== null ? Reflect.get(whole, name) : undefined;
}
