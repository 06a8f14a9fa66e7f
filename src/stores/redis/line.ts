import { plainText } from '../codec.ts';

/**
 * A free text on a line of its own: line breaks and backslashes are written `\n` and `\\`. Ids stand so in every key and row;
 * nearly all of them as they are.
 */
export function line(text: string): string {
  return /[\n\\]/.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n') : text;
}

export function unline(text: string): string {
  return text.includes('\\') ? text.replace(/\\(.)/g, (_, letter) => (letter === 'n' ? '\n' : '\\')) : text;
}

/** A reason as one line; an empty one for none. */
export function reasonLine(reason: string | undefined): string {
  return reason === undefined ? '' : line(plainText(reason) ?? '');
}

export function readReason(text: string): string | undefined {
  return text === '' ? undefined : unline(text);
}

export function readTime(text: string): number | undefined {
  return text === '' ? undefined : Number(text);
}

/** Sixteen digits that order as text like the times themselves; the same as in `lua/prelude.ts`. */
export function sortable(time: number): string {
  return String(Math.trunc(time) + 1e15).padStart(16, '0');
}
