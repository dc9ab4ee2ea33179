import { parseCheckpoint } from '../ledger/checkpoint.js';
import { SealstreamError } from '../ledger/error.js';
import { parseNote } from '../ledger/note.js';
import { readSlot } from '../store/slot.js';
import type { Bounds } from '../stream/stream.js';
import { type SealerOptions, settingsOf } from './options.js';
import { persist } from './topic.js';

/**
 * How many partitions each topic has; 0 where the stream has no such topic. An outage is waited out,
 * at most for the sealer's timeout where `patient` is not set. The configuration topic, which has one,
 * is not asked for: it is to hold up nothing.
 */
export async function countPartitions(
  options: SealerOptions,
  signal: AbortSignal,
  patient: boolean,
): Promise<ReadonlyMap<string, number>> {
  const { clock, logger, timeout } = settingsOf(options);
  const deadline = clock.monotonic() + timeout;
  const giveUp = () => !patient && clock.monotonic() >= deadline;
  const counts = new Map<string, number>();
  for (const name of options.topics) {
    if (name === options.configuration) {
      counts.set(name, 1);
      continue;
    }
    const topic = await persist(() => options.stream.describe(name), logger, signal, giveUp);
    counts.set(name, topic?.partitions ?? 0);
  }
  return counts;
}

/** Deals all partitions of all topics out in turn: whether one is for `index` of `shares`. */
export function dealt(
  counts: ReadonlyMap<string, number>,
  index: number,
  shares: number,
): (topic: string, partition: number) => boolean {
  const before = new Map<string, number>();
  let sum = 0;
  for (const [topic, partitions] of counts) {
    before.set(topic, sum);
    sum += partitions;
  }
  return (topic, partition) => ((before.get(topic) ?? 0) + partition) % shares === index;
}

/**
 * About how many records `sealOnce` finds to seal, for deciding what to start for them and for nothing
 * else: a few questions, no signature checked. null: that cannot be told now. What is wrong with a
 * log or the memory is found, and said, by whoever seals.
 */
export async function estimateUnsealed(
  options: SealerOptions,
  counts: ReadonlyMap<string, number>,
): Promise<bigint | null> {
  let records = 0n;
  try {
    for (const [topic, count] of counts) {
      if (topic === options.configuration) continue;
      const identity = await options.stream.describe(topic);
      if (identity === null) continue;
      const partitions = Array.from({ length: count }, (_, partition) => partition);
      for (const bounds of await options.stream.bounds(identity, partitions)) {
        if (!(bounds instanceof SealstreamError)) records += await above(options, topic, bounds);
      }
    }
  } catch (error) {
    if (error instanceof SealstreamError) return null;
    throw error;
  }
  return records;
}

/** Offsets of a log above what the memory holds as sealed. */
async function above(
  { memory, ledger }: SealerOptions,
  topic: string,
  { partition, logStart, highWatermark }: Bounds,
): Promise<bigint> {
  const slot = await readSlot(memory, { ledger, topic, partition });
  const note = slot?.record.checkpoint?.note;
  const next = note === undefined ? 0n : parseCheckpoint(parseNote(note).text).next;
  const from = next > logStart ? next : logStart;
  return highWatermark > from ? highWatermark - from : 0n;
}
