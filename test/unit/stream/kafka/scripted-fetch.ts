import { BatchEncoder, stampLog } from '../../../../stream/batch/encode.js';
import { WireReader } from '../../../../stream/kafka/protocol/reader.js';
import { WireWriter } from '../../../../stream/kafka/protocol/writer.js';
import { frame, type HostileBroker, startHostileBroker } from './fake-broker.js';

export const TOPIC = { topic: 'audit', topicId: 'Qk9vVGh1X2V4YW1wbGVzQQ' };
export const LEADER_EPOCH = 4;

/** What a Fetch asks of partition 0, the only one. */
interface Asked {
  readonly maxBytes: number;
  readonly leaderEpoch: number;
  readonly offset: bigint;
  readonly lastEpoch: number;
  readonly partitionMaxBytes: number;
  readonly rack: string;
}

/** What it is answered; null: throttled, so with no partition at all. */
export interface Answer {
  readonly throttleMs?: number;
  readonly partition: {
    readonly highWatermark: bigint;
    readonly records?: Uint8Array;
    readonly diverging?: { readonly epoch: number; readonly endOffset: bigint };
    readonly preferredReplica?: number;
  } | null;
}

export interface FetchBroker extends HostileBroker {
  readonly asked: readonly Asked[];
}

/** A broker that leads partition 0 and answers the nth Fetch as `script` says; the last answer
 * is given again. */
export async function startFetchBroker(script: readonly Answer[]): Promise<FetchBroker> {
  const asked: Asked[] = [];
  const broker: HostileBroker = await startHostileBroker(
    (socket, { apiKey, correlationId, rest }) => {
      const tagged = (body: Uint8Array) => Buffer.concat([Buffer.of(0), body]);
      if (apiKey === 3) socket.write(frame(correlationId, tagged(metadata(broker.port))));
      if (apiKey !== 1) return;
      asked.push(parse(rest));
      const answer = script[Math.min(asked.length, script.length) - 1] ?? { partition: null };
      socket.write(frame(correlationId, tagged(response(answer))));
    },
    [
      [1, 13, 17],
      [3, 12, 12],
    ],
  );
  return {
    port: broker.port,
    requests: broker.requests,
    asked,
    get connections() {
      return broker.connections;
    },
    close: () => broker.close(),
  };
}

/** A batch of one record for each text. */
export function batchAt(baseOffset: bigint, ...texts: readonly string[]): Uint8Array {
  const encoder = new BatchEncoder();
  for (const text of texts) {
    encoder.add({ key: null, value: Buffer.from(text), headers: [] }, 1_700_000_000_000n);
  }
  const stamp = { baseOffset, leaderEpoch: 3, logAppendTime: 1_700_000_000_000n };
  return stampLog(encoder.finish().bytes, stamp);
}

function parse(request: Uint8Array): Asked {
  const reader = new WireReader(request, 'a Fetch request');
  reader.tags();
  reader.int32();
  reader.int32();
  const maxBytes = reader.int32();
  reader.raw(1 + 4 + 4);
  const [[partition] = []] = reader.compactArray(1, () => {
    reader.uuid();
    const partitions = reader.compactArray(1, () => {
      reader.int32();
      const leaderEpoch = reader.int32();
      const offset = reader.int64();
      const lastEpoch = reader.int32();
      reader.int64();
      const partitionMaxBytes = reader.int32();
      reader.tags();
      return { leaderEpoch, offset, lastEpoch, partitionMaxBytes };
    });
    reader.tags();
    return partitions;
  });
  reader.compactArray(1, () => reader.raw(1));
  const rack = reader.compactString();
  if (partition === undefined) throw new Error('a Fetch of nothing');
  return { maxBytes, ...partition, rack };
}

function metadata(port: number): Uint8Array {
  const writer = new WireWriter().int32(0);
  writer.compactArray([1], (node) => {
    writer.int32(node).compactString('127.0.0.1').int32(port);
    writer.compactNullableString(null).noTags();
  });
  writer.compactNullableString('cluster').int32(1);
  writer.compactArray([TOPIC], ({ topic, topicId }) => {
    writer.int16(0).compactNullableString(topic).uuid(topicId).boolean(false);
    writer.compactArray([0], (partition) => {
      writer.int16(0).int32(partition).int32(1).int32(LEADER_EPOCH);
      for (const nodes of [[1], [1], []]) writer.compactArray(nodes, (node) => writer.int32(node));
      writer.noTags();
    });
    writer.int32(-1).noTags();
  });
  return writer.noTags().finish();
}

function response({ throttleMs = 0, partition }: Answer): Uint8Array {
  const writer = new WireWriter().int32(throttleMs).int16(0).int32(0);
  writer.compactArray(partition === null ? [] : [partition], (answer) => {
    writer.uuid(TOPIC.topicId);
    writer.compactArray([0], (index) => {
      const { highWatermark, records, diverging, preferredReplica = -1 } = answer;
      writer.int32(index).int16(0).int64(highWatermark).int64(highWatermark).int64(0n);
      writer.compactArray([], () => {}).int32(preferredReplica);
      writer.compactBytes(records ?? new Uint8Array(0));
      writer.unsignedVarint(diverging === undefined ? 0 : 1);
      if (diverging === undefined) return;
      writer.unsignedVarint(0).unsignedVarint(13);
      writer.int32(diverging.epoch).int64(diverging.endOffset).noTags();
    });
    writer.noTags();
  });
  return writer.noTags().finish();
}
