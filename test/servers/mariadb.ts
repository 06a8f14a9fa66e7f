import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PrivateServer, startServer } from './private-server.ts';

export type MariadbServer = PrivateServer;

export interface MariadbOptions {
  /** Further flags for mariadbd. */
  readonly flags?: readonly string[];
}

/** A private MariaDB: user `punctual` with the password `punctual` and all rights, database `punctual`, durability off. */
export function startMariadb(options: MariadbOptions = {}): Promise<MariadbServer | undefined> {
  return startServer({
    name: 'MariaDB',
    package: 'mariadb-server',
    commands: ['mariadbd', 'mariadb-install-db'],
    account: 'mysql',
    ready: 'ready for connections',
    stopSignal: 'SIGTERM',
    orphanSignal: 'KILL',
    prepare(directory, run) {
      run('mariadb-install-db', [
        ...['--no-defaults', `--datadir=${join(directory, 'data')}`, '--auth-root-authentication-method=normal'],
        // Each server clears away, when it starts, what others have in its folder for temporary files as well.
        ...['--skip-test-db', '--skip-name-resolve', `--tmpdir=${directory}`],
      ]);
      writeFileSync(
        join(directory, 'init.sql'),
        [
          'CREATE DATABASE IF NOT EXISTS punctual;',
          "CREATE USER IF NOT EXISTS 'punctual'@'%' IDENTIFIED BY 'punctual';",
          "GRANT ALL PRIVILEGES ON *.* TO 'punctual'@'%' WITH GRANT OPTION;",
          '',
        ].join('\n'),
      );
    },
    args: (directory, port) => [
      ...['--no-defaults', `--datadir=${join(directory, 'data')}`, `--init-file=${join(directory, 'init.sql')}`],
      ...[`--socket=${join(directory, 'socket')}`, `--pid-file=${join(directory, 'pid')}`],
      `--tmpdir=${directory}`,
      ...['--bind-address=127.0.0.1', `--port=${port}`, '--skip-name-resolve'],
      ...['--innodb-buffer-pool-size=32M', '--innodb-flush-log-at-trx-commit=0', '--innodb-flush-method=nosync', '--skip-log-bin'],
      ...(options.flags ?? []),
    ],
    url: (port) => `mysql://punctual:punctual@127.0.0.1:${port}/punctual`,
  });
}
