import { StoreError } from '../errors.ts';
import { type EngineContext, tell } from './context.ts';

const FIRST_BACKOFF = 100;
const LONGEST_BACKOFF = 30_000;

/** The failures of one store since it last answered: each is told of, and each makes the wait before the next try longer. */
export class Trouble {
  readonly #engine: EngineContext;
  readonly #jobStore: string;
  #failures = 0;
  #lastError: StoreError | undefined;

  constructor(engine: EngineContext, jobStore: string) {
    this.#engine = engine;
    this.#jobStore = jobStore;
  }

  get failures(): number {
    return this.#failures;
  }

  /** Stays when it is over. */
  get lastError(): Error | undefined {
    return this.#lastError;
  }

  /** How long to wait before the next try, in milliseconds. */
  get backoff(): number {
    return Math.min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** Math.min(this.#failures - 1, 20));
  }

  note(operation: string, error: unknown): void {
    const jobStore = this.#jobStore;
    const wrapped = error instanceof StoreError ? error : new StoreError(jobStore, operation, error);
    this.#failures += 1;
    this.#lastError = wrapped;
    this.#engine.logger.warn({ jobStore, operation, failures: this.#failures, err: wrapped }, 'a job store failed; it is tried again');
    tell(this.#engine, 'storeError', () => ({ jobStore, operation, error: wrapped }));
  }

  /** Answers whether there was any. */
  end(): boolean {
    if (this.#failures === 0) return false;
    this.#failures = 0;
    this.#engine.logger.info({ jobStore: this.#jobStore }, 'the job store answers again');
    return true;
  }
}
