import assert from 'node:assert/strict';
import { openKafka } from '../../stream/kafka/kafka.js';
import type { Fetched, Stream } from '../../stream/stream.js';
import { append, readAll } from '../contract/stream.contract.js';
import { kafkaTest } from '../support/kafka.js';
import { kafkajsClient, withAdmin } from '../support/kafka-admin.js';
import { errorCodes, newTopic, pollUntil, record, values } from '../support/kafka-reading.js';

function streamTest(
  name: string,
  body: (stream: Stream, bootstrap: string) => Promise<void>,
): void {
  kafkaTest(name, async (bootstrap) => {
    const stream = await openKafka(`kafka://${bootstrap}`);
    try {
      await body(stream, bootstrap);
    } finally {
      await stream.close();
    }
  });
}

const failed = (all: readonly Fetched[]) => errorCodes(all).length > 0;

streamTest(
  'after DeleteRecords the log starts in the middle of a batch',
  async (stream, bootstrap) => {
    const topic = await newTopic(stream);
    await append(stream, topic, 0, [['a', 'b', 'c'].map(record), [record('d')]]);
    const partitions = [{ partition: 0, offset: '2' }];
    await withAdmin(bootstrap, async (admin) => {
      // Loads the metadata that deleteTopicRecords expects to be there.
      await admin.fetchTopicOffsets(topic.topic);
      await admin.deleteTopicRecords({ topic: topic.topic, partitions });
    });
    assert.deepEqual(await stream.bounds(topic, [0]), [
      { partition: 0, logStart: 2n, highWatermark: 4n },
    ]);
    const reader = await stream.reader(topic);
    reader.seek({ partition: 0, offset: 2n });
    const got = await pollUntil(reader, (all) => values(all).length === 2);
    assert.deepEqual(values(got), ['c', 'd']);
    assert.equal(got[0]?.logStart, 2n);
    reader.seek({ partition: 0, offset: 1n });
    const refused = await pollUntil(reader, failed);
    const error = refused.at(-1)?.error;
    assert.equal(error?.code, 'offset-out-of-range');
    assert.match(error.message, /partition 0 offset 1.*2 to 4/);
    assert.equal(refused.at(-1)?.logStart, 2n);
    await reader.close();
  },
);

streamTest(
  'control records are passed over; aborted records are data',
  async (stream, bootstrap) => {
    const topic = await newTopic(stream);
    const producer = kafkajsClient(bootstrap).producer({
      transactionalId: topic.topic,
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await producer.connect();
    for (const [text, ending] of [
      ['kept', 'commit'],
      ['dropped', 'abort'],
    ] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic: topic.topic, messages: [{ value: text }] });
      await transaction[ending]();
    }
    await producer.disconnect();
    const reader = await stream.reader(topic);
    reader.seek({ partition: 0, offset: 0n });
    const got = await pollUntil(reader, (all) => all.at(-1)?.next.offset === 4n);
    assert.deepEqual(values(got), ['kept', 'dropped']);
    const controls = got.flatMap(({ batches }) => batches).map(({ control }) => control);
    assert.deepEqual(controls, [false, true, false, true]);
    await reader.close();
  },
);

streamTest("batches compressed by kafkajs's producer", async (stream, bootstrap) => {
  const topic = await newTopic(stream);
  const producer = kafkajsClient(bootstrap).producer();
  await producer.connect();
  const messages = Array.from({ length: 500 }, (_, n) => ({ value: `record number ${n}` }));
  const [sent] = await producer.send({ topic: topic.topic, compression: 1, messages });
  await producer.disconnect();
  assert.equal(sent?.errorCode, 0);
  const read = await readAll(stream, topic, 0);
  assert.deepEqual(
    read.map(({ value }) => Buffer.from(value ?? []).toString()),
    messages.map(({ value }) => value),
  );
});

streamTest('every partition is read though each batch alone exceeds the limit', async (stream) => {
  const partitions = [0, 1, 2, 3, 4];
  const topic = await newTopic(stream, { partitions: partitions.length });
  const large = (partition: number, n: number) => record(`${partition}.${n}.`.padEnd(50_000, 'x'));
  for (const partition of partitions) {
    await append(stream, topic, partition, [[large(partition, 0)], [large(partition, 1)]]);
  }
  const reader = await stream.reader(topic, { maxBytes: 1_000 });
  for (const partition of partitions) reader.seek({ partition, offset: 0n });
  const got = await pollUntil(reader, (all) =>
    partitions.every((partition) => values(all, partition).length === 2),
  );
  for (const partition of partitions) {
    assert.deepEqual(
      values(got, partition).map((text) => text.slice(0, 4)),
      [`${partition}.0.`, `${partition}.1.`],
    );
  }
  await reader.close();
});

streamTest(
  'a deleted topic is missing; so is one that never was, at once',
  async (stream, bootstrap) => {
    const topic = await newTopic(stream);
    const reader = await stream.reader(topic);
    reader.seek({ partition: 0, offset: 0n });
    await pollUntil(reader, (all) => all.length > 0);
    await withAdmin(bootstrap, (admin) => admin.deleteTopics({ topics: [topic.topic] }));
    assert.deepEqual(errorCodes(await pollUntil(reader, failed)), ['topic-missing']);
    await reader.close();
    const never = { topic: `${topic.topic}-never`, topicId: topic.topicId };
    await assert.rejects(stream.reader(never), { code: 'topic-missing' });
    await assert.rejects(stream.appender(never), { code: 'topic-missing' });
    const [bounds] = await stream.bounds(never, [0]);
    assert.ok(bounds instanceof Error && bounds.code === 'topic-missing');
    assert.equal(await stream.describe(never.topic), null);
  },
);

streamTest('a reader of another topic id is refused', async (stream) => {
  const topic = await newTopic(stream);
  const other = { topic: topic.topic, topicId: (await newTopic(stream)).topicId };
  await assert.rejects(stream.reader(other), { code: 'topic-recreated' });
});

streamTest(
  'a partition that is not there is an error, and its neighbours go on',
  async (stream) => {
    const topic = await newTopic(stream);
    await append(stream, topic, 0, [[record('a')]]);
    const reader = await stream.reader(topic);
    reader.seek({ partition: 0, offset: 0n });
    reader.seek({ partition: 1, offset: 0n });
    const got = await pollUntil(reader, (all) => failed(all) && values(all).length === 1);
    assert.deepEqual(errorCodes(got), ['partition-missing']);
    assert.equal(got.find(({ error }) => error !== null)?.partition, 1);
    await reader.close();
  },
);

streamTest('an epoch that the leader never had is no silent answer', async (stream) => {
  const topic = await newTopic(stream);
  await append(stream, topic, 0, [['a', 'b'].map(record)]);
  const reader = await stream.reader(topic);
  reader.seek({ partition: 0, offset: 1n, lastEpoch: 1_000 });
  const got = await pollUntil(reader, failed);
  assert.deepEqual(errorCodes(got), ['log-diverged']);
  assert.deepEqual(values(got), []);
  await reader.close();
});

streamTest(
  'partitions added later are given to the members of a group',
  async (stream, bootstrap) => {
    const topic = await newTopic(stream, { partitions: 2 });
    const told: number[] = [];
    const grown = new Promise<void>((resolve, reject) => {
      void stream
        .own(topic, {
          group: topic.topic,
          onChange: (partitions) => {
            told.push(partitions.size);
            if (partitions.size === 4) resolve();
          },
          onError: reject,
        })
        .then(async () => {
          const topicPartitions = [{ topic: topic.topic, count: 4 }];
          await withAdmin(bootstrap, (admin) => admin.createPartitions({ topicPartitions }));
        })
        .catch(reject);
    });
    await grown;
    // A group may divide the old partitions once more before.
    assert.deepEqual([told.at(0), told.at(-1)], [2, 4]);
  },
);
