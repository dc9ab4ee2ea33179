import assert from 'node:assert/strict';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KafkaAppender } from '../../stream/kafka/produce/kafka-appender.js';
import { KafkaProducePort } from '../../stream/kafka/produce/produce.js';
import type { LostRecords } from '../../stream/stream.js';
import { batchOf, type Fixture, offsetOf, withTopic } from '../support/append-fixture.js';
import { clusterTest } from '../support/kafka.js';
import { until } from '../support/sealer/ledger.js';

const NEVER_MS = 3_600_000;
const PARTITIONS = 3;

async function watched({ cluster, topic }: Fixture, lookMs: number) {
  const lost: LostRecords[] = [];
  const port = new KafkaProducePort(cluster, topic);
  const onLost = (each: LostRecords) => lost.push(each);
  const appender = await KafkaAppender.open(port, topic, { lookMs, onLost });
  const append = async (partition: number, count: number) => {
    let last = -1n;
    for (let index = 0; index < count; index++) {
      last = offsetOf(await appender.append(partition, batchOf(`${index}`)));
    }
    return last;
  };
  const ranges = () => lost.map(({ partition, from, until: end }) => [partition, from, end]);
  return { append, ranges, close: () => appender.close() };
}

/** A disk that has lost what was in a partition, and the producers with it. */
async function empty(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name !== 'partition.metadata') await rm(join(folder, name));
  }
}

clusterTest('a leader that restarts without its records while others write', {}, async (kafka) => {
  await withTopic(kafka.bootstrap, { partitions: PARTITIONS }, async (fixture) => {
    const { topic } = fixture.topic;
    const idle = await watched(fixture, 300);
    const appending = await watched(fixture, NEVER_MS);
    const unharmed = await watched(fixture, 300);
    assert.equal(await idle.append(0, 10), 9n);
    assert.equal(await appending.append(1, 10), 9n);
    assert.equal(await unharmed.append(2, 10), 9n);

    const node = kafka.node(1);
    await node.stop();
    for (const partition of [0, 1]) await empty(join(node.logDir, `${topic}-${partition}`));
    await node.start();
    const others = await fixture.open();
    for (const partition of [0, 1, 2]) {
      for (let index = 0; index < 20; index++) {
        offsetOf(await others.append(partition, batchOf('other')));
      }
    }
    await others.close();

    // It has nothing to append, and learns it nevertheless.
    await until(() => idle.ranges().length > 0, 60_000);
    assert.deepEqual(idle.ranges(), [[0, 0n, 10n]]);
    await idle.close();

    // Acknowledged behind what others wrote; nothing in the answer tells.
    assert.equal(await appending.append(1, 3), 22n);
    assert.deepEqual(appending.ranges(), []);
    await appending.close();
    assert.deepEqual(appending.ranges(), [[1, 0n, 10n]]);

    assert.equal(await unharmed.append(2, 1), 30n);
    await unharmed.close();
    assert.deepEqual(unharmed.ranges(), []);
  });
});
