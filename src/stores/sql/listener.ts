import type { Cancel, Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';

export interface ListenerOptions {
  readonly url: string;
  readonly channel: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called with the payload of each notification, and with `''` whenever some may have been missed. */
  heard(payload: string): void;
}

const firstPauseMs = 250;
const longestPauseMs = 10_000;

/**
 * A connection of its own that LISTENs, and is made anew when it is lost. It never keeps the process alive. While it is away the store
 * is looked at every `pollInterval`, so nothing waits for it.
 */
export class Listener {
  readonly #options: ListenerOptions;
  #closed = false;
  #pause = firstPauseMs;
  #cancelRetry: Cancel | undefined;
  #end: (() => Promise<void>) | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /** Resolves when it listens, or has failed for the first time; it goes on by itself. */
  async open(): Promise<void> {
    const { url, channel, heard, logger } = this.#options;
    try {
      const { default: pg } = await import('pg');
      if (this.#closed) return;
      const client = new pg.Client({
        connectionString: url,
        keepAlive: true,
        keepAliveInitialDelayMillis: 10_000,
        connectionTimeoutMillis: 10_000,
      });
      let lost = false;
      const onLost = (error?: Error): void => {
        if (lost) return;
        lost = true;
        this.#end = undefined;
        client.end().catch(() => undefined);
        this.#retry(error);
      };
      client.on('error', onLost);
      client.on('end', () => onLost());
      client.on('notification', (message) => {
        if (message.channel === channel) heard(message.payload ?? '');
      });
      // It has nothing to say at its end, and a server that does not answer would be waited for.
      this.#end = async () => {
        lost = true;
        void client.end().catch(() => undefined);
      };
      try {
        await client.connect();
        await client.query(`listen ${client.escapeIdentifier(channel)}`);
        // Not in its types, but in its manual.
        if ('unref' in client && typeof client.unref === 'function') client.unref();
      } catch (error) {
        onLost(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      this.#pause = firstPauseMs;
      heard('');
    } catch (error) {
      // No driver of that name: the store works without, and looks.
      logger.warn({ err: error }, 'cannot listen to PostgreSQL; looking every pollInterval instead');
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRetry?.();
    await this.#end?.().catch(() => undefined);
    this.#end = undefined;
  }

  #retry(error: Error | undefined): void {
    if (this.#closed) return;
    const { clock, logger } = this.#options;
    logger.debug({ err: error }, `not listening to PostgreSQL; trying again in ${this.#pause} ms`);
    this.#cancelRetry = clock.wakeAfter(this.#pause, () => void this.open());
    this.#pause = Math.min(this.#pause * 2, longestPauseMs);
  }
}
