import type { Memory } from '../store/memory.js';
import type { Clock } from './options.js';
import type { Refusal } from './refusal.js';

/** A log that the memory knows and whose topic the stream no longer has. */
export interface GoneLog {
  readonly topic: string;
  readonly partition: number;
  readonly origin: string;
  readonly refusal: Refusal;
}

/**
 * The logs of a topic that the stream answers not to have. Empty: the memory has never heard of it
 * either, so that its name is a mistake and not a loss.
 */
export async function goneLogs(
  memory: Memory,
  ledger: string,
  topic: string,
  clock: Clock,
): Promise<readonly GoneLog[]> {
  const slots = await memory.list(ledger);
  return slots
    .filter(({ key }) => key.topic === topic)
    .map(({ key, slot }) => {
      const { origin } = slot.record;
      const message =
        `${topic}/${key.partition}: the memory holds ${origin} and the stream has no such topic: ` +
        'it was deleted, or this is another cluster; run verify with this memory';
      const refusal = { reason: 'topic-missing', message, since: clock.now() } as const;
      return { topic, partition: key.partition, origin, refusal };
    });
}
