import type { Logger } from './core/logger.ts';
import { reasonOf } from './errors.ts';

/** The logger in a form that never throws nor rejects, as a full disk must not stop the jobs: that it failed is told in plain text. */
export function guardedLogger(logger: Logger, tell: (text: string) => void): Logger {
  const guard =
    (level: keyof Logger) =>
    (facts: object, message: string): void => {
      const failed = (error: unknown): void => tell(`punctual: the logger failed at: ${message} (${reasonOf(error)})`);
      try {
        // Who is given as a logger may be asynchronous for all its type says.
        const answer: unknown = logger[level](facts, message);
        if (answer instanceof Promise) answer.catch(failed);
      } catch (error) {
        failed(error);
      }
    };
  return { debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') };
}
