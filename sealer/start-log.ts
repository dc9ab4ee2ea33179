import { SealstreamError } from '../ledger/error.js';
import type { Memory, MemoryRecord } from '../store/memory.js';
import { readSlot } from '../store/slot.js';
import type { Stream, TopicIdentity } from '../stream/stream.js';
import { originOf } from './context.js';
import { readStartOptions } from './given.js';

export interface StartLogOptions {
  readonly stream: Stream;
  readonly memory: Memory;
  readonly ledger: string;
  /** As it was just created. */
  readonly topic: TopicIdentity;
  readonly partition: number;
}

/**
 * Records in the memory that a log is started at its log start; nothing is signed yet. Only where
 * the memory holds nothing for that ledger, topic and partition: else throws `memory-conflict`,
 * because what it holds may be the only trace of a log that was deleted.
 */
export async function startLog(given: StartLogOptions): Promise<MemoryRecord> {
  const { stream, memory, ledger, topic, partition } = readStartOptions(given);
  const key = { ledger, topic: topic.topic, partition };
  const [bounds] = await stream.bounds(topic, [partition]);
  if (bounds === undefined) {
    throw new SealstreamError('internal', `no bounds for ${topic.topic}/${partition}`);
  }
  if (bounds instanceof SealstreamError) throw bounds;
  const record: MemoryRecord = {
    origin: originOf(ledger, topic, partition),
    first: bounds.logStart,
    checkpoint: null,
    retired: [],
  };
  if ((await memory.compareAndSet(key, null, record)) === null) {
    const held = await readSlot(memory, key);
    throw new SealstreamError(
      'memory-conflict',
      `the memory already holds ${held?.record.origin ?? 'a log'} for ` +
        `${topic.topic}/${partition}: to seal the log that is there now, run adopt`,
    );
  }
  return record;
}
