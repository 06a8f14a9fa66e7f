import type { Awaitable } from '../core/store.ts';

/** What stands in the place of an answer that failed. */
export class Failure {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

interface Part<Item, Answer> {
  readonly items: readonly Item[];
  readonly answer: Awaitable<Answer | Failure>;
}

/** Sends a list in parts, all at once, so that who waits for the first can go on while the others are under way. */
export function inParts<Item, Answer>(
  list: readonly Item[],
  size: number,
  send: (items: readonly Item[]) => Awaitable<Answer>,
): readonly Part<Item, Answer>[] {
  const parts: Part<Item, Answer>[] = [];
  for (let from = 0; from < list.length; from += size) {
    const items = list.slice(from, from + size);
    parts.push({ items, answer: sent(items, send) });
  }
  return parts;
}

/** A failure is looked at when its turn has come, which may be later. */
function sent<Item, Answer>(items: readonly Item[], send: (items: readonly Item[]) => Awaitable<Answer>): Awaitable<Answer | Failure> {
  try {
    const answer = send(items);
    return answer instanceof Promise ? answer.catch((error: unknown) => new Failure(error)) : answer;
  } catch (error) {
    return new Failure(error);
  }
}
