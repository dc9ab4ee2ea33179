/**
 * Metadata (key 3), versions 12 and 13: the brokers, and one topic or none with its id and leaders.
 *
 *   request  => [topic_id UUID, name COMPACT_NULLABLE_STRING, TAGS], allow_auto_topic_creation
 *               BOOLEAN, include_topic_authorized_operations BOOLEAN, TAGS
 *   response => throttle_time_ms INT32,
 *               [node_id INT32, host COMPACT_STRING, port INT32, rack COMPACT_NULLABLE_STRING, TAGS],
 *               cluster_id COMPACT_NULLABLE_STRING, controller_id INT32,
 *               [error_code INT16, name COMPACT_NULLABLE_STRING, topic_id UUID, is_internal BOOLEAN,
 *                [error_code INT16, partition_index INT32, leader_id INT32, leader_epoch INT32,
 *                 replica_nodes [INT32], isr_nodes [INT32], offline_replicas [INT32], TAGS],
 *                topic_authorized_operations INT32, TAGS],
 *               error_code INT16 (version 13), TAGS
 */
import type { BrokerAddress } from '../connection/connection.js';
import { KAFKA_ERROR } from './error-codes.js';
import { WireReader } from './reader.js';
import { WireWriter } from './writer.js';

export const METADATA = { key: 3, name: 'Metadata', oldest: 12, newest: 13 } as const;

const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA';
const BROKER_BYTES = 11;
const TOPIC_BYTES = 25;
const PARTITION_BYTES = 18;
const NODE_BYTES = 4;
const MAX_PORT = 65_535;

export interface PartitionMetadata {
  readonly errorCode: number;
  readonly partition: number;
  /** −1: none now. */
  readonly leader: number;
  readonly leaderEpoch: number;
  /** Broker ids; "offline": replicas whose broker or disk is gone. */
  readonly replicas: readonly number[];
  readonly inSync: readonly number[];
  readonly offline: readonly number[];
}

export interface TopicMetadata {
  readonly errorCode: number;
  readonly topic: string;
  readonly topicId: string;
  /** By partition index. */
  readonly partitions: ReadonlyMap<number, PartitionMetadata>;
}

export interface Metadata {
  readonly clusterId: string | null;
  readonly brokers: ReadonlyMap<number, BrokerAddress>;
  /** The broker that takes administrative requests; −1: none now. */
  readonly controller: number;
  /** The topic asked for; null where none was, or the broker says that there is none (error 3). */
  readonly topic: TopicMetadata | null;
}

/** Never creates the topic. */
export function encodeMetadataRequest(topic: string | null): Uint8Array {
  const writer = new WireWriter();
  writer.compactArray(topic === null ? [] : [topic], (name) => {
    writer.uuid(ZERO_UUID).compactNullableString(name).noTags();
  });
  return writer.boolean(false).boolean(false).noTags().finish();
}

/** Throws `malformed`. `where` names the response. A broker or error 13 at the top has no topic. */
export function decodeMetadata(
  bytes: Uint8Array,
  version: number,
  topic: string | null,
  where: string,
): { readonly errorCode: number; readonly metadata: Metadata } {
  const reader = new WireReader(bytes, where);
  reader.int32();
  const brokers = reader.compactArray(BROKER_BYTES, () => readBroker(reader));
  const clusterId = reader.compactNullableString();
  const controller = reader.int32();
  const topics = reader.compactArray(TOPIC_BYTES, () => readTopic(reader));
  const topError = version >= 13 ? reader.int16() : KAFKA_ERROR.NONE;
  reader.tags();
  const found = topics.find((each) => each.topic === topic);
  if (found === undefined && topic !== null && topError === KAFKA_ERROR.NONE) {
    throw reader.fail(`no answer about topic ${topic}`);
  }
  const missing = found?.errorCode === KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION;
  return {
    errorCode: topError,
    metadata: {
      clusterId,
      brokers: new Map(brokers.map((broker) => [broker.nodeId, broker])),
      controller,
      topic: found === undefined || missing ? null : found,
    },
  };
}

function readBroker(reader: WireReader): BrokerAddress {
  const nodeId = reader.int32();
  const host = reader.compactString();
  const port = reader.int32();
  reader.compactNullableString();
  reader.tags();
  if (port < 1 || port > MAX_PORT) throw reader.fail(`broker ${nodeId} has port ${port}`);
  return { nodeId, host, port };
}

function readTopic(reader: WireReader): TopicMetadata {
  const errorCode = reader.int16();
  const topic = reader.compactNullableString() ?? '';
  const topicId = reader.uuid();
  reader.boolean();
  const partitions = reader.compactArray(PARTITION_BYTES, () => readPartition(reader));
  reader.int32();
  reader.tags();
  return {
    errorCode,
    topic,
    topicId,
    partitions: new Map(partitions.map((each) => [each.partition, each])),
  };
}

function readPartition(reader: WireReader): PartitionMetadata {
  const errorCode = reader.int16();
  const partition = reader.int32();
  const leader = reader.int32();
  const leaderEpoch = reader.int32();
  const nodes = () => reader.compactArray(NODE_BYTES, () => reader.int32());
  const replicas = nodes();
  const inSync = nodes();
  const offline = nodes();
  reader.tags();
  return { errorCode, partition, leader, leaderEpoch, replicas, inSync, offline };
}
