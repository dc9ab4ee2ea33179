import { recordHash } from '../../ledger/body.js';
import { type Checkpoint, openCheckpoint } from '../../ledger/checkpoint.js';
import { encodeEntry } from '../../ledger/entry.js';
import { EMPTY_ROOT, type Hash, leafHash } from '../../ledger/hash.js';
import type { PublicKey } from '../../ledger/keys.js';
import { formatOrigin, genesis } from '../../ledger/origin.js';
import { treeRoot } from '../../ledger/proof.js';
import { readCheckpointRecords } from '../../stream/checkpoint-topic.js';
import { readRange } from '../../stream/read.js';
import type { Stream, StreamRecord } from '../../stream/stream.js';

/** One log as the stream has it, with its chain computed from FORMAT §3 alone. */
export interface SealedLog {
  readonly origin: string;
  readonly partition: number;
  readonly records: readonly StreamRecord[];
  /** c(n) of every record. */
  readonly chain: readonly Hash[];
  /** In the order in which they were published. */
  readonly checkpoints: readonly Checkpoint[];
}

/** Every log of a topic. Throws where a published checkpoint does not open. */
export async function readSealedLogs(
  stream: Stream,
  ledger: string,
  topic: string,
  key: PublicKey,
): Promise<SealedLog[]> {
  const [audit, published] = await Promise.all([
    stream.describe(topic),
    stream.describe(`${topic}.checkpoints`),
  ]);
  if (audit === null || published === null) throw new Error(`no topic ${topic}`);
  const notes: string[] = [];
  for await (const { value } of readCheckpointRecords(stream, published)) {
    notes.push(Buffer.from(value ?? []).toString());
  }
  const logs: SealedLog[] = [];
  for (let partition = 0; partition < audit.partitions; partition += 1) {
    const origin = formatOrigin({ ledger, topic, topicId: audit.topicId, partition });
    const records: StreamRecord[] = [];
    for await (const { batches } of readRange(stream, audit, { partition, from: 0n })) {
      for (const batch of batches) {
        for (let index = 0; index < batch.count; index += 1) records.push(batch.record(index));
      }
    }
    const checkpoints = notes
      .filter((note) => note.startsWith(`${origin}\n`))
      .map((note) => openCheckpoint(note, origin, key));
    logs.push({ origin, partition, records, chain: chainOf(origin, records), checkpoints });
  }
  return logs;
}

function chainOf(origin: string, records: readonly StreamRecord[]): Hash[] {
  let previous = genesis(origin);
  return records.map(({ offset, timestamp, timestampType, body }) => {
    const record = recordHash(body);
    previous = leafHash(encodeEntry({ previous, record, offset, timestamp, timestampType }));
    return previous;
  });
}

/** What is wrong with the checkpoints of a log; empty: each of them seals this very log. */
export function wrongCheckpoints({ origin, chain, checkpoints }: SealedLog): string[] {
  return checkpoints.flatMap(({ size, chain: sealed, root }) => {
    const last = size === 0n ? genesis(origin) : chain[Number(size) - 1];
    if (last === undefined) return [`${origin}: size ${size} of ${chain.length} records`];
    const expected =
      size === 0n ? EMPTY_ROOT : treeRoot((index) => chain[Number(index)] as Hash, size);
    return [
      ...(Buffer.compare(last, sealed) === 0 ? [] : [`${origin}: chain at ${size}`]),
      ...(Buffer.compare(expected, root) === 0 ? [] : [`${origin}: root at ${size}`]),
    ];
  });
}

/** null: every log is sealed to its end; else which is not. */
export function unsealedLog(logs: readonly SealedLog[]): string | null {
  const behind = logs.find(({ records, checkpoints }) => {
    return checkpoints.at(-1)?.size !== BigInt(records.length);
  });
  return behind?.origin ?? null;
}
