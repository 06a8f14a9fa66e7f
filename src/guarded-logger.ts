import type { Logger } from './core/logger.ts';

/** The logger in a form that never throws, as a full disk must not stop the jobs: that it failed is told to `fallback`. */
export function guardedLogger(logger: Logger, fallback: Logger): Logger {
  const guard =
    (level: keyof Logger) =>
    (facts: object, message: string): void => {
      try {
        logger[level](facts, message);
      } catch (error) {
        fallback.error({ err: error }, `the logger failed at: ${message}`);
      }
    };
  return { debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') };
}
