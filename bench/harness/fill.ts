import type { RecordParts } from '../../ledger/records.js';
import { BatchEncoder } from '../../stream/batch/encode.js';
import type { EncodedBatch, Stream, TopicIdentity } from '../../stream/stream.js';

/** The publisher's default. */
const BATCH_BYTES = 256 * 1024;
const BATCH_RECORDS = 1000;
const IN_FLIGHT = 32;

/** Batches of `samples`, over and over, as many records in each as a publisher under load puts. */
function* batches(samples: readonly RecordParts[], records: number): Generator<EncodedBatch> {
  const whole = new Map<number, EncodedBatch>();
  let at = 0;
  for (let left = records; left > 0; ) {
    const known = whole.get(at);
    const batch = known !== undefined && known.count <= left ? known : encode(samples, at, left);
    if (batch.count < left) whole.set(at, batch);
    yield batch;
    at = (at + batch.count) % samples.length;
    left -= batch.count;
  }
}

function encode(samples: readonly RecordParts[], from: number, most: number): EncodedBatch {
  const encoder = new BatchEncoder({ maxBytes: BATCH_BYTES });
  const now = BigInt(Date.now());
  while (encoder.count < Math.min(most, BATCH_RECORDS)) {
    const parts = samples[(from + encoder.count) % samples.length];
    if (parts === undefined) throw new Error('no samples');
    if (encoder.add(parts, now)) continue;
    if (encoder.count === 0) throw new Error('a sample is larger than a batch');
    break;
  }
  return encoder.finish();
}

/** Appends `records` records, divided evenly among the partitions. */
export async function fill(
  stream: Stream,
  topic: TopicIdentity,
  partitions: number,
  records: number,
  samples: readonly RecordParts[],
): Promise<void> {
  const appender = await stream.appender(topic);
  const shares = Array.from({ length: partitions }, (_, partition) => ({
    partition,
    batches: batches(samples, share(records, partitions, partition)),
  }));
  const turns = roundRobin(shares);
  const lane = async (): Promise<void> => {
    for (const { partition, batch } of turns) {
      const outcome = await appender.append(partition, batch);
      if (outcome.kind !== 'acknowledged') throw outcome.error;
    }
  };
  try {
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  } finally {
    await appender.close();
  }
}

function share(records: number, partitions: number, partition: number): number {
  return Math.floor(records / partitions) + (partition < records % partitions ? 1 : 0);
}

function* roundRobin(
  shares: readonly { readonly partition: number; readonly batches: Generator<EncodedBatch> }[],
): Generator<{ readonly partition: number; readonly batch: EncodedBatch }> {
  let open = [...shares];
  while (open.length > 0) {
    const still: typeof open = [];
    for (const one of open) {
      const next = one.batches.next();
      if (next.done === true) continue;
      still.push(one);
      yield { partition: one.partition, batch: next.value };
    }
    open = still;
  }
}
