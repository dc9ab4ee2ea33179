import { type SealerOptions, settingsOf } from './options.js';
import { persist } from './topic.js';

/**
 * How many partitions each topic has; 0 where the stream has no such topic. An outage is waited out,
 * at most for the sealer's timeout where `patient` is not set.
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
