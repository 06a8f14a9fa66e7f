import { show } from '../errors.ts';

/**
 * A thrown value on its way between threads. Structured cloning alone would turn every error into one of the seven
 * built-in classes and drop its code and own fields, so errors travel as plain records, flat and by number:
 *
 *   { errors: [{ name, message, stack, cause: error 1 }, { ... }], value: error 0 }
 *
 * which also carries a cause that leads back to its own error.
 */
export interface WireError {
  readonly value: WireValue;
  readonly errors: readonly WireRecord[];
}

/** Either a value that can be cloned as it is, or the number of an error. */
type WireValue = { readonly plain: unknown } | { readonly error: number } | { readonly list: readonly WireValue[] };

interface WireRecord {
  readonly base: Base;
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Own fields and `code`, in order; `cause` and the `errors` of an AggregateError among them. */
  readonly fields: readonly (readonly [key: string, value: WireValue, enumerable: boolean])[];
}

type Base = 'Error' | 'TypeError' | 'RangeError' | 'SyntaxError' | 'ReferenceError' | 'EvalError' | 'URIError' | 'AggregateError';

/** The built-in classes besides `Error` itself. An AggregateError's errors arrive with the own fields. */
const bases: readonly (readonly [name: Base, type: ErrorConstructor | AggregateErrorConstructor, make: (message: string) => Error])[] = [
  ['TypeError', TypeError, (message) => new TypeError(message)],
  ['RangeError', RangeError, (message) => new RangeError(message)],
  ['SyntaxError', SyntaxError, (message) => new SyntaxError(message)],
  ['ReferenceError', ReferenceError, (message) => new ReferenceError(message)],
  ['EvalError', EvalError, (message) => new EvalError(message)],
  ['URIError', URIError, (message) => new URIError(message)],
  ['AggregateError', AggregateError, (message) => new AggregateError([], message)],
];

/** Carries what was thrown; never throws. What cannot be cloned inside of an error becomes text that describes it. */
export function toWire(thrown: unknown): WireError {
  const errors: WireRecord[] = [];
  const numbers = new Map<Error, number>();

  const valueOf = (value: unknown): WireValue => {
    if (value instanceof Error) return { error: numberOf(value) };
    if (Array.isArray(value) && value.some((one) => one instanceof Error)) return { list: value.map(valueOf) };
    return { plain: cloneable(value) ? value : describe(value) };
  };

  const numberOf = (error: Error): number => {
    const known = numbers.get(error);
    if (known !== undefined) return known;
    const number = errors.length;
    numbers.set(error, number);
    // Holds the place, since a cause may lead back here.
    errors.push({ base: 'Error', name: 'Error', message: '', stack: undefined, fields: [] });
    errors[number] = record(error, valueOf);
    return number;
  };

  const value = valueOf(thrown);
  return { value, errors };
}

function record(error: Error, valueOf: (value: unknown) => WireValue): WireRecord {
  const fields: [string, WireValue, boolean][] = [];
  for (const key of new Set([...Object.getOwnPropertyNames(error), 'code'])) {
    if (key === 'name' || key === 'message' || key === 'stack') continue;
    const value = read(error, key);
    if (value === undefined) continue;
    fields.push([key, valueOf(value), Object.prototype.propertyIsEnumerable.call(error, key)]);
  }
  const base = baseOf(error);
  const stack = read(error, 'stack');
  return {
    base,
    name: nameOf(error, base),
    message: text(read(error, 'message')),
    stack: typeof stack === 'string' ? stack : undefined,
    fields,
  };
}

function baseOf(error: Error): Base {
  return bases.find(([, type]) => error instanceof type)?.[0] ?? 'Error';
}

function make(base: Base, message: string): Error {
  return bases.find(([name]) => name === base)?.[2](message) ?? new Error(message);
}

/** A class that gave itself no `name` is still called as it was declared. */
function nameOf(error: Error, base: Base): string {
  const name = text(read(error, 'name'));
  if (name !== '' && name !== base) return name;
  const made = read(error, 'constructor');
  return typeof made === 'function' && made.name !== '' ? made.name : base;
}

/** A getter that throws must not cost us the rest of the error. */
function read(from: object, key: string): unknown {
  try {
    return Reflect.get(from, key);
  } catch {
    return undefined;
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? '' : describe(value);
}

function describe(value: unknown): string {
  try {
    return show(value);
  } catch {
    return 'a value that cannot be shown';
  }
}

function cloneable(value: unknown): boolean {
  if (typeof value === 'function' || typeof value === 'symbol') return false;
  if (typeof value !== 'object' || value === null) return true;
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

/** What was thrown, as far as another thread can have it: errors are of a built-in class, with the name they had. */
export function fromWire(wire: WireError): unknown {
  const made = wire.errors.map(({ base, message }) => make(base, message));
  const valueOf = (value: WireValue): unknown => {
    if ('error' in value) return made[value.error];
    return 'list' in value ? value.list.map(valueOf) : value.plain;
  };
  wire.errors.forEach(({ name, stack, fields }, number) => {
    const error = made[number];
    if (error === undefined) return;
    if (error.name !== name) define(error, 'name', name, false);
    define(error, 'stack', stack, false);
    for (const [key, value, enumerable] of fields) define(error, key, valueOf(value), enumerable);
  });
  return valueOf(wire.value);
}

function define(error: Error, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true });
}
