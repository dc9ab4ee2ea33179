import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import kafkajs from 'kafkajs';
import { FramedSockets } from '../../../../stream/kafka/connection/framed-sockets.js';
import { WireWriter } from '../../../../stream/kafka/protocol/writer.js';
import { frame } from './fake-broker.js';

const CORRELATION_ID_AT = 8;
/** Keys and versions that ApiVersions lists; enough for a response of several halves. */
const KEYS = Array.from({ length: 40 }, (_, key) => key);

function versionsResponse(request: Buffer): Buffer {
  const body = new WireWriter().int16(0);
  body.array(KEYS, (key) => body.int16(key).int16(0).int16(1));
  const correlationId = request.readInt32BE(CORRELATION_ID_AT);
  return Buffer.from(frame(correlationId, body.int32(0).finish()));
}

async function withServer(
  answer: (socket: Socket, response: Buffer) => void,
  use: (client: kafkajs.Kafka) => Promise<void>,
): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (request) => answer(socket, versionsResponse(request)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const client = new kafkajs.Kafka({
    brokers: [`127.0.0.1:${address.port}`],
    logLevel: kafkajs.logLevel.NOTHING,
    socketFactory: new FramedSockets().factory,
    requestTimeout: 2000,
    retry: { retries: 3, initialRetryTime: 10, maxRetryTime: 50 },
  });
  try {
    await use(client);
  } finally {
    server.close();
  }
}

test('of a response in which the connection is lost, nothing is passed on', async () => {
  const whole = versionsResponse(Buffer.alloc(CORRELATION_ID_AT + 4));
  const server = createServer((socket) => {
    socket.end(Buffer.concat([whole, whole.subarray(0, 100)]));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const place = { host: '127.0.0.1', port: address.port, ssl: {}, onConnect: () => {} };
  // kafkajs gives no options where it wants no TLS.
  const socket = new FramedSockets().factory(Object.assign(place, { ssl: null }));
  const passed: Buffer[] = [];
  socket.on('data', (data: Buffer) => passed.push(data));
  await once(socket, 'close');
  server.close();
  assert.deepEqual(passed, [whole]);
});

test('a response in small pieces', async () => {
  const answer = (socket: Socket, response: Buffer): void => {
    for (let at = 0; at < response.length; at += 3) socket.write(response.subarray(at, at + 3));
  };
  await withServer(answer, async (client) => {
    const admin = client.admin();
    await admin.connect();
    await admin.disconnect();
  });
});

for (const length of [-1, 0, 3, 2 ** 31 - 1]) {
  test(`the length ${length} ends the connection, and nothing is thrown`, async () => {
    const answer = (socket: Socket): void => {
      const bytes = Buffer.alloc(64, 0xff);
      bytes.writeInt32BE(length);
      socket.write(bytes);
    };
    await withServer(answer, async (client) => {
      await assert.rejects(client.admin().connect(), { message: /a response of/ });
    });
  });
}
