import { NotSerializableError } from '../errors.ts';

export interface StrictJsonOptions {
  /** Whether keys are put in order, so that equal values have equal texts. */
  readonly canonical?: boolean;
  /** At most so many UTF-8 bytes; `maxTextBytes` by default. */
  readonly limit?: number;
}

/** How long one stored text may be, in UTF-8 bytes. A row is read on every fire, so what is bigger belongs elsewhere. */
export const maxTextBytes: number = 1_000_000;

const maxDepth = 200;
/** How deep a value may be to count as simple; a cycle is deeper. */
const simpleDepth = 8;

/** Whether `JSON.stringify` writes just what `Writer` would; if it is not sure it says no, and `Writer` finds the words. */
function isSimple(value: unknown, canonical: boolean, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value);
    case 'object':
      return (
        value === null ||
        (depth > 0 && (Array.isArray(value) ? areSimple(value, canonical, depth) : isSimpleRecord(value, canonical, depth)))
      );
    default:
      return false;
  }
}

function areSimple(list: readonly unknown[], canonical: boolean, depth: number): boolean {
  // More keys than members are names, fewer are holes.
  if (Object.getPrototypeOf(list) !== Array.prototype || Object.keys(list).length !== list.length) return false;
  for (const member of list) if (!isSimple(member, canonical, depth - 1)) return false;
  return true;
}

function isSimpleRecord(value: object, canonical: boolean, depth: number): boolean {
  if (Object.getPrototypeOf(value) !== Object.prototype || Object.getOwnPropertySymbols(value).length > 0) return false;
  let last = '';
  for (const key of Object.keys(value)) {
    if (key === '__proto__' || (canonical && key < last)) return false;
    last = key;
    const child: unknown = Reflect.get(value, key);
    if (child !== undefined && !isSimple(child, canonical, depth - 1)) return false;
  }
  return true;
}

/**
 * The JSON text of a value that JSON can carry whole. What `JSON.stringify` would drop or change in silence is refused with
 * `NotSerializableError`, which names the place: functions, symbols, bigint, NaN and infinities, `undefined` and holes in
 * arrays, class instances (Date, Map and Set among them), cycles, `__proto__` keys, and more than `limit` bytes.
 * A property that is `undefined` is left out.
 */
export function strictJson(value: unknown, path: string, options: StrictJsonOptions = {}): string {
  const canonical = options.canonical === true;
  // Nearly all that is stored is small and simple, which the engine's own writer does in a fraction of the time.
  const text = isSimple(value, canonical, simpleDepth) ? JSON.stringify(value) : new Writer(path, canonical).write(value);
  const limit = options.limit ?? maxTextBytes;
  // A UTF-16 unit takes at most three bytes of UTF-8, so most texts need no counting.
  const bytes = text.length * 3 > limit ? Buffer.byteLength(text) : 0;
  if (bytes <= limit) return text;
  throw new NotSerializableError(
    path,
    `takes ${bytes} bytes as JSON, at most ${limit} are stored; store the data elsewhere and pass its key`,
  );
}

/** One walk over a value, which writes and checks at once. It knows the way it came, for cycles and for the path in an error. */
class Writer {
  readonly #root: string;
  readonly #canonical: boolean;
  readonly #open: object[] = [];
  readonly #way: (string | number)[] = [];

  constructor(root: string, canonical: boolean) {
    this.#root = root;
    this.#canonical = canonical;
  }

  write(value: unknown): string {
    switch (typeof value) {
      case 'string':
        return JSON.stringify(value);
      case 'boolean':
        return value ? 'true' : 'false';
      case 'number':
        return Number.isFinite(value) ? String(value) : this.#refuse(`${value} is not JSON; pass null or a text`);
      case 'object':
        return value === null ? 'null' : this.#writeObject(value);
      case 'bigint':
        return this.#refuse('a bigint is not JSON; pass its text');
      case 'undefined':
        return this.#refuse('undefined is not JSON; pass null');
      default:
        return this.#refuse(`a ${typeof value} is not JSON; pass data, and name code by its task`);
    }
  }

  #writeObject(value: object): string {
    if (this.#open.includes(value)) this.#refuse('refers to an object around it; JSON has no cycles');
    if (this.#open.length >= maxDepth) this.#refuse(`is nested deeper than ${maxDepth} levels`);
    this.#open.push(value);
    const text = Array.isArray(value) ? this.#members(value) : this.#properties(value);
    this.#open.pop();
    return text;
  }

  #members(value: readonly unknown[]): string {
    let text = '[';
    // Counted, not iterated by its own keys: a hole shows as undefined and is refused as such.
    for (let index = 0; index < value.length; index += 1) text += `${index === 0 ? '' : ','}${this.#child(index, value[index])}`;
    const extra = Object.keys(value)[value.length];
    if (extra !== undefined) this.#refuseAt(extra, 'an array keeps no named members in JSON; use an object');
    return `${text}]`;
  }

  #properties(value: object): string {
    if (!isPlain(value)) this.#refuse(`a ${className(value)} is not JSON; ${instead(value)}`);
    if (Object.getOwnPropertySymbols(value).length > 0) this.#refuse('has a key that is a symbol');
    const keys = Object.keys(value);
    if (this.#canonical) keys.sort();
    let text = '';
    for (const key of keys) {
      if (key === '__proto__') this.#refuseAt(key, 'a key "__proto__" is refused');
      const child: unknown = Reflect.get(value, key);
      if (child !== undefined) text += `${text === '' ? '{' : ','}${JSON.stringify(key)}:${this.#child(key, child)}`;
    }
    return text === '' ? '{}' : `${text}}`;
  }

  #child(key: string | number, value: unknown): string {
    this.#way.push(key);
    const text = this.write(value);
    this.#way.pop();
    return text;
  }

  #refuseAt(key: string, reason: string): never {
    this.#way.push(key);
    return this.#refuse(reason);
  }

  #refuse(reason: string): never {
    throw new NotSerializableError(this.#root + this.#way.map(step).join(''), reason);
  }
}

/** An object literal, or one without a prototype, of this realm or another. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return true;
  return typeof prototype === 'object' && Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
}

function className(value: object): string {
  const constructor: unknown = Reflect.get(value, 'constructor');
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'class instance';
}

function instead(value: object): string {
  if (value instanceof Date) return 'pass date.toISOString()';
  if (value instanceof Map) return 'pass Object.fromEntries(map) or [...map]';
  if (value instanceof Set) return 'pass [...set]';
  if (value instanceof Error) return 'pass its message';
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return 'pass base64 text or a key to where the bytes are';
  return 'pass a plain object with the fields it needs';
}

/** One step of a path: `[0]`, `.name`, `["odd name"]`. */
function step(key: string | number): string {
  if (typeof key === 'number') return `[${key}]`;
  return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/**
 * A stored text as a value. Throws `SyntaxError` for what is not JSON, is longer than `maxTextBytes` allows, or has a key
 * `__proto__`: whoever wrote it was not this library.
 */
export function parseStored(text: string): unknown {
  if (text.length > maxTextBytes) throw new SyntaxError(`the text is longer than ${maxTextBytes}`);
  const value: unknown = JSON.parse(text);
  // Most texts hold neither the key nor an escape that could spell it.
  if (/__proto__|\\u/.test(text)) refusePrototypeKeys(value);
  return value;
}

function refusePrototypeKeys(root: unknown): void {
  const left: unknown[] = [root];
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value !== 'object' || value === null) continue;
    if (Object.hasOwn(value, '__proto__')) throw new SyntaxError('the text has a key "__proto__"');
    left.push(...Object.values(value));
  }
}
