import { BatchEncoder } from '../../stream/batch/encode.js';
import { stampLog } from '../../stream/batch/stamp.js';
import { judge } from '../../stream/kafka/fetch/fetch-outcome.js';
import { decodeApiVersions } from '../../stream/kafka/protocol/api-versions.js';
import { decodeCreateTopics } from '../../stream/kafka/protocol/create-topics.js';
import { decodeDescribeConfigs } from '../../stream/kafka/protocol/describe-configs.js';
import { decodeFetch } from '../../stream/kafka/protocol/fetch.js';
import { decodeInitProducerIdResponse } from '../../stream/kafka/protocol/init-producer-id.js';
import { decodeListOffsets } from '../../stream/kafka/protocol/list-offsets.js';
import { decodeMetadata } from '../../stream/kafka/protocol/metadata.js';
import { decodeProduceResponse } from '../../stream/kafka/protocol/produce.js';
import { WireWriter } from '../../stream/kafka/protocol/writer.js';
import { ADMINISTRATION_SAMPLES } from './administration-samples.js';

const TOPIC = { topic: 'audit', topicId: 'Qk9vVGh1X2V4YW1wbGVzQQ' };

/** A response that a broker may well send, and what reads it. */
export interface Sample {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly decode: (bytes: Uint8Array) => unknown;
}

/** One or more of every response that stream/kafka reads. */
export const SAMPLES: readonly Sample[] = [
  {
    name: 'ApiVersions v2',
    bytes: apiVersions(),
    decode: (bytes) => decodeApiVersions(bytes, 'a broker'),
  },
  ...[12, 13].map((version) => ({
    name: `Metadata v${version}`,
    bytes: metadata(version),
    decode: (bytes: Uint8Array) => decodeMetadata(bytes, version, TOPIC.topic, 'test'),
  })),
  {
    name: 'ListOffsets v7',
    bytes: listOffsets(),
    decode: (bytes) => decodeListOffsets(bytes, TOPIC.topic, 'test'),
  },
  {
    name: 'CreateTopics v7',
    bytes: createTopics(),
    decode: (bytes) => decodeCreateTopics(bytes, 'test'),
  },
  {
    name: 'DescribeConfigs v4',
    bytes: describeConfigs(),
    decode: (bytes) => decodeDescribeConfigs(bytes, { type: 'topic', name: TOPIC.topic }, 'test'),
  },
  ...[9, 13].map((version) => ({
    name: `Produce v${version}`,
    bytes: produce(version),
    decode: (bytes: Uint8Array) => decodeProduceResponse(bytes, version, TOPIC, 'test'),
  })),
  {
    name: 'InitProducerId v5',
    bytes: new WireWriter().int32(0).int16(0).int64(4711n).int16(0).noTags().finish(),
    decode: (bytes) => decodeInitProducerIdResponse(bytes, 'test'),
  },
  { name: 'Fetch v17', bytes: fetch(), decode: readFetch },
  ...ADMINISTRATION_SAMPLES,
];

/** As the reader takes it: the response, then what each partition's batches amount to. */
function readFetch(bytes: Uint8Array): unknown {
  const response = decodeFetch(bytes, TOPIC.topicId, 'test');
  const asked = { offset: 40n, lastEpoch: 3, reached: 0n, look: null };
  return response.partitions.map((each) => judge(TOPIC, each, asked, 'a broker'));
}

function apiVersions(): Uint8Array {
  const writer = new WireWriter().int16(0);
  writer.array([0, 1, 2, 3, 18, 19, 22, 32], (key) => writer.int16(key).int16(0).int16(17));
  return writer.int32(0).finish();
}

function metadata(version: number): Uint8Array {
  const writer = new WireWriter().int32(0);
  writer.compactArray([1, 2, 3], (node) => {
    writer.int32(node).compactString('broker.example.com').int32(9092);
    writer.compactNullableString(null).noTags();
  });
  writer.compactNullableString('cluster').int32(1);
  writer.compactArray([TOPIC], ({ topic, topicId }) => {
    writer.int16(0).compactNullableString(topic).uuid(topicId).boolean(false);
    writer.compactArray([0, 1], (partition) => {
      writer.int16(0).int32(partition).int32(1).int32(4);
      for (const nodes of [[1, 2, 3], [1, 2], [3]]) {
        writer.compactArray(nodes, (node) => writer.int32(node));
      }
      writer.noTags();
    });
    writer.int32(-1).noTags();
  });
  if (version >= 13) writer.int16(0);
  return writer.noTags().finish();
}

function listOffsets(): Uint8Array {
  const writer = new WireWriter().int32(0);
  writer.compactArray([TOPIC.topic], (topic) => {
    writer.compactString(topic);
    writer.compactArray([0, 1, 2], (partition) => {
      writer.int32(partition).int16(0).int64(-1n).int64(42n).int32(4).noTags();
    });
    writer.noTags();
  });
  return writer.noTags().finish();
}

function createTopics(): Uint8Array {
  const writer = new WireWriter().int32(0);
  writer.compactArray([TOPIC], ({ topic, topicId }) => {
    writer.compactString(topic).uuid(topicId).int16(0).compactNullableString(null);
    writer.int32(3).int16(3);
    writer.compactArray(['cleanup.policy', 'retention.ms'], (name) => {
      writer.compactString(name).compactNullableString('x').boolean(false).int8(1);
      writer.boolean(false).noTags();
    });
    writer.noTags();
  });
  return writer.noTags().finish();
}

function describeConfigs(): Uint8Array {
  const writer = new WireWriter().int32(0);
  writer.compactArray([TOPIC.topic], (topic) => {
    writer.int16(0).compactNullableString(null).int8(2).compactString(topic);
    writer.compactArray(['cleanup.policy', 'retention.ms'], (name) => {
      writer.compactString(name).compactNullableString('-1').boolean(false).int8(1).boolean(false);
      writer.compactArray(['log.retention.ms'], (synonym) => {
        writer.compactString(synonym).compactNullableString('-1').int8(5).noTags();
      });
      writer.int8(5).compactNullableString(null).noTags();
    });
    writer.noTags();
  });
  return writer.noTags().finish();
}

function produce(version: number): Uint8Array {
  const writer = new WireWriter();
  writer.compactArray([TOPIC], ({ topic, topicId }) => {
    if (version >= 13) writer.uuid(topicId);
    else writer.compactString(topic);
    writer.compactArray([0, 1], (partition) => {
      writer.int32(partition).int16(partition === 0 ? 0 : 87);
      writer
        .int64(partition === 0 ? 42n : -1n)
        .int64(1_700_000_000_000n)
        .int64(0n);
      writer.compactArray([0], (record) => {
        writer.int32(record).compactNullableString('no such record').noTags();
      });
      writer.compactNullableString('refused').noTags();
    });
    writer.noTags();
  });
  return writer.int32(0).noTags().finish();
}

function fetch(): Uint8Array {
  const writer = new WireWriter().int32(0).int16(0).int32(0);
  writer.compactArray([TOPIC.topicId], (topicId) => {
    writer.uuid(topicId);
    writer.compactArray([0, 1], (partition) => {
      writer.int32(partition).int16(0).int64(50n).int64(50n).int64(7n);
      writer.compactArray([1], () => writer.int64(9n).int64(41n).noTags());
      writer.int32(-1).compactBytes(batches());
      if (partition === 0) writer.noTags();
      else
        writer.unsignedVarint(1).unsignedVarint(0).unsignedVarint(13).int32(4).int64(33n).noTags();
    });
    writer.noTags();
  });
  return writer.noTags().finish();
}

function batches(): Uint8Array {
  const stamped = [40n, 42n].map((baseOffset) => {
    const encoder = new BatchEncoder();
    for (const text of ['one', 'two']) {
      encoder.add({ key: null, value: Buffer.from(text), headers: [] }, 1_700_000_000_000n);
    }
    return stampLog(encoder.finish().bytes, { baseOffset, leaderEpoch: 3, logAppendTime: 9n });
  });
  return Buffer.concat(stamped);
}
