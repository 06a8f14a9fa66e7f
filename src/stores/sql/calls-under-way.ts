/**
 * The calls that a store is at: a close waits for them, and ends those that nothing else would end. A pool forgets whoever waits for one of its
 * connections when it is closed.
 */
export class CallsUnderWay {
  readonly #rejects: Set<(error: unknown) => void> = new Set();
  #whenOver: (() => void) | undefined;

  run<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#rejects.add(reject);
      const over = (): void => {
        this.#rejects.delete(reject);
        if (this.#rejects.size === 0) this.#whenOver?.();
      };
      const doing = async (): Promise<Answer> => work();
      doing().then(
        (answer) => {
          over();
          resolve(answer);
        },
        (error: unknown) => {
          over();
          reject(error);
        },
      );
    });
  }

  /** Resolves once none is left. */
  async over(): Promise<void> {
    if (this.#rejects.size > 0) await new Promise<void>((resolve) => (this.#whenOver = resolve));
  }

  /** Fails those that are left. */
  giveUp(error: unknown): void {
    for (const reject of this.#rejects) reject(error);
  }
}
