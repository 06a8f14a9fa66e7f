import { threadId } from 'node:worker_threads';

/** Stands for work that would hold up the event loop: it runs in a worker thread, and what it prints reaches the same terminal. */
export function thumbnail(name: string): string {
  let checksum = 0;
  for (let pixel = 0; pixel < 20_000_000; pixel += 1) checksum = (Math.imul(checksum, 31) + pixel) | 0;
  console.log(`         thread ${threadId}: made a thumbnail of ${name}, checksum ${checksum}`);
  return name;
}
