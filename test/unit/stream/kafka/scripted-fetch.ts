import type { Socket } from 'node:net';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { BatchEncoder } from '../../../../stream/batch/encode.js';
import { stampLog } from '../../../../stream/batch/stamp.js';
import { WireReader } from '../../../../stream/kafka/protocol/reader.js';
import { WireWriter } from '../../../../stream/kafka/protocol/writer.js';
import { frame, type HostileBroker, startHostileBroker } from './fake-broker.js';

export const TOPIC = { topic: 'audit', topicId: 'Qk9vVGh1X2V4YW1wbGVzQQ' };
export const LEADER_EPOCH = 4;

/** What a Fetch asks of the partition that the broker leads. */
interface Asked {
  /** By performance.now(). */
  readonly at: number;
  readonly maxBytes: number;
  readonly leaderEpoch: number;
  readonly offset: bigint;
  readonly lastEpoch: number;
  readonly partitionMaxBytes: number;
  readonly rack: string;
}

/** What it is answered; null: throttled, so with no partition at all. */
export interface Answer {
  /** How its bytes are sent: one by one; not at all; or so many of them that it never ends. Default:
   * at once. */
  readonly pace?: 'bytes' | 'silent' | 'endless';
  readonly throttleMs?: number;
  readonly partition: {
    readonly errorCode?: number;
    readonly highWatermark: bigint;
    readonly records?: Uint8Array;
    readonly diverging?: { readonly epoch: number; readonly endOffset: bigint };
    readonly preferredReplica?: number;
  } | null;
}

/** What ListOffsets tells, or the code of its error. */
type AnsweredBounds = { readonly logStart: bigint; readonly highWatermark: bigint } | number;

export interface FetchBroker extends HostileBroker {
  readonly asked: readonly Asked[];
}

/** A broker that leads partition 0 and answers the nth Fetch as `script` says; the last answer
 * is given again. */
export async function startFetchBroker(
  script: readonly Answer[],
  bounds: AnsweredBounds = 0,
): Promise<FetchBroker> {
  const [broker] = await startFetchBrokers([script], bounds);
  if (broker === undefined) throw new Error('no broker');
  return broker;
}

/** One for each script; the first leads partition 0, the second partition 1, and so on. */
export async function startFetchBrokers(
  scripts: readonly (readonly Answer[])[],
  bounds: AnsweredBounds = 0,
): Promise<readonly FetchBroker[]> {
  const ports: number[] = [];
  const brokers: FetchBroker[] = [];
  for (const [partition, script] of scripts.entries()) {
    const broker = await startOne({ partition, script, bounds }, ports);
    ports.push(broker.port);
    brokers.push(broker);
  }
  return brokers;
}

interface Part {
  readonly partition: number;
  readonly script: readonly Answer[];
  readonly bounds: AnsweredBounds;
}

async function startOne(
  { partition, script, bounds }: Part,
  ports: readonly number[],
): Promise<FetchBroker> {
  const asked: Asked[] = [];
  const broker: HostileBroker = await startHostileBroker(
    (socket, { apiKey, correlationId, rest }) => {
      const tagged = (body: Uint8Array) => Buffer.concat([Buffer.of(0), body]);
      if (apiKey === 3) socket.write(frame(correlationId, tagged(metadata(ports))));
      if (apiKey === 2) {
        const body = offsets(partition, bounds, isLogStart(rest));
        socket.write(frame(correlationId, tagged(body)));
      }
      if (apiKey !== 1) return;
      asked.push({ at: performance.now(), ...parse(rest) });
      const answer = script[Math.min(asked.length, script.length) - 1] ?? { partition: null };
      const bytes = frame(correlationId, tagged(response(answer, partition)));
      if (answer.pace === undefined) socket.write(bytes);
      if (answer.pace === 'bytes') void trickle(socket, bytes);
      if (answer.pace === 'endless') void trickle(socket, endless(bytes), ENDLESS_PAUSE_MS);
    },
    [
      [1, 13, 17],
      [2, 6, 7],
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

const ENDLESS_BYTES = 64 * 1024 * 1024;
const ENDLESS_PAUSE_MS = 5;

/** The same answer, as the beginning of a far longer one. */
function endless(bytes: Uint8Array): Uint8Array {
  const longer = Buffer.from(bytes);
  longer.writeInt32BE(ENDLESS_BYTES, 0);
  return longer;
}

/** Byte by byte; with a pause, the last byte again and again until the connection ends. */
async function trickle(socket: Socket, bytes: Uint8Array, pauseMs?: number): Promise<void> {
  for (let at = 0; !socket.destroyed && (at < bytes.length || pauseMs !== undefined); at++) {
    const index = Math.min(at, bytes.length - 1);
    socket.write(bytes.subarray(index, index + 1));
    await (pauseMs === undefined ? setImmediate() : setTimeout(pauseMs));
  }
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

function parse(request: Uint8Array): Omit<Asked, 'at'> {
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

/** Whether a ListOffsets asks for the log start, and not for the high watermark. */
function isLogStart(request: Uint8Array): boolean {
  const reader = new WireReader(request, 'a ListOffsets request');
  reader.tags();
  reader.raw(4 + 1);
  const [[timestamp] = []] = reader.compactArray(1, () => {
    reader.compactString();
    const partitions = reader.compactArray(1, () => {
      reader.raw(4 + 4);
      const asked = reader.int64();
      reader.tags();
      return asked;
    });
    reader.tags();
    return partitions;
  });
  return timestamp === -2n;
}

function offsets(partition: number, bounds: AnsweredBounds, ofStart: boolean): Uint8Array {
  const writer = new WireWriter().int32(0);
  writer.compactArray([TOPIC.topic], (topic) => {
    writer.compactString(topic);
    writer.compactArray([partition], (index) => {
      const failed = typeof bounds === 'number';
      const offset = failed ? -1n : ofStart ? bounds.logStart : bounds.highWatermark;
      writer.int32(index).int16(failed ? bounds : 0);
      writer.int64(-1n).int64(offset).int32(-1).noTags();
    });
    writer.noTags();
  });
  return writer.noTags().finish();
}

/** Of one node per port, numbered from 1, each the leader of one partition. */
export function metadata(ports: readonly number[], topicId = TOPIC.topicId): Uint8Array {
  const writer = new WireWriter().int32(0);
  writer.compactArray([...ports.entries()], ([index, port]) => {
    writer
      .int32(index + 1)
      .compactString('127.0.0.1')
      .int32(port);
    writer.compactNullableString(null).noTags();
  });
  writer.compactNullableString('cluster').int32(1);
  writer.compactArray([TOPIC], ({ topic }) => {
    writer.int16(0).compactNullableString(topic).uuid(topicId).boolean(false);
    writer.compactArray([...ports.keys()], (partition) => {
      const leader = partition + 1;
      writer.int16(0).int32(partition).int32(leader).int32(LEADER_EPOCH);
      for (const nodes of [[leader], [leader], []])
        writer.compactArray(nodes, (node) => writer.int32(node));
      writer.noTags();
    });
    writer.int32(-1).noTags();
  });
  return writer.noTags().finish();
}

function response({ throttleMs = 0, partition }: Answer, led: number): Uint8Array {
  const writer = new WireWriter().int32(throttleMs).int16(0).int32(0);
  writer.compactArray(partition === null ? [] : [partition], (answer) => {
    writer.uuid(TOPIC.topicId);
    writer.compactArray([led], (index) => {
      const { errorCode = 0, highWatermark, records, diverging } = answer;
      const { preferredReplica = -1 } = answer;
      writer.int32(index).int16(errorCode).int64(highWatermark).int64(highWatermark).int64(0n);
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
