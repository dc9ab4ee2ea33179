import { SealstreamError } from '../ledger/error.js';
import type { MemoryKey } from '../store/memory.js';
import { abortWith } from './abort.js';
import { publishRecorded } from './checkpointing.js';
import { inspectMemory } from './inspect.js';
import { openTopic, type Shared } from './topic.js';

/** Logs that are tried, and how long each: another log's outage is no reason to wait. */
const MOST_ASKED = 8;
const PATIENCE_MS = 5_000;

/**
 * Learns the stream's time for a log that has nothing published, or whose checkpoint topic the broker
 * does not stamp: publishes the head of another log once more, verbatim. Where there is none, nothing
 * is learned.
 */
export async function askThroughOthers(
  shared: Shared,
  topic: string,
  signal: AbortSignal,
): Promise<void> {
  const { memory, ledger, topics } = shared.options;
  const published = (await memory.list(ledger))
    .filter(({ slot }) => slot.record.checkpoint?.published === true)
    .map(({ key }) => key)
    .filter((key) => topics.includes(key.topic))
    // The topic's own logs first: its checkpoint topic is there.
    .sort((a, b) => Number(b.topic === topic) - Number(a.topic === topic));
  for (const key of published.slice(0, MOST_ASKED)) {
    await askThrough(shared, key, signal);
    if (shared.streamClock.isKnown || signal.aborted) return;
  }
}

async function askThrough(shared: Shared, key: MemoryKey, signal: AbortSignal): Promise<void> {
  const limited = abortWith(signal);
  const timer = setTimeout(limited.abort, PATIENCE_MS);
  try {
    const topic = await openTopic(shared, key.topic, limited.signal, () => true);
    try {
      const { context } = topic.log(key.partition);
      if (context.publisher?.stamps !== 'theirs') return;
      // As before sealing: what a refusal tells of must not be hidden by publishing again.
      const { slot, sealed } = await inspectMemory(context);
      if (sealed === null || slot.record.checkpoint?.published !== true) return;
      await publishRecorded(context, slot, sealed, limited.signal);
    } finally {
      await topic.close();
    }
  } catch (error) {
    // Whatever is wrong with that log is found, and said, where it is sealed.
    if (!(error instanceof SealstreamError)) throw error;
    shared.settings.logger.debug({ topic: key.topic, error: error.message }, 'not asked for time');
  } finally {
    clearTimeout(timer);
    limited.release();
  }
}
