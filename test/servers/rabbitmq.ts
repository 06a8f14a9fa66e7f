import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PrivateServer, startServer } from './private-server.ts';

export type RabbitmqServer = PrivateServer;

/** A private RabbitMQ: user `guest`, password `guest`, virtual host `/`, no plugins. It needs a few seconds to start. */
export function startRabbitmq(): Promise<RabbitmqServer | undefined> {
  return startServer({
    name: 'RabbitMQ',
    package: 'rabbitmq-server',
    // The command in Debian's folder is the server itself; the one in PATH changes the account and hides the process.
    commands: ['rabbitmq-server', 'erl'],
    folders: ['/usr/lib/rabbitmq/bin'],
    account: 'rabbitmq',
    ready: 'completed with',
    stopSignal: 'SIGTERM',
    orphanSignal: 'KILL',
    prepare(directory) {
      writeFileSync(join(directory, 'enabled_plugins'), '[].\n');
    },
    args: () => [],
    env: (directory, port) => ({
      RABBITMQ_NODENAME: `punctual-${port}@localhost`,
      RABBITMQ_NODE_PORT: String(port),
      RABBITMQ_DIST_PORT: String(port + 1),
      RABBITMQ_CONF_ENV_FILE: '/dev/null',
      RABBITMQ_CONFIG_FILE: join(directory, 'none'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'enabled_plugins'),
      RABBITMQ_MNESIA_BASE: join(directory, 'mnesia'),
      RABBITMQ_LOG_BASE: join(directory, 'log'),
      RABBITMQ_LOGS: '-',
      // The start script then becomes the server instead of watching it, so that signals reach it.
      RUNNING_UNDER_SYSTEMD: '1',
    }),
    url: (port) => `amqp://guest:guest@127.0.0.1:${port}`,
  });
}
