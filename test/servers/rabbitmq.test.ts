import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { startRabbitmq } from './rabbitmq.ts';
import { describeOn } from './suite.ts';

describeOn('a private RabbitMQ', await startRabbitmq(), (server) => {
  test('answers the AMQP 0-9-1 greeting with a method frame on channel 0', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write('AMQP\u0000\u0000\u0009\u0001', 'latin1');
    const [answer]: unknown[] = await once(socket, 'data');
    socket.destroy();
    expect(Buffer.isBuffer(answer) && [...answer.subarray(0, 3)]).toEqual([1, 0, 0]);
  });
});
