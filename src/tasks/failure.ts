import { inspect } from 'node:util';

/**
 * An error as text, between processes: the head line of its stack, `TypeError [CODE]: message`, then its frames, then its causes.
 * It is what a person reads in the engine's own tools, and `revive` makes the error of it again.
 */
export interface FailureText {
  readonly message: string;
  readonly stack: string;
}

const builtIn = { Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError } as const;

const maxStack = 16_000;

/** Never throws, whatever was thrown. */
export function describe(thrown: unknown): FailureText {
  if (!(thrown instanceof Error)) {
    const message = text(thrown);
    return { message, stack: `Error: ${message}` };
  }
  const message = text(thrown.message);
  let stack = `${head(thrown)}${frames(thrown)}`;
  let cause: unknown = thrown.cause;
  for (let depth = 0; cause !== undefined && depth < 5; depth += 1) {
    stack += `\n  [cause]: ${cause instanceof Error ? head(cause) + frames(cause) : text(cause)}`;
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return { message, stack: stack.length > maxStack ? `${stack.slice(0, maxStack)}...` : stack };
}

/** The error back: of its built-in class or `Error`, with its name, code, message and stack. */
export function revive(failure: FailureText): Error {
  const { message, stack } = failure;
  const match = /^([\w$.]{1,100})(?: \[([^\]\n]{1,100})\])?(?:: |\n|$)/.exec(stack);
  const name = match?.[1] ?? 'Error';
  const error = new (isBuiltIn(name) ? builtIn[name] : Error)(message);
  if (error.name !== name) define(error, 'name', name);
  if (match?.[2] !== undefined) define(error, 'code', match[2]);
  define(error, 'stack', stack);
  return error;
}

function isBuiltIn(name: string): name is keyof typeof builtIn {
  return Object.hasOwn(builtIn, name);
}

function define(error: Error, key: string, value: string): void {
  Object.defineProperty(error, key, { value, writable: true, configurable: true, enumerable: key === 'code' });
}

function head(error: Error): string {
  const name = /^[\w$.]{1,100}$/.test(error.name) ? error.name : 'Error';
  const code: unknown = Reflect.get(error, 'code');
  const mark = (typeof code === 'string' || typeof code === 'number') && /^[^\]\n]{1,100}$/.test(String(code)) ? ` [${code}]` : '';
  return `${name}${mark}: ${text(error.message)}`;
}

/** The stack without its head, which may be several lines long and says nothing of the code. */
function frames(error: Error): string {
  const stack: unknown = error.stack;
  if (typeof stack !== 'string') return '';
  const start = stack.search(/\n\s+at /);
  return start === -1 ? '' : stack.slice(start);
}

function text(value: unknown): string {
  try {
    return typeof value === 'object' ? inspect(value, { maxStringLength: 1_000 }) : String(value);
  } catch {
    return 'a value that cannot be shown as text';
  }
}
