import { type CheckpointRecord, encodeCheckpointRecord } from '../ledger/checkpoint-record.js';
import { SealstreamError } from '../ledger/error.js';
import { BatchEncoder } from '../stream/batch/encode.js';
import type {
  Appender,
  AppendOutcome,
  EncodedBatch,
  Logger,
  Stream,
  TopicDescription,
  TopicIdentity,
} from '../stream/stream.js';
import { backoffDelay, pause } from './backoff.js';
import type { Clock, Settings } from './options.js';
import { SealRefused } from './refusal.js';
import type { StreamClock } from './stream-clock.js';

/** The checkpoint topic has one partition. */
const PARTITION = 0;

/** The clock that the LogAppendTime of the checkpoint topic is of; none: it bears none. */
type Stamps = 'theirs' | 'ours' | 'none';

/**
 * Publishes checkpoint records. A record whose outcome is unknown is appended again, byte for byte:
 * it authenticates itself, so a second copy changes nothing.
 */
export class CheckpointPublisher {
  readonly #stream: Stream;
  readonly #topic: TopicIdentity;
  readonly #deadlineMs: number;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #streamClock: StreamClock;
  #stamps: Stamps;
  #appender: Promise<Appender> | null = null;

  constructor(
    stream: Stream,
    topic: TopicDescription,
    { timeout, logger, clock }: Settings,
    streamClock: StreamClock,
  ) {
    this.#stream = stream;
    this.#topic = topic;
    this.#deadlineMs = timeout;
    this.#logger = logger;
    this.#clock = clock;
    this.#streamClock = streamClock;
    if (topic.ownClock === true) this.#stamps = 'ours';
    else this.#stamps = topic.timestampType === 0 ? 'none' : 'theirs';
  }

  /** As the topic was described, then as its last acknowledgement was: a topic can be set anew. */
  get stamps(): Stamps {
    return this.#stamps;
  }

  /**
   * Returns once the record is in the topic. Outages are waited out until `signal` aborts; then
   * throws `timeout`, and the record may or may not be in the topic. Throws SealRefused
   * `publish-rejected` or, where the topic is gone, `checkpoint-rolled-back`.
   */
  async publish(record: CheckpointRecord, time: number, signal: AbortSignal): Promise<void> {
    const encoder = new BatchEncoder();
    if (!encoder.add(encodeCheckpointRecord(record), this.#recordTime(time))) {
      throw new SealstreamError('internal', 'a checkpoint record does not fit a batch');
    }
    const batch = encoder.finish();
    for (let attempt = 1; ; attempt += 1) {
      const sent = this.#clock.monotonic();
      const outcome = await this.#append(batch, signal);
      if (outcome.kind === 'acknowledged') {
        this.#learn(outcome.timestamp, sent);
        return;
      }
      const { error } = outcome;
      if (outcome.kind === 'rejected' && error.class !== 'retry') throw this.#refusal(error);
      if (signal.aborted) throw error;
      const { topic } = this.#topic;
      this.#logger.warn({ topic, attempt, error: error.message }, 'checkpoint not yet published');
      await pause(backoffDelay(attempt), signal);
    }
  }

  #learn(timestamp: bigint | null, sent: number): void {
    if (this.#stamps === 'ours') return;
    this.#stamps = timestamp === null ? 'none' : 'theirs';
    this.#streamClock.learn(this.#topic.topic, timestamp, sent);
  }

  /**
   * Kafka 4 takes no record whose CreateTime is an hour ahead: a checkpoint that was signed by a clock
   * that was, and is to be published verbatim, could then never be.
   */
  #recordTime(time: number): bigint {
    const now = this.#clock.now();
    return BigInt(Number.isSafeInteger(now) && now >= 0 ? Math.min(time, now) : time);
  }

  async close(): Promise<void> {
    const opening = this.#appender;
    this.#appender = null;
    if (opening !== null) await (await opening).close();
  }

  async #append(batch: EncodedBatch, signal: AbortSignal): Promise<AppendOutcome> {
    this.#appender ??= this.#stream.appender(this.#topic, { deadlineMs: this.#deadlineMs });
    const opening = this.#appender;
    try {
      const appender = await opening;
      const outcome = await unlessStopped(appender.append(PARTITION, batch), signal);
      const isFinal = outcome.kind === 'rejected' && outcome.error.class !== 'retry';
      if (isFinal) await this.#drop(opening);
      return outcome;
    } catch (error) {
      // Opening failed: the next attempt opens again.
      if (this.#appender === opening) this.#appender = null;
      if (error instanceof SealstreamError) return { kind: 'rejected', error };
      throw error;
    }
  }

  /** One that refused for good would refuse for ever, when the cause has long gone too. */
  async #drop(opening: Promise<Appender>): Promise<void> {
    if (this.#appender !== opening) return;
    this.#appender = null;
    await (await opening).close();
  }

  #refusal(error: SealstreamError): SealRefused {
    const gone = error.code === 'topic-recreated' || error.code === 'topic-missing';
    return new SealRefused(
      gone ? 'checkpoint-rolled-back' : 'publish-rejected',
      `no checkpoint can be published to ${this.#topic.topic}: ${error.message}`,
      { cause: error },
    );
  }
}

/** The outcome; `unknown` once `signal` aborts, because what was sent may still arrive. */
async function unlessStopped(
  outcome: Promise<AppendOutcome>,
  signal: AbortSignal,
): Promise<AppendOutcome> {
  let stop = (): void => {};
  const stopped = new Promise<AppendOutcome>((resolve) => {
    stop = () => {
      const message = 'stopped before the checkpoint was acknowledged';
      resolve({ kind: 'unknown', error: new SealstreamError('timeout', message) });
    };
  });
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([outcome, stopped]);
  } finally {
    // The signal lives as long as the sealer: a listener left behind per checkpoint would add up.
    signal.removeEventListener('abort', stop);
  }
}
