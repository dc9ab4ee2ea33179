import { recordHash } from '../ledger/body.js';
import { decodeEntry, type Entry } from '../ledger/entry.js';
import { SealstreamError } from '../ledger/error.js';
import type { TimestampType } from '../ledger/records.js';
import { encodeHex, equalBytes } from '../ledger/text.js';
import { readRange } from '../stream/read.js';
import { type LogContext, placeOf } from './context.js';
import { SealRefused } from './refusal.js';

/** A batch that is larger still comes whole. */
const ONE_BATCH = 4_096;

interface StoredRecord {
  readonly hash: Uint8Array;
  readonly timestamp: bigint;
  readonly timestampType: TimestampType;
}

/**
 * Holds the log against the last entry that was sealed: one record is read again. A tail that was
 * rewritten, or truncated and written anew, shows here, whatever the size of the log.
 *
 * Throws SealRefused `record-altered`, or what the stream says.
 */
export async function checkLastRecord(log: LogContext, last: Uint8Array): Promise<void> {
  const entry = decodeEntry(last);
  const difference = await differenceAt(log, entry);
  if (difference === null) return;
  throw new SealRefused(
    'record-altered',
    `the last sealed record of ${placeOf(log)}, offset ${entry.offset}, ${difference}; keep the ` +
      'log as evidence and run verify',
  );
}

/** What the log shows of one entry that was read before; null: the same. */
export async function differenceAt(log: LogContext, entry: Entry): Promise<string | null> {
  const stored = await readRecordAt(log, entry.offset);
  if (stored === null) return 'is no longer in the log';
  if (!equalBytes(stored.hash, entry.record)) {
    const hashes = `${encodeHex(entry.record)}, then ${encodeHex(stored.hash)}`;
    return `holds other bytes now (record hash ${hashes})`;
  }
  if (stored.timestamp !== entry.timestamp || stored.timestampType !== entry.timestampType) {
    return 'has another timestamp now';
  }
  return null;
}

async function readRecordAt(log: LogContext, offset: bigint): Promise<StoredRecord | null> {
  try {
    return await findRecord(log, offset);
  } catch (error) {
    if (!(error instanceof SealstreamError && error.code === 'batch-corrupt')) throw error;
    // Once more with a new reader: a transfer may go wrong, a stored batch stays wrong.
    return findRecord(log, offset);
  }
}

async function findRecord(log: LogContext, offset: bigint): Promise<StoredRecord | null> {
  const range = { partition: log.partition, from: offset, until: offset + 1n };
  const options = { timeoutMs: log.timeout, maxBytes: ONE_BATCH };
  for await (const fetched of readRange(log.stream, log.topic, range, options)) {
    for (const batch of fetched.batches) {
      const index = batch.offsets.findIndex((stored) => stored >= offset);
      if (index < 0) continue;
      if (batch.offsets[index] !== offset) return null;
      const record = batch.record(index);
      return {
        hash: recordHash(record.body),
        timestamp: record.timestamp,
        timestampType: record.timestampType,
      };
    }
  }
  return null;
}
