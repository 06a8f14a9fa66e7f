import { join } from 'node:path';
import { afterAll, describe } from 'vitest';
import { startMariadb } from '../servers/mariadb.ts';
import { startPostgres } from '../servers/postgres.ts';
import { sharedCases } from './sql-shared-cases.ts';
import { temporaryDirectory } from './sql-under-test.ts';

const file = join(await temporaryDirectory(), 'shared.db');
describe('stores that share SQLite', () => sharedCases(`sqlite:${file}`));

const postgres = await startPostgres();
if (postgres !== undefined) {
  describe('stores that share PostgreSQL', () => {
    afterAll(() => postgres.stop());
    sharedCases(postgres.url);
  });
}

const mariadb = await startMariadb();
if (mariadb !== undefined) {
  describe('stores that share MariaDB', () => {
    afterAll(() => mariadb.stop());
    sharedCases(mariadb.url);
  });
}

const mysql = process.env['PUNCTUAL_MYSQL_URL'];
if (mysql !== undefined) describe('stores that share MySQL', () => sharedCases(mysql));
