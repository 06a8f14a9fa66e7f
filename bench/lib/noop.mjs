// The task of the thread benchmark: a module export for punctual, and the answering end of a bare port.
import { isMainThread, parentPort, workerData } from 'node:worker_threads';

export const noop = () => 0;

if (!isMainThread && workerData?.bare) parentPort.on('message', () => parentPort.postMessage(noop()));
