/** What the checkpoint topic proves of logs, their memory aside. */
import { type Checkpoint, openCheckpoint } from '../../ledger/checkpoint.js';
import {
  type DecodedCheckpointRecord,
  decodeCheckpointRecord,
} from '../../ledger/checkpoint-record.js';
import { SealstreamError } from '../../ledger/error.js';
import type { PublicKey } from '../../ledger/keys.js';
import { parseOrigin } from '../../ledger/origin.js';
import { readCheckpointRecords } from '../../stream/checkpoint-topic.js';
import type { ReadOptions } from '../../stream/read.js';
import type { Stream, TopicIdentity } from '../../stream/stream.js';

export interface SignedLog {
  /** Of the log as it is now; null: no checkpoint of it opens. */
  first: bigint | null;
  /** The newest of an earlier or other topic of the same name, milliseconds. */
  other: { readonly topicId: string; readonly time: number } | null;
}

/** Records of a checkpoint topic that no sealer writes: no checkpoints, or tombstones. */
export interface ForeignRecords {
  readonly count: number;
  /** Of the first one. */
  readonly offset: bigint;
}

export interface SignedQuery {
  readonly ledger: string;
  readonly topic: TopicIdentity;
  readonly checkpoints: TopicIdentity;
  readonly publicKey: PublicKey;
}

/**
 * By partition, in one pass. Every checkpoint of a log says the same `first`, so one signature is
 * checked for it; whatever does not open says nothing. Throws as `readRange` does.
 */
export async function signedLogs(
  stream: Stream,
  query: SignedQuery,
  options: ReadOptions = {},
): Promise<{ logs: ReadonlyMap<number, SignedLog>; foreign: ForeignRecords | null }> {
  const logs = new Map<number, SignedLog>();
  const foreign = { count: 0, offset: 0n };
  for await (const record of readCheckpointRecords(stream, query.checkpoints, options)) {
    const decoded = unlessData(() => decodeCheckpointRecord(record));
    if (decoded === null) {
      if (foreign.count === 0) foreign.offset = record.offset;
      foreign.count += 1;
      continue;
    }
    const claimed = claimOf(decoded, query);
    if (claimed === null) continue;
    const { partition, topicId, note, origin } = claimed;
    const known = logs.get(partition) ?? { first: null, other: null };
    const current = topicId === query.topic.topicId;
    if (current && known.first !== null) continue;
    const checkpoint = opened(note, origin, query.publicKey);
    if (checkpoint === null) continue;
    if (current) known.first = checkpoint.first;
    else if (known.other === null || checkpoint.time > known.other.time) {
      known.other = { topicId, time: checkpoint.time };
    }
    logs.set(partition, known);
  }
  return { logs, foreign: foreign.count === 0 ? null : foreign };
}

interface Claim {
  readonly partition: number;
  readonly topicId: string;
  readonly origin: string;
  readonly note: string;
}

function claimOf(decoded: DecodedCheckpointRecord, { ledger, topic }: SignedQuery): Claim | null {
  const origin = parseOrigin(decoded.origin);
  if (origin.ledger !== ledger || origin.topic !== topic.topic) return null;
  const { partition, topicId } = origin;
  return { partition, topicId, origin: decoded.origin, note: decoded.record.note };
}

function opened(note: string, origin: string, key: PublicKey): Checkpoint | null {
  return unlessData(() => openCheckpoint(note, origin, key));
}

/** null: the bytes are not what they must be, which `verify` reports. */
function unlessData<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof SealstreamError && error.class === 'data') return null;
    throw error;
  }
}
