import { setTimeout as sleep } from 'node:timers/promises';

/** Tasks are plain functions. Loaded by `app.load`, each runs in a worker thread, under the name `shop.<export>`. */
export async function pack(order: number): Promise<string> {
  await sleep(200);
  return `order ${order}, packed by process ${process.pid}`;
}

export function weigh(parcels: readonly string[]): number {
  return parcels.length * 250;
}
