import { InvalidOptionError } from '../errors.ts';

/** A function that a module exports, and the name it has as a task: `<file name>.<export>`. */
export interface ExportedTask {
  readonly name: string;
  readonly exportName: string;
  readonly value: (...args: never[]) => unknown;
}

/** @throws InvalidOptionError if the module cannot be loaded (its error is the `cause`) or exports no function */
export async function exportsOf(url: string): Promise<readonly ExportedTask[]> {
  let module: unknown;
  try {
    module = await import(url);
  } catch (cause) {
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    throw new InvalidOptionError('module', url, `a module that loads, but it failed with ${reason}`, { cause });
  }
  const file = new URL(url).pathname.split('/').at(-1) ?? '';
  const stem = decodeURIComponent(file).replace(/\.[cm]?[jt]sx?$/, '');
  const found: ExportedTask[] = [];
  for (const [exportName, value] of Object.entries(typeof module === 'object' && module !== null ? module : {})) {
    if (typeof value === 'function' && !isClass(value)) found.push({ name: `${stem}.${exportName}`, exportName, value });
  }
  if (found.length === 0) throw new InvalidOptionError('module', url, 'a module that exports functions');
  return found;
}

/** A class cannot be called, so it is no task. */
function isClass(value: object): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}
