import { join } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import type { SqlJobStoreOptions } from '../../src/stores/sql/index.ts';
import { storeContract } from '../../src/testing/store-contract.ts';
import { startMariadb } from '../servers/mariadb.ts';
import { startPostgres } from '../servers/postgres.ts';
import { handTimed, temporaryDirectory } from './sql-under-test.ts';

function keepsTheContract(options: SqlJobStoreOptions): void {
  for (const law of storeContract({ create: async (more) => handTimed(options, more) })) it(law.name, law.run);
}

const file = join(await temporaryDirectory(), 'contract.db');
describe('the SQL store on SQLite', () => keepsTheContract({ url: `sqlite:${file}` }));

const postgres = await startPostgres();
if (postgres !== undefined) {
  describe('the SQL store on PostgreSQL', () => {
    afterAll(() => postgres.stop());
    keepsTheContract({ url: postgres.url });
  });
}

const mariadb = await startMariadb();
if (mariadb !== undefined) {
  describe('the SQL store on MariaDB', () => {
    afterAll(() => mariadb.stop());
    keepsTheContract({ url: mariadb.url });
  });
}

const mysql = process.env['PUNCTUAL_MYSQL_URL'];
if (mysql !== undefined) describe('the SQL store on MySQL', () => keepsTheContract({ url: mysql }));
