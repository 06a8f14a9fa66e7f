import type { Socket } from 'node:net';

/**
 * The sockets of a store's own connections. One over which nothing goes either way for `silence` milliseconds is broken: behind a
 * network that swallows all, a statement would else wait for as long as TCP does, which is a quarter of an hour or for ever.
 */
export class Sockets {
  readonly #silence: number;
  readonly #open = new Set<Socket>();
  #isBroken = false;

  constructor(silence: number) {
    this.#silence = silence;
  }

  watch(socket: Socket): Socket {
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    socket.setTimeout(this.#silence, () => socket.destroy(new Error(`the server was silent for ${this.#silence} ms`)));
    // Its owner is about to connect it.
    if (this.#isBroken) queueMicrotask(() => socket.destroy(new Error('the job store was closed')));
    return socket;
  }

  /** Breaks those that are left and those that come, so that they do not keep the process. */
  breakAll(): void {
    this.#isBroken = true;
    for (const socket of this.#open) socket.destroy();
  }
}
