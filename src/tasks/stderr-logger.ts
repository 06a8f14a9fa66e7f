import { inspect } from 'node:util';
import type { Logger } from '../core/logger.ts';

/** Warnings and errors to standard error, nothing else: what an app writes to if it is given no logger. */
export const stderrLogger: Logger = {
  debug() {},
  info() {},
  warn: (facts, message) => write(facts, message),
  error: (facts, message) => write(facts, message),
};

function write(facts: object, message: string): void {
  process.stderr.write(`punctual: ${message} ${inspect(facts, { breakLength: Number.POSITIVE_INFINITY })}\n`);
}
