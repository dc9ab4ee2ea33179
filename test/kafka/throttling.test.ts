import assert from 'node:assert/strict';
import { Cluster, type KafkaApi } from '../../stream/kafka/connection/cluster.js';
import type { BrokerConnection } from '../../stream/kafka/connection/connection.js';
import { openReader } from '../../stream/kafka/fetch/reader.js';
import { KafkaAppender } from '../../stream/kafka/produce/kafka-appender.js';
import { KafkaProducePort } from '../../stream/kafka/produce/produce.js';
import type { ProduceAnswer } from '../../stream/kafka/produce/produce-port.js';
import { FETCH } from '../../stream/kafka/protocol/fetch.js';
import { WireReader } from '../../stream/kafka/protocol/reader.js';
import { WireWriter } from '../../stream/kafka/protocol/writer.js';
import { addresses, batchOf, connect, offsetOf, withTopic } from '../support/append-fixture.js';
import { clusterTest } from '../support/kafka.js';
import { pollUntil, values } from '../support/kafka-reading.js';

const ALTER_CLIENT_QUOTAS = { key: 49, name: 'AlterClientQuotas', oldest: 1, newest: 1 };
const CLIENT_ID = 'sealstream';
const BYTES_PER_SECOND = 60_000;
const BATCHES = 16;
const BATCH_BYTES = 60_000;

async function limit(cluster: Cluster): Promise<void> {
  const rate = Buffer.alloc(8);
  rate.writeDoubleBE(BYTES_PER_SECOND);
  const encode = () => {
    const writer = new WireWriter();
    writer.compactArray([CLIENT_ID], (name) => {
      writer.compactArray(['client-id'], (type) => {
        writer.compactString(type).compactNullableString(name).noTags();
      });
      writer.compactArray(['producer_byte_rate', 'consumer_byte_rate'], (key) => {
        writer.compactString(key).raw(rate).boolean(false).noTags();
      });
      writer.noTags();
    });
    return writer.boolean(false).noTags().finish();
  };
  await cluster.ask(cluster.timeoutMs, async (connection, remainingMs) => {
    const { bytes } = await cluster.call(connection, ALTER_CLIENT_QUOTAS, encode, remainingMs);
    const reader = new WireReader(bytes, 'AlterClientQuotas');
    reader.int32();
    const codes = reader.compactArray(1, () => {
      const code = reader.int16();
      reader.compactNullableString();
      reader.compactArray(1, () => {
        reader.compactString();
        reader.compactNullableString();
        reader.tags();
      });
      reader.tags();
      return code;
    });
    assert.deepEqual(codes, [0]);
  });
}

/** Notes how long the broker asks for silence. */
class ObservedPort extends KafkaProducePort {
  longestThrottleMs = 0;

  override async produce(...request: Parameters<KafkaProducePort['produce']>) {
    const answer: ProduceAnswer = await super.produce(...request);
    if (answer.kind === 'answered') {
      this.longestThrottleMs = Math.max(this.longestThrottleMs, answer.throttleMs);
    }
    return answer;
  }
}

/** The same of Fetch, and whether a request came before its end. */
class ObservedCluster extends Cluster {
  longestThrottleMs = 0;
  early = 0;
  #quietUntil = 0;

  override async call(
    connection: BrokerConnection,
    api: KafkaApi,
    encode: (version: number) => Uint8Array,
    timeoutMs: number,
  ) {
    if (api.key === FETCH.key && performance.now() < this.#quietUntil) this.early += 1;
    const answer = await super.call(connection, api, encode, timeoutMs);
    if (api.key !== FETCH.key) return answer;
    const reader = new WireReader(answer.bytes, 'Fetch');
    const throttleMs = reader.int32();
    this.longestThrottleMs = Math.max(this.longestThrottleMs, throttleMs);
    this.#quietUntil = performance.now() + throttleMs;
    return answer;
  }
}

clusterTest('a quota on the client id slows, and loses and repeats nothing', {}, async (kafka) => {
  const cluster = connect(kafka.bootstrap);
  await withTopic(
    kafka.bootstrap,
    {},
    async ({ topic }) => {
      await limit(cluster);
      const port = new ObservedPort(cluster, topic);
      const appender = await KafkaAppender.open(port, topic);
      const texts = Array.from({ length: BATCHES }, (_, n) => `${n}.`.padEnd(BATCH_BYTES, 'x'));
      const outcomes = await Promise.all(texts.map((text) => appender.append(0, batchOf(text))));
      assert.deepEqual(
        outcomes.map(offsetOf),
        texts.map((_, index) => BigInt(index)),
      );
      await appender.close();
      assert.ok(port.longestThrottleMs > 0, 'the broker throttled Produce');

      const bootstrap = addresses(kafka.bootstrap);
      const observed = new ObservedCluster({
        bootstrap,
        security: {},
        timeoutMs: 30_000,
        logger: null,
      });
      const reader = await openReader(observed, topic);
      reader.seek({ partition: 0, offset: 0n });
      const all = await pollUntil(reader, (some) => values(some).length === BATCHES, {
        withRetries: true,
      });
      assert.deepEqual(values(all), texts);
      assert.deepEqual(
        all.filter(({ error }) => error !== null),
        [],
      );
      assert.ok(observed.longestThrottleMs > 0, 'the broker throttled Fetch');
      assert.equal(observed.early, 0, 'the silence that it asked for was kept');
      await observed.close();
    },
    cluster,
  );
});
