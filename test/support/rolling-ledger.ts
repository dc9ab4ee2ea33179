import { setTimeout as sleep } from 'node:timers/promises';
import { readCheckpointRecords } from '../../stream/checkpoint-topic.js';
import type { Stream } from '../../stream/stream.js';
import { MadeLedger, type MadeLedgerOptions } from './made-ledger.js';

/** Segments roll with nearly every append, and the checkpoints among them are compacted at once. */
const ROLLING = [['segment.ms', '1']] as const;
const COMPACTED = [
  ['cleanup.policy', 'compact'],
  ['min.cleanable.dirty.ratio', '0.001'],
  ['max.compaction.lag.ms', '1'],
] as const;
/** A broker looks for something to compact every 15 s, unless it is set up for tests. */
const PATIENCE_MS = 120_000;

/** A made ledger on a Kafka, of many small segments. */
export async function rollingLedger(
  stream: Stream,
  options: MadeLedgerOptions & { readonly topic: string; readonly partitions: number },
): Promise<MadeLedger> {
  const { topic, partitions } = options;
  const common = { replication: 1 };
  const settings = new Map([['message.timestamp.type', 'LogAppendTime'], ...ROLLING]);
  await stream.createTopic({ ...common, topic, partitions, settings });
  const compacted = new Map([...ROLLING, ...COMPACTED]);
  const checkpoints = `${topic}.checkpoints`;
  await stream.createTopic({ ...common, topic: checkpoints, partitions: 1, settings: compacted });
  // Takes topics that are there as they are.
  return MadeLedger.create(stream, options);
}

/** Waits until compaction has left `accepted` offsets and keys in the checkpoint topic. */
export async function untilCompacted(
  made: MadeLedger,
  stream: Stream,
  accepted: (records: readonly { readonly offset: bigint; readonly key: string }[]) => boolean,
): Promise<void> {
  const topic = await stream.describe(made.checkpointTopic);
  if (topic === null) throw new Error('there is no checkpoint topic');
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const records: { offset: bigint; key: string }[] = [];
    for await (const { key, offset } of readCheckpointRecords(stream, topic)) {
      records.push({ offset, key: Buffer.from(key ?? []).toString() });
    }
    if (accepted(records)) return;
    if (Date.now() > deadline) {
      throw new Error(`the broker does not compact: ${records.map(({ offset }) => offset)}`);
    }
    await sleep(200);
  }
}
