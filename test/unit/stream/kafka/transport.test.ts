import assert from 'node:assert/strict';
import dns from 'node:dns';
import type { Socket } from 'node:net';
import { mock, test } from 'node:test';
import { inspect } from 'node:util';
import Connection from 'kafkajs/src/network/connection.js';
import { SealstreamError } from '../../../../ledger/error.js';
import {
  type BrokerConnection,
  openConnection,
} from '../../../../stream/kafka/connection/connection.js';
import { openKafka } from '../../../../stream/kafka/kafka.js';
import { until } from '../../../support/until.js';
import {
  frame,
  type HostileBroker,
  type ReceivedRequest,
  startHostileBroker,
} from './fake-broker.js';

const REQUEST = {
  apiKey: 3,
  apiName: 'Metadata',
  apiVersion: 12,
  flexible: true,
  body: Uint8Array.of(1, 2, 3),
  timeoutMs: 5_000,
};

type Found = (error: null, addresses: readonly { address: string; family: number }[]) => void;
type Answer = (socket: Socket, request: ReceivedRequest) => void;

async function withBroker(
  answer: Answer,
  use: (connection: BrokerConnection, broker: HostileBroker) => Promise<void>,
): Promise<void> {
  const broker = await startHostileBroker(answer, [[3, 0, 13]]);
  const connection = openConnection(
    { nodeId: -1, host: '127.0.0.1', port: broker.port },
    { clientId: 'test', security: {}, logger: null, maxResponseBytes: 1_000 },
  );
  try {
    await use(connection, broker);
  } finally {
    connection.close();
    await broker.close();
  }
}

const code = (expected: string) => (error: unknown) =>
  error instanceof SealstreamError && error.code === expected;

test('kafkajs has the connection class that transport.ts extends', () => {
  const methods = [
    ...['connect', 'disconnect', 'isConnected', 'isAuthenticated', 'authenticate', 'setVersions'],
    ...['setSupportAuthenticationProtocol', 'failIfNotConnected', 'nextCorrelationId'],
    ...['processData', 'rejectRequests'],
  ];
  for (const method of methods) {
    assert.equal(typeof Reflect.get(Connection.prototype, method), 'function', method);
  }
  const silent = {
    namespace: () => silent,
    debug() {},
    info() {},
    warn() {},
    error() {},
  };
  const connection = new Connection({
    host: 'localhost',
    port: 9092,
    logger: silent,
    socketFactory: () => {
      throw new Error('not used');
    },
    clientId: 'shape',
    ssl: null,
    sasl: null,
    connectionTimeout: 1,
    requestTimeout: 1,
  });
  assert.equal(connection.broker, 'localhost:9092');
  assert.equal(connection.clientId, 'shape');
  for (const method of ['push', 'fulfillRequest', 'destroy']) {
    assert.equal(typeof Reflect.get(connection.requestQueue, method), 'function', method);
  }
});

test('a flexible request carries an empty tag section and a response loses its own', async () => {
  await withBroker(
    (socket, request) => socket.write(frame(request.correlationId, Uint8Array.of(0, 7, 8))),
    async (connection, broker) => {
      assert.deepEqual(
        [...(await connection.versions(5_000))],
        [[3, { minVersion: 0, maxVersion: 13 }]],
      );
      assert.deepEqual([...(await connection.request(REQUEST))], [7, 8]);
      const [received] = broker.requests;
      assert.deepEqual(
        { key: received?.apiKey, version: received?.apiVersion, id: received?.clientId },
        { key: 3, version: 12, id: 'test' },
      );
      assert.deepEqual([...(received?.rest ?? [])], [0, 1, 2, 3]);
    },
  );
});

test('responses are put together from single bytes and taken apart from one chunk', async () => {
  const waiting: ReceivedRequest[] = [];
  await withBroker(
    (socket, request) => {
      waiting.push(request);
      if (waiting.length < 2) return;
      const frames = waiting.map((each, index) =>
        frame(each.correlationId, Uint8Array.of(0, 40 + index)),
      );
      const bytes = Buffer.concat(frames);
      socket.setNoDelay(true);
      socket.write(bytes.subarray(0, 3));
      setImmediate(() => {
        socket.write(bytes.subarray(3, 4));
        setImmediate(() => socket.write(bytes.subarray(4)));
      });
    },
    async (connection) => {
      const both = await Promise.all([connection.request(REQUEST), connection.request(REQUEST)]);
      assert.deepEqual(
        both.map((bytes) => [...bytes]),
        [[40], [41]],
      );
    },
  );
});

for (const [what, prefix] of [
  ['negative', [0xff, 0xff, 0xff, 0xfc]],
  ['shorter than its correlation id', [0, 0, 0, 3]],
  ['larger than the limit', [0, 0, 3, 0xe9]],
  ['HTTP', [...Buffer.from('HTTP/1.1 400')]],
] as const) {
  test(`a response with a length that is ${what} ends the connection, not the process`, async () => {
    await withBroker(
      (socket) => socket.write(Uint8Array.from(prefix)),
      async (connection) => {
        await assert.rejects(connection.request(REQUEST), code('unreachable'));
      },
    );
  });
}

for (const [what, offset] of [
  ['an answer to another request', 1000],
  ['an answer out of turn', 1],
] as const) {
  test(`${what} ends the connection, at once and not by a time limit`, async () => {
    await withBroker(
      (socket, { correlationId }) =>
        socket.write(frame(correlationId + offset, Uint8Array.of(0, 1))),
      async (connection) => {
        const requests = [connection.request(REQUEST), connection.request(REQUEST)];
        for (const request of requests) await assert.rejects(request, code('unreachable'));
      },
    );
  });
}

test('a lost connection rejects what is under way and is opened anew', async () => {
  await withBroker(
    (socket, request) => {
      if (request.apiVersion === 12) socket.destroy();
      else socket.write(frame(request.correlationId, Uint8Array.of(0, 9)));
    },
    async (connection, broker) => {
      await assert.rejects(connection.request(REQUEST), code('unreachable'));
      assert.deepEqual([...(await connection.request({ ...REQUEST, apiVersion: 11 }))], [9]);
      assert.equal(broker.connections, 2);
    },
  );
});

test('no answer is a timeout; it gives up the connection and the requests behind', async () => {
  await withBroker(
    () => {},
    async (connection, broker) => {
      const first = connection.request({ ...REQUEST, timeoutMs: 50 });
      const second = connection.request(REQUEST);
      await assert.rejects(first, code('timeout'));
      await assert.rejects(second, code('unreachable'));
      await assert.rejects(connection.request({ ...REQUEST, timeoutMs: 50 }), code('timeout'));
      // The broker may learn of a connection only after it was given up.
      await until(() => broker.connections >= 2);
      assert.equal(broker.connections, 2);
    },
  );
});

test('closing rejects what is under way, and later requests', async () => {
  await withBroker(
    () => {},
    async (connection) => {
      const request = connection.request(REQUEST);
      await connection.versions(5_000);
      connection.close();
      await assert.rejects(request, code('unreachable'));
      await assert.rejects(connection.request(REQUEST), code('closed'));
    },
  );
});

test('a name is looked up anew for every connection', async () => {
  const answer: Answer = (socket, { correlationId }) =>
    socket.write(frame(correlationId, Uint8Array.of(0, 9)));
  const first = await startHostileBroker(answer);
  const second = await startHostileBroker(answer, [], { host: '127.0.0.2', port: first.port });
  let address = '127.0.0.1';
  const lookup = mock.method(dns, 'lookup', ((_name: string, _options: object, done: Found) =>
    done(null, [{ address, family: 4 }])) as unknown as typeof dns.lookup);
  const connection = openConnection(
    { nodeId: -1, host: 'broker.example.com', port: first.port },
    { clientId: 'test', security: {}, logger: null },
  );
  try {
    await connection.request(REQUEST);
    address = '127.0.0.2';
    await first.close();
    connection.reset();
    await connection.request(REQUEST);
    assert.equal(second.requests.length > 0, true);
  } finally {
    lookup.mock.restore();
    connection.close();
    await second.close();
  }
});

test('a refused connection is unreachable', async () => {
  const broker = await startHostileBroker(() => {});
  await broker.close();
  const connection = openConnection(
    { nodeId: -1, host: '127.0.0.1', port: broker.port },
    { clientId: 'test', security: {}, logger: null },
  );
  await assert.rejects(connection.request(REQUEST), code('unreachable'));
  connection.close();
});

test('a client key that is none is a configuration error, not an outage', async () => {
  const kafka = { tls: { cert: 'none', key: 'none' } };
  await assert.rejects(openKafka('kafka://127.0.0.1:1', { kafka }), code('configuration'));
});

test('a client key that cannot be read is named and not shown', async () => {
  const secret = Buffer.from('what nobody may see in a log').toString('base64');
  const key = `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`;
  const error: unknown = await openKafka('kafka://127.0.0.1:1', { kafka: { tls: { key } } }).then(
    () => assert.fail('it was taken'),
    (thrown: unknown) => thrown,
  );
  const shown = inspect(error, { depth: 20, showHidden: true });
  assert.match(shown, /kafka\.tls: ca, cert and key/);
  assert.ok(!shown.includes(secret) && !shown.includes('nobody may see'), shown);
});
