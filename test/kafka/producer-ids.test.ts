import assert from 'node:assert/strict';
import { stampProducer } from '../../stream/batch/stamp.js';
import type { Cluster } from '../../stream/kafka/connection/cluster.js';
import { KafkaAppender } from '../../stream/kafka/produce/kafka-appender.js';
import { Lane } from '../../stream/kafka/produce/partition-producer.js';
import { KafkaProducePort } from '../../stream/kafka/produce/produce.js';
import { judge } from '../../stream/kafka/produce/produce-port.js';
import type { AppendOutcome, LostRecords, TopicIdentity } from '../../stream/stream.js';
import { batchOf, offsetOf, readAll, withTopic } from '../support/append-fixture.js';
import { clusterTest, kafkaTest } from '../support/kafka.js';
import { until } from '../support/sealer/ledger.js';

const OUT_OF_ORDER = 45;
const LAST_SEQUENCE = 2 ** 31 - 1;

async function leaderOf(cluster: Cluster, topic: TopicIdentity): Promise<number> {
  const { topic: found } = await cluster.metadata(topic.topic);
  return found?.partitions.get(0)?.leader ?? assert.fail('no leader');
}

/** A producer by hand, whose gap in its sequence is refused while the broker remembers it. */
async function probe(cluster: Cluster, topic: TopicIdentity) {
  const port = new KafkaProducePort(cluster, topic);
  const producer = await port.newProducer();
  const leader = await leaderOf(cluster, topic);
  const send = async (text: string, baseSequence: number): Promise<number> => {
    const bytes = stampProducer(batchOf(text), { ...producer, baseSequence });
    const answer = await port.produce(leader, [{ partition: 0, bytes }]);
    assert.equal(answer.kind, 'answered');
    return answer.kind === 'answered' ? (answer.partitions.get(0)?.errorCode ?? -1) : -1;
  };
  return { send, close: () => port.close() };
}

const expiring = {
  properties: {
    'producer.id.expiration.ms': '8000',
    'producer.id.expiration.check.interval.ms': '200',
  },
};

clusterTest('a producer id that the broker has forgotten', expiring, async (kafka) => {
  await withTopic(kafka.bootstrap, {}, async ({ cluster, topic }) => {
    const lost: LostRecords[] = [];
    const port = new KafkaProducePort(cluster, topic);
    const appender = await KafkaAppender.open(port, topic, {
      lookMs: 200,
      onLost: (each) => lost.push(each),
    });
    const append = async (text: string) => offsetOf(await appender.append(0, batchOf(text)));
    for (const [index, text] of ['a', 'b', 'c'].entries()) {
      assert.equal(await append(text), BigInt(index));
    }
    const other = await probe(cluster, topic);
    assert.equal(await other.send('probe', 0), 0);
    assert.equal(await other.send('gap', 10), OUT_OF_ORDER);
    // Once the later of the two is forgotten, the appender's own is.
    await until(async () => (await other.send('gap', 10)) === 0, 60_000);
    other.close();
    for (const [index, text] of ['d', 'e'].entries()) {
      assert.equal(await append(text), BigInt(5 + index));
    }
    await appender.close();
    assert.deepEqual(lost, []);
    assert.deepEqual(await readAll(cluster, topic, 0), ['a', 'b', 'c', 'probe', 'gap', 'd', 'e']);
  });
});

/** A lane whose next sequence is `sequence`, as if that many records had been acknowledged. */
function laneAt(sequence: number, producer: { producerId: bigint; producerEpoch: number }): Lane {
  const lane = new Lane(0, producer);
  const batch = { bytes: batchOf('never sent').bytes, count: sequence };
  lane.enqueue({ batch, settle: () => {} });
  lane.advance();
  lane.apply('taken');
  lane.apply('acknowledged', {
    acknowledged: { baseOffset: BigInt(-sequence), timestamp: null },
  });
  return lane;
}

kafkaTest('sequences that start again after 2^31 − 1, and resends over that edge', (bootstrap) =>
  withTopic(bootstrap, {}, async ({ cluster, topic }) => {
    const port = new KafkaProducePort(cluster, topic);
    const leader = await leaderOf(cluster, topic);
    const lane = laneAt(LAST_SEQUENCE - 3, await port.newProducer());
    const send = async (bytes: Uint8Array) =>
      judge(await port.produce(leader, [{ partition: 0, bytes }]), 0, topic, null);
    const sequences: number[] = [];
    const outcomes: AppendOutcome[] = [];
    // The third batch goes over the edge.
    for (const texts of [['a'], ['b', 'c'], ['d', 'e', 'f'], ['g'], ['h']]) {
      lane.enqueue({ batch: batchOf(...texts), settle: (outcome) => outcomes.push(outcome) });
      lane.advance();
      const bytes = lane.bytes ?? assert.fail('nothing is frozen');
      sequences.push(new DataView(bytes.buffer, bytes.byteOffset).getInt32(53));
      lane.apply('taken');
      const first = await send(bytes);
      const again = await send(bytes);
      assert.equal(first.event, 'acknowledged', first.detail.error?.message);
      assert.deepEqual(again, first, 'the original offset');
      lane.apply(first.event, first.detail);
    }
    port.close();
    assert.deepEqual(sequences, [LAST_SEQUENCE - 3, LAST_SEQUENCE - 2, LAST_SEQUENCE, 2, 3]);
    assert.deepEqual(outcomes.map(offsetOf), [0n, 1n, 3n, 6n, 7n]);
    assert.deepEqual(await readAll(cluster, topic, 0), [...'abcdefgh']);
  }),
);
