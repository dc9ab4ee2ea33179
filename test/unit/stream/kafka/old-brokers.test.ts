import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openKafka } from '../../../../stream/kafka/kafka.js';
import { createAppender } from '../../../../stream/kafka/produce/appender.js';
import { WireWriter } from '../../../../stream/kafka/protocol/writer.js';
import type { AppendOutcome } from '../../../../stream/stream.js';
import { batchOf, connect } from '../../../support/append-fixture.js';
import { frame, type HostileBroker, startHostileBroker } from './fake-broker.js';
import { metadata, TOPIC } from './scripted-fetch.js';

const PRODUCE = 0;
const FETCH = 1;
const METADATA = 3;
const INIT_PRODUCER_ID = 22;
const ANOTHER_ID = 'QW5vdGhlci10b3BpYy1pZA';

const tagged = (body: Uint8Array) => Buffer.concat([Buffer.of(0), body]);

/** Of version 11: acknowledged at offset 0. */
function acknowledgement(): Uint8Array {
  const writer = new WireWriter();
  writer.compactArray([TOPIC.topic], (topic) => {
    writer.compactString(topic).compactArray([0], (partition) => {
      writer.int32(partition).int16(0).int64(0n).int64(1_700_000_000_000n).int64(0n);
      writer
        .compactArray([], () => {})
        .compactNullableString(null)
        .noTags();
    });
    writer.noTags();
  });
  return writer.int32(0).noTags().finish();
}

/** Metadata that tells one topic id after the other; the last one is told again. */
function telling(ids: readonly string[]): () => string {
  let told = 0;
  return () => ids[Math.min(told++, ids.length - 1)] ?? TOPIC.topicId;
}

/**
 * One append where the leader speaks Produce 11 and its metadata, and that of the other broker, tell
 * these topic ids one after the other.
 */
async function appendByName(
  atLeader: readonly string[],
  atOther: readonly string[],
): Promise<{ readonly outcome: AppendOutcome; readonly produced: number }> {
  const [leaderId, otherId] = [telling(atLeader), telling(atOther)];
  const versions = [
    [PRODUCE, 3, 11],
    [METADATA, 0, 12],
    [INIT_PRODUCER_ID, 0, 4],
  ] as const;
  const leader: HostileBroker = await startHostileBroker((socket, { apiKey, correlationId }) => {
    const body = apiKey === PRODUCE ? acknowledgement() : metadata([leader.port], leaderId());
    socket.write(frame(correlationId, tagged(body)));
  }, versions);
  const other = await startHostileBroker((socket, { apiKey, correlationId }) => {
    const producer = new WireWriter().int32(0).int16(0).int64(7n).int16(0).noTags();
    const producerId = apiKey === INIT_PRODUCER_ID;
    const body = producerId ? producer.finish() : metadata([leader.port], otherId());
    socket.write(frame(correlationId, tagged(body)));
  }, versions);
  const cluster = connect(`127.0.0.1:${other.port}`, 5_000);
  try {
    const appender = await createAppender(cluster, TOPIC, { deadlineMs: 10_000 });
    const outcome = await appender.append(0, batchOf('event'));
    await appender.close();
    const produced = leader.requests.filter(({ apiKey }) => apiKey === PRODUCE).length;
    return { outcome, produced };
  } finally {
    await cluster.close();
    await Promise.all([leader.close(), other.close()]);
  }
}

const same = [TOPIC.topicId];
const code = (outcome: AppendOutcome) => ('error' in outcome ? outcome.error.code : 'none');

test('by name: acknowledged where the leader has the topic before and after', async () => {
  const { outcome, produced } = await appendByName(same, same);
  assert.deepEqual([outcome.kind, produced], ['acknowledged', 1]);
});

test('by name: a leader that has another topic of the name is sent nothing', async () => {
  const { outcome, produced } = await appendByName([ANOTHER_ID], [TOPIC.topicId, ANOTHER_ID]);
  assert.deepEqual([outcome.kind, code(outcome), produced], ['rejected', 'topic-recreated', 0]);
});

test('by name: the topic became another meanwhile, which other brokers do not know yet', async () => {
  const { outcome, produced } = await appendByName([TOPIC.topicId, ANOTHER_ID], same);
  assert.deepEqual([outcome.kind, code(outcome), produced], ['unknown', 'topic-recreated', 1]);
});

test('a broker without topic ids in Fetch is refused at once, and asked for no record', async () => {
  const broker: HostileBroker = await startHostileBroker(
    (socket, { correlationId }) => {
      socket.write(frame(correlationId, tagged(metadata([broker.port]))));
    },
    [
      [FETCH, 0, 12],
      [METADATA, 0, 12],
    ],
  );
  const stream = await openKafka(`kafka://127.0.0.1:${broker.port}`, { timeoutMs: 5_000 });
  try {
    const reader = await stream.reader(TOPIC);
    reader.seek({ partition: 0, offset: 0n });
    const unsupported = { code: 'unsupported', message: /0 to 12 of Fetch.*Kafka 3\.7 or later/ };
    await assert.rejects(async () => {
      for (const { error } of await reader.poll(2_000)) if (error !== null) throw error;
    }, unsupported);
    assert.ok(broker.requests.every(({ apiKey }) => apiKey === METADATA));
    assert.ok(broker.requests.length > 0);
  } finally {
    await stream.close();
    await broker.close();
  }
});
