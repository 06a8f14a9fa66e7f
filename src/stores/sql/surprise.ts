import type { Statements } from './statements.ts';

/** Something was not as a short way expects it: what it did is taken back, and the long way is gone. */
export class Surprise extends Error {
  constructor() {
    super('not as expected');
    this.name = 'Surprise';
  }
}

/** What `work` gives, or `undefined` after a surprise, of which a key that is taken is one too. */
export async function unlessSurprised<T>({ isDuplicate }: Statements, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Surprise || isDuplicate(error)) return undefined;
    throw error;
  }
}
