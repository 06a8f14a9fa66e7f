/** A script's answer, read from front to back and checked on the way: it is bytes from outside. */
export class Reply {
  readonly #items: readonly unknown[];
  #next = 0;

  constructor(answer: unknown) {
    if (!Array.isArray(answer)) throw new TypeError(`Redis answered ${typeof answer} where a list was expected`);
    this.#items = answer;
  }

  get done(): boolean {
    return this.#next >= this.#items.length;
  }

  number(): number {
    const item = this.#take();
    if (typeof item !== 'number') throw new TypeError(`Redis answered ${typeof item} where a number was expected`);
    return item;
  }

  text(): string {
    const item = this.#take();
    if (typeof item !== 'string') throw new TypeError(`Redis answered ${typeof item} where a text was expected`);
    return item;
  }

  /** A time, or `undefined` for an empty text. */
  time(): number | undefined {
    const text = this.text();
    return text === '' ? undefined : Number(text);
  }

  #take(): unknown {
    const item = this.#items[this.#next];
    this.#next += 1;
    return item;
  }
}
