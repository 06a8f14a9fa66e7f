import type { Cluster, Redis } from 'ioredis';
import type { Cancel } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';

type Wake = (time?: number) => void;

/**
 * Hears what other processes announce. It only makes things faster: whatever is missed, a look every `pollInterval` finds.
 *
 *     "<who sends> <epoch milliseconds>"
 */
export class WakeChannel {
  readonly #self: string;
  readonly #listeners = new Set<Wake>();
  #subscriber: Redis | Cluster | undefined;

  /** @param self whose messages are not heard */
  constructor(self: string) {
    this.#self = self;
  }

  listen(wake: Wake): Cancel {
    this.#listeners.add(wake);
    return () => this.#listeners.delete(wake);
  }

  /** Subscribes, now or whenever the server is there. */
  start(subscriber: Redis | Cluster, channel: string, logger: Logger): void {
    this.#subscriber = subscriber;
    subscriber.on('error', (error: Error) => logger.debug({ error }, 'the connection to Redis that listens failed'));
    subscriber.on('message', (_channel: string, message: string) => this.#hear(message));
    // What was said while it was away was not heard.
    subscriber.on('ready', () => this.#tell(undefined));
    subscriber.subscribe(channel).catch((error: unknown) => {
      if (this.#subscriber === subscriber) logger.warn({ error, channel }, 'cannot subscribe in Redis; looking every pollInterval instead');
    });
  }

  stop(): void {
    this.#subscriber?.disconnect();
    this.#subscriber = undefined;
  }

  #hear(message: string): void {
    const [sender, time] = message.split(' ');
    if (sender === this.#self) return;
    const at = Number(time);
    this.#tell(Number.isFinite(at) ? at : undefined);
  }

  #tell(time: number | undefined): void {
    for (const wake of this.#listeners) {
      if (time === undefined) wake();
      else wake(time);
    }
  }
}
