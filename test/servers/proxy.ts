import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy that can fail: it stands between a client and a server and does to the connection what networks do. */
export interface Proxy {
  readonly port: number;
  /** The given URL with this proxy's host and port in place of the server's. */
  urlFor(url: string): string;
  /** Breaks every open connection; new ones pass. */
  cut(): void;
  /** Breaks every open connection and refuses new ones until `restore`. */
  block(): void;
  /** Keeps connections open and passes nothing either way until `restore`: a half-dead network. Held bytes are delivered then. */
  freeze(): void;
  /** Holds each piece back for so many milliseconds, either way; 0 for none. */
  delay(ms: number): void;
  /** Throws away what the server answers until `restore`, while requests still reach it. */
  dropAnswers(): void;
  /**
   * Breaks the connection that next carries a request matching `pattern`, after the server has done it and before its
   * answer gets through: the caller cannot know whether it happened. Resolves when that has come to pass.
   */
  cutAfterRequest(pattern: RegExp): Promise<void>;
  /** Takes back `block`, `freeze`, `delay`, `dropAnswers` and a waiting `cutAfterRequest`. */
  restore(): void;
  stop(): Promise<void>;
}

export interface ProxyTarget {
  readonly port: number;
  /** Default: this machine. */
  readonly host?: string;
}

export async function startProxy(target: ProxyTarget): Promise<Proxy> {
  const proxy = new FaultyProxy(target);
  await proxy.listen();
  return proxy;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Set when the request that `cutAfterRequest` waits for has passed: the next answer is the end. */
  doomed: (() => void) | undefined;
}

class FaultyProxy implements Proxy {
  port = 0;
  readonly #target: ProxyTarget;
  readonly #listener: Server;
  readonly #pairs = new Set<Pair>();
  #blocked = false;
  #frozen = false;
  #dropping = false;
  #delayMs = 0;
  #held: (() => void)[] = [];
  #trap: { readonly pattern: RegExp; readonly sprung: () => void } | undefined;

  constructor(target: ProxyTarget) {
    this.#target = target;
    this.#listener = createServer((client) => this.#join(client));
  }

  async listen(): Promise<void> {
    this.#listener.listen(0, '127.0.0.1');
    await once(this.#listener, 'listening');
    const address = this.#listener.address();
    if (typeof address === 'object' && address !== null) this.port = address.port;
  }

  urlFor(url: string): string {
    const through = new URL(url);
    through.hostname = '127.0.0.1';
    through.port = String(this.port);
    return through.href;
  }

  cut(): void {
    for (const pair of this.#pairs) this.#break(pair);
  }

  block(): void {
    this.#blocked = true;
    this.cut();
  }

  freeze(): void {
    this.#frozen = true;
  }

  delay(ms: number): void {
    this.#delayMs = ms;
  }

  dropAnswers(): void {
    this.#dropping = true;
  }

  cutAfterRequest(pattern: RegExp): Promise<void> {
    return new Promise((resolve) => {
      this.#trap = { pattern, sprung: resolve };
    });
  }

  restore(): void {
    this.#blocked = false;
    this.#frozen = false;
    this.#dropping = false;
    this.#delayMs = 0;
    this.#trap = undefined;
    for (const deliver of this.#held.splice(0)) deliver();
  }

  async stop(): Promise<void> {
    this.#held = [];
    this.block();
    if (!this.#listener.listening) return;
    this.#listener.close();
    await once(this.#listener, 'close');
  }

  #join(client: Socket): void {
    if (this.#blocked) {
      client.destroy();
      return;
    }
    const server = connect(this.#target.port, this.#target.host ?? '127.0.0.1');
    const pair: Pair = { client, server, doomed: undefined };
    this.#pairs.add(pair);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.#break(pair));
      socket.on('close', () => this.#break(pair));
    }
    client.on('data', (bytes) => {
      const trap = this.#trap;
      if (trap?.pattern.test(bytes.toString('latin1'))) {
        this.#trap = undefined;
        pair.doomed = trap.sprung;
      }
      this.#pass(() => server.write(bytes));
    });
    client.on('end', () => this.#pass(() => server.end()));
    server.on('data', (bytes) => {
      if (pair.doomed !== undefined) {
        pair.doomed();
        this.#break(pair);
      } else if (!this.#dropping) {
        this.#pass(() => client.write(bytes));
      }
    });
    server.on('end', () => this.#pass(() => client.end()));
  }

  /** Order is kept: equal delays fire in the order they were set, and held pieces are delivered in theirs. */
  #pass(deliver: () => void): void {
    if (this.#frozen) this.#held.push(deliver);
    else if (this.#delayMs > 0) setTimeout(() => (this.#frozen ? this.#held.push(deliver) : deliver()), this.#delayMs);
    else deliver();
  }

  #break(pair: Pair): void {
    this.#pairs.delete(pair);
    pair.client.destroy();
    pair.server.destroy();
  }
}
