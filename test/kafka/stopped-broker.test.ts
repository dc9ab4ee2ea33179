import assert from 'node:assert/strict';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openStream } from '../../stream/open.js';
import type { Stream, TopicDescription } from '../../stream/stream.js';
import { append, readAll } from '../contract/stream.contract.js';
import { clusterTest } from '../support/kafka.js';
import { withAdmin } from '../support/kafka-admin.js';
import { record } from '../support/kafka-reading.js';

/** What both streams must say alike of a topic. */
async function shown(stream: Stream, topic: TopicDescription): Promise<unknown> {
  const { topicId, partitions } = (await stream.describe(topic.topic)) ?? {};
  const all = Array.from({ length: topic.partitions }, (_, partition) => partition);
  const bounds = await stream.bounds(topic, all);
  const records = [];
  for (const partition of all) {
    const from = bounds[partition];
    assert.ok(from && 'logStart' in from);
    for (const { offset, timestamp, timestampType, body } of await readAll(
      stream,
      topic,
      partition,
      from.logStart,
    )) {
      records.push([
        partition,
        offset,
        timestamp,
        timestampType,
        Buffer.from(body).toString('hex'),
      ]);
    }
  }
  return { topicId, partitions, bounds, records };
}

async function sizes(folder: string): Promise<[string, number][]> {
  const names = (await readdir(folder, { recursive: true })).sort();
  return Promise.all(
    names.map(async (name) => [name, (await stat(join(folder, name))).size] as [string, number]),
  );
}

clusterTest(
  "a stopped broker's log directory shows what the broker showed",
  { nodes: 1 },
  async (cluster) => {
    const { bootstrap } = cluster;
    const kafka = await openStream(`kafka://${bootstrap}`);
    const settings = new Map([['message.timestamp.type', 'LogAppendTime']]);
    const specification = { topic: 'audit', partitions: 3, replication: 1, settings };
    assert.equal(await kafka.createTopic(specification), true);
    let topic = await kafka.describe('audit');
    while (topic === null) {
      await wait(50);
      topic = await kafka.describe('audit');
    }
    const { topic: name } = topic;
    for (let round = 0; round < 20; round += 1) {
      const values = [`a${round}`, `b${round}`, `c${round}`].map(record);
      await append(kafka, topic, round % 2, [values, [record(`d${round}`)]]);
    }
    await withAdmin(bootstrap, async (admin) => {
      await admin.fetchTopicOffsets(name);
      const partitions = [{ partition: 1, offset: '5' }];
      await admin.deleteTopicRecords({ topic: name, partitions });
    });

    const broker = cluster.node(1);
    const url = `file:${broker.logDir}`;
    await broker.kill();
    // The log start after DeleteRecords is recorded once a minute and at an orderly stop only.
    const killed = await openStream(url);
    const [bounds] = await killed.bounds(topic, [0]);
    assert.deepEqual(bounds, { partition: 0, logStart: 0n, highWatermark: 40n });
    assert.equal((await readAll(killed, topic, 0)).length, 40);
    await killed.close();

    await broker.start();
    const again = await shown(kafka, topic);
    await kafka.close();
    await broker.stop();
    const before = await sizes(broker.logDir);
    const stopped = await openStream(url);
    assert.deepEqual(await shown(stopped, topic), again);
    await assert.rejects(stopped.appender(topic), { code: 'unsupported' });
    await stopped.close();
    assert.deepEqual(await sizes(broker.logDir), before);

    const names = await readdir(broker.logDir);
    assert.ok(names.includes('.kafka_cleanshutdown'), 'the broker stopped in order');
    const recorded = await readFile(join(broker.logDir, 'replication-offset-checkpoint'), 'utf8');
    assert.match(recorded, /^audit 0 40$/m);
    await rm(join(broker.logDir, 'replication-offset-checkpoint'));
    const without = await openStream(url);
    assert.deepEqual(await shown(without, topic), again);
    await without.close();
  },
);
