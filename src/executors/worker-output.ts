import type { MessagePort } from 'node:worker_threads';
import { type FromWorker, fromWorker } from './worker-protocol.ts';

interface Chunk {
  readonly chunk: string | Uint8Array;
  readonly encoding: BufferEncoding;
}

type Done = (error?: Error | null) => void;

/**
 * Sends this thread's stdout and stderr the way its results go. Left to itself, such a stream waits for an answer
 * after each chunk, so that what a busy task printed before it was ended would be lost; here everything that was
 * written is on its way when `write` returns, and arrives before the result of the run that wrote it.
 */
export function sendOutput(port: MessagePort): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const send = ({ chunk, encoding }: Chunk): void => {
      // A small buffer is a window on a large one, all of which would be cloned.
      const sent = typeof chunk !== 'string' ? Uint8Array.from(chunk) : encoding === 'utf8' ? chunk : Buffer.from(chunk, encoding);
      const message: FromWorker = [fromWorker.output, name, sent];
      port.postMessage(message);
    };
    // Node keeps a hold on its own stream, so its two methods are replaced and not the stream.
    Object.assign(process[name], {
      _write(chunk: Chunk['chunk'], encoding: BufferEncoding, done: Done): void {
        send({ chunk, encoding });
        done();
      },
      _writev(chunks: readonly Chunk[], done: Done): void {
        chunks.forEach(send);
        done();
      },
    });
  }
}
