import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Cluster } from '../../stream/kafka/connection/cluster.js';
import { openKafka } from '../../stream/kafka/kafka.js';
import { ownPartitions } from '../../stream/kafka/ownership.js';
import type { Ownership } from '../../stream/stream.js';
import {
  addresses,
  batchOf,
  type Fixture,
  offsetOf,
  withTopic,
} from '../support/append-fixture.js';
import { clusterTest, kafkaTest } from '../support/kafka.js';
import { withAdmin } from '../support/kafka-admin.js';
import { newTopic } from '../support/kafka-reading.js';
import { until } from '../support/ledger-desk.js';

const WORKER = fileURLToPath(new URL('../support/closing-worker.js', import.meta.url));
const PATIENCE_MS = 180_000;

/** A process that uses all of a stream, closes it and must then end by itself. */
async function leftOpen(bootstrap: string, topic: string): Promise<string> {
  const words = [WORKER, `kafka://${bootstrap}`, topic];
  const { stdout } = await promisify(execFile)(process.execPath, words, { timeout: PATIENCE_MS });
  return stdout;
}

kafkaTest('a stream that was closed leaves no socket and no timer', (bootstrap) =>
  withTopic(bootstrap, {}, async ({ topic }) => {
    assert.equal(await leftOpen(bootstrap, topic.topic), '[]');
  }),
);

kafkaTest('some brokers of the list are dead, one of them silently', (bootstrap) =>
  withTopic(bootstrap, {}, async ({ topic }) => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => sockets.add(socket.on('error', () => {})));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    assert.ok(address !== null && typeof address === 'object');
    try {
      const dead = `127.0.0.1:1,127.0.0.1:${address.port},no-such-host.invalid:9092`;
      assert.equal(await leftOpen(`${dead},${bootstrap}`, topic.topic), '[]');
      assert.ok(sockets.size > 0);
    } finally {
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  }),
);

kafkaTest('an appender that was closed is kept by nobody', (bootstrap) =>
  withTopic(bootstrap, {}, async ({ cluster, open }) => {
    for (let round = 0; round < 3; round++) {
      const appender = await open();
      assert.equal(cluster.parts.size, 1);
      assert.equal(offsetOf(await appender.append(0, batchOf('x'))), BigInt(round));
      await appender.close();
      assert.equal(cluster.parts.size, 0);
    }
  }),
);

kafkaTest('a cluster closed while it joins a group leaves no member behind', (bootstrap) => {
  const warned: string[] = [];
  const note = (_: object, message: string): void => {
    warned.push(message);
  };
  const logger = { debug: () => {}, info: () => {}, warn: note, error: note };
  const settings = { security: {}, timeoutMs: 30_000, logger };
  const own = new Cluster({ ...settings, bootstrap: addresses(bootstrap) });
  const body = async ({ cluster, topic }: Fixture): Promise<void> => {
    const group = `closing-${randomUUID()}`;
    const onChange = () => {};
    const onError = (error: Error) => assert.fail(error);
    const refused = assert.rejects(ownPartitions(cluster, topic, { group, onChange, onError }), {
      code: 'closed',
    });
    // Then kafkajs has begun, and is far from done.
    let ended = false;
    const end = (): void => {
      ended = true;
    };
    refused.then(end, end);
    while (cluster.parts.size === 0 && !ended) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    await cluster.close();
    await refused;
    assert.equal(cluster.parts.size, 0);
    const members = async (): Promise<number | undefined> => {
      const { groups } = await withAdmin(bootstrap, (admin) => admin.describeGroups([group]));
      return groups[0]?.members.length;
    };
    // One that cannot leave in time says so, and is taken out of the group when its session ends.
    if ((await members()) !== 0) assert.match(warned.join('\n'), /not left in time/);
    await until('nobody is in the group', async () => (await members()) === 0);
  };
  return withTopic(bootstrap, {}, body, own);
});

clusterTest(
  'a group whose broker is silent is left nevertheless',
  { nodes: 1 },
  async (cluster) => {
    // Longer than a test may take: a request waits for its answer for all of it.
    const stream = await openKafka(`kafka://${cluster.bootstrap}`, { timeoutMs: 3_600_000 });
    const topic = await newTopic(stream);
    const onError = (error: Error) => assert.fail(error);
    const ownership = await new Promise<Ownership>((resolve, reject) => {
      const joined = stream.own(topic, {
        group: `silent-${randomUUID()}`,
        onChange: () => joined.then(resolve, reject),
        onError,
      });
    });
    cluster.node(1).freeze();
    await ownership.close();
    cluster.node(1).thaw();
    await stream.close();
  },
);
