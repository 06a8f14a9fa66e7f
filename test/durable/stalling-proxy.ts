import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export interface StallingProxy {
  readonly port: number;
  /** Resolves once the server has answered a request that matched: that connection passes nothing on, and stays open, as that of a frozen process does. */
  readonly stalled: Promise<void>;
  stop(): void;
}

/** A TCP proxy whose first connection with a request that matches stands still once the server has done it. */
export async function stallingProxy(target: number, pattern: RegExp): Promise<StallingProxy> {
  let stall = (): void => undefined;
  const stalled = new Promise<void>((resolve) => {
    stall = resolve;
  });
  const sockets: { destroy(): unknown }[] = [];
  let isArmed = true;
  const listener = createServer((client) => {
    const server = connect(target, '127.0.0.1');
    let isStill = false;
    sockets.push(client, server);
    client.on('error', () => server.destroy());
    server.on('error', () => client.destroy());
    server.on('data', (bytes) => {
      if (isStill) stall();
      else client.write(bytes);
    });
    client.on('data', (bytes) => {
      if (isStill) return;
      server.write(bytes);
      if (!isArmed || !pattern.test(bytes.toString('latin1'))) return;
      isArmed = false;
      isStill = true;
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    stalled,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      listener.close();
    },
  };
}
