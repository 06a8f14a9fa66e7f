import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/**
 * Lets this thread import a task that is written in TypeScript. Node 22.18 and later strip types themselves;
 * before that, and for JSX, tsx does it if the app that owns the task has it.
 */
export async function readTypeScript(url: string): Promise<void> {
  if (needsLoader(url)) await registerTsx(url);
}

/** Whether tsx has taken over, after Node met an enum or what else it cannot strip. */
export async function readUnstrippable(url: string, error: unknown): Promise<boolean> {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX' && (await registerTsx(url));
}

async function registerTsx(url: string): Promise<boolean> {
  const api = findTsx(url);
  if (api === undefined) return false;
  const { register }: typeof import('tsx/esm/api') = await import(pathToFileURL(api).href);
  register();
  return true;
}

/** What an app whose task cannot be loaded should know, if the reason may be that nothing here reads TypeScript. */
export function typeScriptHint(url: string): string | undefined {
  if (!needsLoader(url) || findTsx(url) !== undefined) return undefined;
  return `Node ${process.version} does not read this kind of TypeScript by itself: install tsx in the app, compile the task, or use Node 22.18 or later`;
}

function needsLoader(url: string): boolean {
  const extension = /^[^?#]*\.([cm]?ts|tsx)(?:[?#]|$)/.exec(url)?.[1];
  if (extension === undefined) return false;
  return extension === 'tsx' || !Reflect.get(process.features, 'typescript');
}

/** Where the app keeps tsx, seen from its task's file. */
export function findTsx(from: string): string | undefined {
  try {
    // The CommonJS build of this entry point cannot find its own loader, so its sibling is taken.
    return createRequire(from)
      .resolve('tsx/esm/api')
      .replace(/\.cjs$/, '.mjs');
  } catch {
    return undefined;
  }
}
