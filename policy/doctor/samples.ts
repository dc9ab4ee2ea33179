/** Single records that checks look at: the last of each log, and the first without a checkpoint. */
import { asSealstreamError, SealstreamError } from '../../ledger/error.js';
import { isAuditEvent } from '../../schemas/codec.js';
import { type ReadOptions, readRange } from '../../stream/read.js';
import type { Bounds, Stream, StreamRecord, TopicIdentity } from '../../stream/stream.js';
import type { NewestRecord, Unasked } from './examined.js';

/** A batch still comes whole. */
const FETCH_BYTES = 64 * 1024;
const AT_ONCE = 8;
/** Avro single-object encoding. */
const AVRO_MARKER = [0xc3, 0x01] as const;

/** The last record of every partition that has one; an error in the place of one that cannot be read. */
export async function newestRecords(
  stream: Stream,
  topic: TopicIdentity,
  bounds: readonly (Bounds | SealstreamError)[],
  options: ReadOptions = {},
): Promise<(NewestRecord | Unasked)[]> {
  const found = await inTurns(bounds, async (answer): Promise<NewestRecord | Unasked | null> => {
    // Told by the check of log starts.
    if (answer instanceof SealstreamError || answer.highWatermark <= answer.logStart) return null;
    const { partition, highWatermark } = answer;
    const range = { partition, from: highWatermark - 1n, until: highWatermark };
    try {
      const record = await firstOf(stream, topic, range, options);
      return record && { topic: topic.topic, partition, ...describe(record) };
    } catch (cause) {
      const error = asSealstreamError(cause, 'internal', `${topic.topic}/${partition}`);
      return { topic: topic.topic, partition, error };
    }
  });
  return found.filter((each) => each !== null);
}

/** Time of the first record in [from, until), milliseconds; null: there is none. Throws as readRange. */
export async function timeOfFirst(
  stream: Stream,
  topic: TopicIdentity,
  range: { readonly partition: number; readonly from: bigint; readonly until: bigint },
  options: ReadOptions = {},
): Promise<bigint | null> {
  const record = await firstOf(stream, topic, range, options);
  return record === null ? null : record.timestamp;
}

export async function inTurns<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < all.length; at += AT_ONCE) {
    results.push(...(await Promise.all(all.slice(at, at + AT_ONCE).map(work))));
  }
  return results;
}

async function firstOf(
  stream: Stream,
  topic: TopicIdentity,
  range: { readonly partition: number; readonly from: bigint; readonly until: bigint },
  options: ReadOptions,
): Promise<StreamRecord | null> {
  const fetches = readRange(stream, topic, range, { ...options, maxBytes: FETCH_BYTES });
  for await (const { batches } of fetches) {
    const batch = batches.find(({ count }) => count > 0);
    if (batch !== undefined) return batch.record(0);
  }
  return null;
}

function describe(
  record: StreamRecord,
): Pick<NewestRecord, 'offset' | 'timestamp' | 'timestampType' | 'kind'> {
  const { offset, timestamp, timestampType, value } = record;
  return { offset, timestamp, timestampType, kind: kindOf(value) };
}

function kindOf(value: Uint8Array | null): NewestRecord['kind'] {
  if (value === null) return 'foreign';
  if (isAuditEvent(value)) return 'event';
  return value[0] === AVRO_MARKER[0] && value[1] === AVRO_MARKER[1] ? 'unknown-schema' : 'foreign';
}
