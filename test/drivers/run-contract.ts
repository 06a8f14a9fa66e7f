/**
 * The store contract on SQLite through one driver, for drivers that the test suite cannot count on: the name of a package or the path of
 * one, by default the one that comes with Node 24.
 *
 *   node test/drivers/run-contract.ts [node:sqlite]
 *   npm --prefix test/drivers/better-sqlite3 ci && npm --prefix test/drivers/better-sqlite3 test
 */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { SqliteDialect } from 'kysely';
import { openSqlite } from '../../src/stores/sql/sqlite-driver.ts';
import { storeContract } from '../../src/testing/store-contract.ts';
import { handTimed } from '../stores/sql-under-test.ts';

const [given = 'node:sqlite'] = process.argv.slice(2);
const driver = given.startsWith('.') ? resolve(given) : given;
const directory = await mkdtemp(join(tmpdir(), 'punctual-driver-'));
const file = join(directory, 'contract.db');
const laws = storeContract({
  create: async (options) => handTimed({ dialect: new SqliteDialect({ database: async () => openSqlite(file, [driver]) }) }, options),
});
let broken = 0;
for (const law of laws) {
  try {
    await law.run();
  } catch (error) {
    broken += 1;
    console.error(`broken: ${law.name}\n${error instanceof Error ? error.stack : String(error)}`);
  }
}
rmSync(directory, { recursive: true });
console.log(`${given} on Node ${process.version}: ${laws.length - broken} of ${laws.length} laws hold`);
process.exitCode = broken === 0 ? 0 : 1;
