import { inspect } from 'node:util';
import { reasonOf } from '../errors.ts';
import { parseStored, strictJson } from './strict-json.ts';

/** Kept of a message, a stack or a note, in UTF-16 units; the rest is cut. */
const maxLength = 8_000;
const maxFieldLength = 2_000;
const maxCauses = 5;

/** Marks a text that describes a value instead of carrying it. No JSON text begins so. */
const noteMark = '!';

/**
 * A task's return value or progress as text: its JSON, or a note that shows it if JSON cannot carry it. A result is
 * history, not data to work with, so a value that is not JSON does not fail its run. `undefined` stays `undefined`.
 */
export function encodeValue(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  try {
    return strictJson(value, 'value');
  } catch {
    return noteMark + note(value);
  }
}

/** The value back; a note comes back as its text, and so does a text that is no longer JSON. */
export function decodeValue(text: string | null | undefined): unknown {
  if (text === null || text === undefined) return undefined;
  if (text.startsWith(noteMark)) return text.slice(noteMark.length);
  try {
    return parseStored(text);
  } catch {
    return cut(text, maxFieldLength);
  }
}

/**
 * What a task threw, as text: an Error's name, message, stack, code, cause and its own fields that are JSON, each cut to a
 * length; anything else as a value.
 */
export function encodeError(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  try {
    return JSON.stringify(error instanceof Error ? { error: describe(error, maxCauses) } : { thrown: encodeValue(error) });
  } catch {
    return JSON.stringify({ thrown: noteMark + wholeText(reasonOf(error)) });
  }
}

/** An Error with the fields that were stored; a thrown value that was none comes back as it was. */
export function decodeError(text: string | null | undefined): unknown {
  if (text === null || text === undefined) return undefined;
  try {
    const stored = parseStored(text);
    if (isRecord(stored) && isRecord(stored['error'])) return revive(stored['error']);
    if (isRecord(stored) && typeof stored['thrown'] === 'string') return decodeValue(stored['thrown']);
  } catch {
    // Falls through: history that was damaged is still shown.
  }
  return new Error(cut(text, maxFieldLength));
}

/** A readable text of any value, never throwing. */
function note(value: unknown): string {
  try {
    return wholeText(cut(inspect(value, { depth: 3, breakLength: Number.POSITIVE_INFINITY }), maxFieldLength));
  } catch (error) {
    return wholeText(`a value that cannot be shown: ${reasonOf(error)}`);
  }
}

/** A text in a form that every database takes: no NUL, no half of a surrogate pair. */
export function wholeText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}... (${text.length - length} more)` : text;
}

/** An error can be made so that asking it throws: of what it does not give, nothing is kept. */
function get(error: Error, key: string): unknown {
  try {
    return Reflect.get(error, key);
  } catch {
    return undefined;
  }
}

function describe(error: Error, causes: number): Record<string, unknown> {
  const described: Record<string, unknown> = { name: text(get(error, 'name')), message: text(get(error, 'message')) };
  const [stack, cause, errors] = [get(error, 'stack'), get(error, 'cause'), get(error, 'errors')];
  if (typeof stack === 'string') described['stack'] = text(stack);
  if (cause !== undefined) described['cause'] = encodeCause(cause, causes);
  if (Array.isArray(errors)) described['errors'] = errors.slice(0, 10).map((one) => encodeCause(one, causes));
  const fields = ownFields(error);
  if (Object.keys(fields).length > 0) described['fields'] = fields;
  return described;
}

function encodeCause(cause: unknown, causes: number): unknown {
  if (!(cause instanceof Error)) return { thrown: encodeValue(cause) };
  return causes > 0 ? { error: describe(cause, causes - 1) } : { thrown: noteMark + note(get(cause, 'message')) };
}

function ownFields(error: Error): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const key of Object.keys(error).slice(0, 50)) {
    if (['name', 'message', 'stack', 'cause', 'errors', '__proto__'].includes(key)) continue;
    const value = encodeValue(get(error, key));
    if (value !== undefined && value.length <= maxFieldLength) fields[key] = value;
  }
  return fields;
}

function revive(stored: Readonly<Record<string, unknown>>): Error {
  const error = new Error(String(stored['message'] ?? ''));
  set(error, 'name', String(stored['name'] ?? 'Error'));
  set(error, 'stack', typeof stored['stack'] === 'string' ? stored['stack'] : `${error.name}: ${error.message}`);
  if (isRecord(stored['cause'])) set(error, 'cause', decodeError(JSON.stringify(stored['cause'])));
  if (Array.isArray(stored['errors'])) {
    set(
      error,
      'errors',
      stored['errors'].map((one) => decodeError(JSON.stringify(one))),
    );
  }
  const fields = stored['fields'];
  if (isRecord(fields)) {
    for (const [key, value] of Object.entries(fields)) {
      if (typeof value === 'string')
        Object.defineProperty(error, key, { value: decodeValue(value), enumerable: true, configurable: true, writable: true });
    }
  }
  return error;
}

/** Like the fields of an Error made here: there, but not enumerated. */
function set(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, enumerable: false, configurable: true, writable: true });
}

function text(value: unknown): string {
  return wholeText(cut(typeof value === 'string' ? value : reasonOf(value), maxLength));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
