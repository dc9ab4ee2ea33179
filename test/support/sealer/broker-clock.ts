import type { Appender, AppendOutcome, Stream } from '../../../stream/stream.js';
import { LyingStream } from '../lying-stream.js';

/**
 * A stream whose checkpoint topics are stamped by a clock that is not ours, as a broker's is: `now` gives
 * its time at each append, null where it stamps nothing.
 */
export function withBrokerClock(inner: Stream, now: () => number | null): Stream {
  const stream = new LyingStream(inner, {
    describe: (topic, truth) => {
      if (truth === null || !topic.endsWith('.checkpoints')) return truth;
      return { ...truth, ownClock: false, timestampType: now() === null ? 0 : 1 };
    },
  });
  const appenderOf = stream.appender.bind(stream);
  stream.appender = async (topic) => {
    const appender = await appenderOf(topic);
    return topic.topic.endsWith('.checkpoints') ? stampedBy(appender, now) : appender;
  };
  return stream;
}

function stampedBy(appender: Appender, now: () => number | null): Appender {
  return {
    append: async (partition, batch): Promise<AppendOutcome> => {
      const outcome = await appender.append(partition, batch);
      const time = now();
      if (outcome.kind !== 'acknowledged') return outcome;
      return { ...outcome, timestamp: time === null ? null : BigInt(time) };
    },
    close: () => appender.close(),
  };
}
