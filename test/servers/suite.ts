import { afterAll, describe } from 'vitest';
import type { PrivateServer } from './private-server.ts';

/**
 * A suite on a server of its own, which is stopped at the end:
 *
 *     describeOn('SqlJobStore on PostgreSQL', await startPostgres(), (server) => { test(...) });
 *
 * Where the server is not installed the suite is left out; `startServer` has said so.
 */
export function describeOn<Started extends PrivateServer>(
  name: string,
  server: Started | undefined,
  define: (server: Started) => void,
): void {
  if (server === undefined) {
    describe.skip(name, () => {});
    return;
  }
  describe(name, () => {
    afterAll(() => server.stop());
    define(server);
  });
}
