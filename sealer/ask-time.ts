import type { Checkpoint } from '../ledger/checkpoint.js';
import type { MemorySlot } from '../store/memory.js';
import { publishRecorded } from './checkpointing.js';
import type { SealContext } from './context.js';
import { hostTime, timeToSign } from './host-time.js';

/** Where a log stands: what the memory holds of it, and the checkpoint in that. */
interface Standing {
  readonly slot: MemorySlot;
  readonly sealed: Checkpoint | null;
}

/**
 * Learns the stream's time where that is due, signing nothing: the checkpoint that the memory holds as
 * published is published once more, verbatim, which changes nothing; where this log has none, that of
 * another log of the ledger. Throws SealRefused where our clock is ahead.
 */
export async function askTime(
  log: SealContext,
  { slot, sealed }: Standing,
  signal: AbortSignal,
): Promise<void> {
  const { publisher, streamClock, topic } = log;
  const now = hostTime(log);
  if (publisher === null || publisher.stamps === 'ours') {
    streamClock.sayUnchecked(`${log.stream.url} has no clock but that of who appends`);
    return;
  }
  await streamClock.look(topic.topic, now, async () => {
    if (publisher.stamps === 'theirs' && sealed !== null && slot.record.checkpoint?.published) {
      await publishRecorded(log, slot, sealed, signal);
    } else {
      await streamClock.askOthers(topic.topic, signal);
    }
  });
  if (!streamClock.isKnown && publisher.stamps === 'none') {
    streamClock.sayUnchecked(
      `the checkpoint topic of ${topic.topic} has no LogAppendTime: run apply, which sets ` +
        'message.timestamp.type',
    );
  }
  timeToSign(log);
}

/** As many logs as may be sealed at a time, by what is known of the stream's clock. */
export async function inClockTurn<T>(log: SealContext, work: () => Promise<T>): Promise<T> {
  return log.publisher?.stamps === 'theirs' ? log.streamClock.firstAlone(work) : work();
}
