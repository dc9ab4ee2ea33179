import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { SealstreamError } from '../../ledger/error.js';
import { openKafka } from '../../stream/kafka/kafka.js';
import type { Stream } from '../../stream/stream.js';
import { append } from '../contract/stream.contract.js';
import { clusterTest, SCRAM_USERS } from '../support/kafka.js';
import { errorCodes, newTopic, pollUntil, record, values } from '../support/kafka-reading.js';

async function using(url: string, use: (stream: Stream) => Promise<void>): Promise<void> {
  const stream = await openKafka(url);
  try {
    await use(stream);
  } finally {
    await stream.close();
  }
}

const isRetry = (error: unknown) => error instanceof SealstreamError && error.class === 'retry';

test('unreachable brokers are an error of class retry from every call', async () => {
  const stream = await openKafka('kafka://127.0.0.1:1,127.0.0.1:2', { timeoutMs: 1_000 });
  const topic = { topic: 'audit', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' };
  await assert.rejects(stream.describe('audit'), isRetry);
  await assert.rejects(stream.reader(topic), isRetry);
  const settings = new Map<string, string>();
  const specification = { topic: 'audit', partitions: 1, replication: 1, settings };
  await assert.rejects(stream.createTopic(specification), isRetry);
  const [bounds] = await stream.bounds(topic, [0]);
  assert.ok(isRetry(bounds));
  await stream.close();
});

clusterTest('one broker: freeze, restart, disk', { nodes: 1 }, async (cluster) => {
  const node = cluster.node(1);
  const url = `kafka://${cluster.bootstrap}`;
  await using(url, async (stream) => {
    const topic = await newTopic(stream);
    await append(stream, topic, 0, [['a', 'b'].map(record)]);

    // A frozen broker accepts connections and answers nothing.
    const impatient = await openKafka(url, { timeoutMs: 6_000 });
    const reader = await impatient.reader(topic);
    reader.seek({ partition: 0, offset: 0n });
    await pollUntil(reader, (all) => values(all).length === 2);
    node.freeze();
    const stalled = await pollUntil(reader, (all) => errorCodes(all).length > 0, {
      withRetries: true,
    });
    assert.ok(stalled.every(({ error }) => error === null || error.class === 'retry'));
    await assert.rejects(impatient.describe(topic.topic), isRetry);
    node.thaw();
    await append(stream, topic, 0, [[record('c')]]);
    const third = await pollUntil(reader, (all) => values(all).length > 0);
    assert.deepEqual(values(third), ['c']);
    // A broker that was frozen for so long that the controller fenced it leads in a new epoch.
    const end = third.at(-1)?.next.lastEpoch === 0 ? 3 : 2;

    // A restart raises the leader epoch.
    await node.stop();
    await node.start();
    await append(stream, topic, 0, [['d', 'e', 'f'].map(record)]);
    assert.deepEqual(values(await pollUntil(reader, (all) => values(all).length === 3)), [
      ...['d', 'e', 'f'],
    ]);
    reader.seek({ partition: 0, offset: 5n, lastEpoch: 0 });
    const diverged = await pollUntil(reader, (all) => errorCodes(all).length > 0);
    assert.deepEqual(errorCodes(diverged), ['log-diverged']);
    assert.deepEqual(values(diverged), []);
    assert.match(diverged.at(-1)?.error?.message ?? '', new RegExp(`epoch 0, offset ${end}\\)`));
    await impatient.close();

    // The broker hands out what is on its disk without looking at the CRC.
    await node.stop();
    const segment = join(node.logDir, `${topic.topic}-0`, '00000000000000000000.log');
    const bytes = await readFile(segment);
    const at = bytes.lastIndexOf(Buffer.from('e'));
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    await writeFile(segment, bytes);
    await node.start();
    const again = await stream.reader(topic);
    again.seek({ partition: 0, offset: 0n });
    const corrupt = await pollUntil(again, (all) => errorCodes(all).length > 0);
    assert.deepEqual(errorCodes(corrupt), ['batch-corrupt']);
    assert.deepEqual(values(corrupt), ['a', 'b', 'c']);
    assert.match(corrupt.at(-1)?.error?.message ?? '', /partition 0 batch at offset 3/);
    assert.equal(corrupt.at(-1)?.next.offset, 3n);
    await again.close();
  });
});

clusterTest('three brokers: reading goes on over killed leaders', { nodes: 3 }, async (cluster) => {
  await using(`kafka://${cluster.bootstrap}`, async (stream) => {
    const topic = await newTopic(stream, { partitions: 6, replication: 3 });
    const partitions = [0, 1, 2, 3, 4, 5];
    const reader = await stream.reader(topic);
    const expected = new Map<number, string[]>(partitions.map((partition) => [partition, []]));
    const seen = new Map<number, string[]>(partitions.map((partition) => [partition, []]));
    for (const partition of partitions) reader.seek({ partition, offset: 0n });
    const round = async (name: string) => {
      for (const partition of partitions) {
        const texts = [`${name}.${partition}.a`, `${name}.${partition}.b`];
        expected.get(partition)?.push(...texts);
        await append(stream, topic, partition, [texts.map(record)]);
      }
      await pollUntil(reader, (all) => {
        const counts = partitions.map((partition) => values(all, partition).length);
        if (counts.some((count) => count < 2)) return false;
        for (const partition of partitions) seen.get(partition)?.push(...values(all, partition));
        return true;
      });
    };
    await round('all');
    for (const id of [1, 2]) {
      await cluster.node(id).kill();
      await round(`without-${id}`);
      await cluster.node(id).start();
      await round(`with-${id}`);
    }
    assert.deepEqual(seen, expected);
    await reader.close();
  });
});

clusterTest('SCRAM and ACLs', { scram: true }, async (cluster) => {
  const url = `kafka://${cluster.scramBootstrap}`;
  const [admin, , , auditor] = SCRAM_USERS;
  assert.ok(admin !== undefined && auditor !== undefined);
  const open = (user: { name: string; password: string }) => {
    const logged: string[] = [];
    const write = (fields: object, message: string) => {
      logged.push(JSON.stringify(fields) + message);
    };
    const logger = { debug: write, info: write, warn: write, error: write };
    const sasl = { mechanism: 'scram-sha-512', username: user.name, password: user.password };
    const options = { kafka: { sasl: { ...sasl, mechanism: 'scram-sha-512' as const } }, logger };
    return openKafka(url, options).then((stream) => ({ stream, logged }));
  };
  const { stream, logged } = await open(admin);
  const topic = await newTopic(stream);
  await append(stream, topic, 0, [[record('a')]]);
  const ownership = await stream.own(topic, {
    group: topic.topic,
    onChange: () => {},
    onError: (error) => assert.fail(error),
  });
  await ownership.close();
  await stream.close();

  const stranger = await open(auditor);
  await assert.rejects(stranger.stream.describe(topic.topic), { code: 'unauthorized' });
  await stranger.stream.close();
  const wrong = await open({ name: admin.name, password: 'not-the-password' });
  await assert.rejects(wrong.stream.describe(topic.topic), { code: 'unauthorized' });
  await wrong.stream.close();
  for (const line of [...logged, ...stranger.logged, ...wrong.logged]) {
    assert.doesNotMatch(line, /-password/);
  }
});
