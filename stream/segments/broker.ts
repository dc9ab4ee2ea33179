import { join } from 'node:path';
import { SealstreamError } from '../../ledger/error.js';
import { exists, MAX_INT64, readSmallFile } from './folder.js';

/**
 * What a Kafka broker leaves in a log directory beside the partitions:
 *
 *   meta.properties                    it is a broker's
 *   .kafka_cleanshutdown               the broker stopped in order
 *   log-start-offset-checkpoint        where logs start after DeleteRecords
 *   replication-offset-checkpoint      high watermarks, each few seconds and when stopping
 *
 * After an orderly stop the recorded high watermark is exact, and records at or above it were never
 * committed. After a crash (or while the broker runs) it may be seconds old, so that taking it
 * would report committed records as lost: then the end of the log counts, and the last records of
 * one who was no longer the leader may be ones that the cluster never committed.
 */
const MAX_BYTES = 16 * 1024 * 1024;

export interface BrokerOffsets {
  readonly logStart: bigint | null;
  readonly highWatermark: bigint | null;
}

export function isBrokerFolder(root: string): boolean {
  return exists(join(root, 'meta.properties'));
}

/** Throws `unreadable` where a checkpoint file is not what Kafka writes. */
export function brokerOffsets(root: string, topic: string, partition: number): BrokerOffsets {
  const clean = exists(join(root, '.kafka_cleanshutdown'));
  const key = `${topic} ${partition}`;
  return {
    logStart: readOffsets(join(root, 'log-start-offset-checkpoint')).get(key) ?? null,
    highWatermark: clean
      ? (readOffsets(join(root, 'replication-offset-checkpoint')).get(key) ?? null)
      : null,
  };
}

/** Lines: version 0, number of entries, then `<topic> <partition> <offset>` each. */
function readOffsets(file: string): ReadonlyMap<string, bigint> {
  const offsets = new Map<string, bigint>();
  const text = readSmallFile(file, MAX_BYTES)?.toString('latin1');
  if (text === undefined) return offsets;
  const [version, count, ...lines] = text.trimEnd().split('\n');
  if (version !== '0' || count !== String(lines.length)) throw unreadable(file);
  for (const line of lines) {
    const [, key, offset] = /^(\S+ [0-9]{1,10}) ([0-9]{1,19})$/.exec(line) ?? [];
    if (key === undefined || offset === undefined) throw unreadable(file);
    if (BigInt(offset) > MAX_INT64) throw unreadable(file);
    offsets.set(key, BigInt(offset));
  }
  return offsets;
}

function unreadable(file: string): SealstreamError {
  return new SealstreamError('unreadable', `stream: ${file} is no offset checkpoint of Kafka`);
}
