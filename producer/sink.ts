import { SealstreamError } from '../ledger/error.js';
import { BatchEncoder, DEFAULT_MAX_BATCH_BYTES } from '../stream/batch/encode.js';
import type {
  AppendOutcome,
  EncodedBatch,
  LostRecords,
  Stream,
  TopicDescription,
} from '../stream/stream.js';

/** Where a publisher's batches go: our own stream, or a kafkajs producer that the service has. */
export interface Sink {
  /** Scheme and place, without secrets. */
  readonly place: string;
  readonly partitions: number;
  /**
   * Largest record batch that the topic takes. It only grows: what was taken in under a larger limit
   * may still be on its way to a lane.
   */
  readonly maxBatchBytes: number;
  /** Asks the topic what it takes now. Throws topic-unfit, or what kept it from telling. */
  lookAgain(): Promise<void>;
  lane(partition: number): SinkLane;
  /** After the last append has settled. */
  close(): Promise<void>;
}

/** Collects the records of one partition. */
export interface SinkLane {
  /** Of what is collected now. */
  readonly sizeInBytes: number;
  /**
   * Adds a copy of a record's body. false: full, nothing was added. A record within the topic's limit
   * always fits an empty one.
   */
  add(body: Uint8Array, timestamp: bigint): boolean;
  /** What was collected, as one batch; what is added from here on is the next. */
  take(): SinkBatch;
}

export interface SinkBatch {
  /** What `OnLearned` names this batch by. */
  readonly identity: object;
  /** Call it once. */
  send(): Promise<AppendOutcome>;
}

/** Told later of a batch whose outcome was unknown; null: it is not in the log and never will be. */
export type OnLearned = (identity: object, baseOffset: bigint | null) => void;

/** Opens the topic for appending. Throws topic-missing, topic-unfit, or what the stream throws. */
export async function streamSink(
  stream: Stream,
  topic: string,
  options: {
    readonly deadlineMs?: number | undefined;
    readonly onLearned: OnLearned | null;
    readonly onLost: ((lost: LostRecords) => void) | null;
  },
): Promise<Sink> {
  const found = await describeFit(stream, topic);
  const { deadlineMs, onLearned, onLost } = options;
  const appender = await stream.appender(found, {
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(onLost === null ? {} : { onLost }),
    ...(onLearned === null
      ? {}
      : { onLearned: ({ batch, baseOffset }) => onLearned(batch, baseOffset) }),
  });
  const sink = {
    place: stream.url,
    partitions: found.partitions,
    maxBatchBytes: maxBatchBytes(found.settings),
    lookAgain: async () => {
      const { topicId, settings } = await describeFit(stream, topic);
      if (topicId !== found.topicId) throw recreated(topic, topicId);
      sink.maxBatchBytes = Math.max(sink.maxBatchBytes, maxBatchBytes(settings));
    },
    lane: (partition: number) =>
      streamLane(sink, (batch: EncodedBatch) => appender.append(partition, batch)),
    close: () => appender.close(),
  };
  return sink;
}

async function describeFit(stream: Stream, topic: string): Promise<TopicDescription> {
  const found = await stream.describe(topic);
  if (found === null) throw topicMissing(topic, stream.url);
  if (found.timestampType === null) throw settingsHidden(topic);
  checkFit(topic, found.timestampType === 1, found.settings);
  return found;
}

function streamLane(
  limit: Pick<Sink, 'maxBatchBytes'>,
  append: (batch: EncodedBatch) => Promise<AppendOutcome>,
): SinkLane {
  let maxBytes = limit.maxBatchBytes;
  let encoder = new BatchEncoder({ maxBytes });
  /** Where the limit has grown and nothing is collected; whether it did. */
  const grow = (): boolean => {
    if (encoder.count > 0 || maxBytes === limit.maxBatchBytes) return false;
    maxBytes = limit.maxBatchBytes;
    encoder = new BatchEncoder({ maxBytes });
    return true;
  };
  return {
    get sizeInBytes() {
      return encoder.sizeInBytes;
    },
    add: (body, timestamp) =>
      encoder.addBody(body, timestamp) || (grow() && encoder.addBody(body, timestamp)),
    take: () => {
      const batch = encoder.finish();
      return { identity: batch, send: () => append(batch) };
    },
  };
}

function recreated(topic: string, topicId: string): SealstreamError {
  return new SealstreamError(
    'topic-recreated',
    `topic ${topic} was deleted and made again, with the id ${topicId}: open a new publisher`,
  );
}

export function topicMissing(topic: string, place: string): SealstreamError {
  return new SealstreamError(
    'topic-missing',
    `topic ${topic} does not exist on ${place}: declare it in ledger.yaml and run \`sealstream apply\``,
  );
}

function settingsHidden(topic: string): SealstreamError {
  return new SealstreamError(
    'unauthorized',
    `topic ${topic}: its message.timestamp.type and max.message.bytes cannot be seen, and a ` +
      'publisher must know them: grant DescribeConfigs on the topic',
  );
}

/** Refuses a topic that would let producers choose times, or drop records as it likes. */
export function checkFit(
  topic: string,
  logAppendTime: boolean,
  settings: ReadonlyMap<string, string>,
): void {
  if (!logAppendTime) throw createTime(topic);
  if (settings.get('cleanup.policy')?.includes('compact') === true) {
    throw new SealstreamError(
      'topic-unfit',
      `topic ${topic} is compacted (cleanup.policy), so it drops records: publish to a topic that ` +
        '`sealstream apply` made',
    );
  }
}

export function createTime(topic: string): SealstreamError {
  return new SealstreamError(
    'topic-unfit',
    `topic ${topic} has message.timestamp.type CreateTime, an audit topic needs LogAppendTime: run ` +
      '`sealstream apply`, or set it on the topic',
  );
}

export function maxBatchBytes(settings: ReadonlyMap<string, string>): number {
  const text = settings.get('max.message.bytes') ?? '';
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : DEFAULT_MAX_BATCH_BYTES;
}
