import { SealstreamError } from '../../../ledger/error.js';
import { type DecodedBatches, decodeBatches } from '../../batch/decode.js';
import type { Bounds, TopicIdentity } from '../../stream.js';
import { KAFKA_ERROR, protocolError } from '../protocol/error-codes.js';
import type { FetchedPartition } from '../protocol/fetch.js';
import type { PartitionState } from './partition-state.js';

const BATCH_LENGTH_AT = 8;
const BYTES_BEFORE_LENGTH_COUNTS = 12;

/** What to do about one partition of a Fetch response. */
export type FetchOutcome =
  | { readonly kind: 'read'; readonly decoded: DecodedBatches }
  /** The first batch is cut off, behind strays maybe: ask for this many bytes. */
  | { readonly kind: 'cut-off'; readonly decoded: DecodedBatches; readonly neededBytes: number }
  /** Read again over a new connection before believing it. */
  | { readonly kind: 'corrupt'; readonly decoded: DecodedBatches; readonly error: SealstreamError }
  /** Only ListOffsets tells the bounds. */
  | { readonly kind: 'out-of-range' }
  | { readonly kind: 'retry'; readonly error: SealstreamError }
  | { readonly kind: 'fatal'; readonly error: SealstreamError };

/** Where the request began; the rest as in PartitionState. */
type Asked = Pick<PartitionState, 'offset' | 'lastEpoch' | 'reached' | 'look'>;

export function judge(
  topic: TopicIdentity,
  fetched: FetchedPartition,
  asked: Asked,
  broker: string,
): FetchOutcome {
  const place = `topic ${topic.topic} partition ${fetched.partition} offset ${asked.offset}`;
  const where = `${broker}: ${place}`;
  const { errorCode, diverging } = fetched;
  if (errorCode === KAFKA_ERROR.OFFSET_OUT_OF_RANGE) return { kind: 'out-of-range' };
  if (errorCode === KAFKA_ERROR.CORRUPT_MESSAGE) {
    const nothing = { ...fetched, records: new Uint8Array(0) };
    const error = protocolError(errorCode, where);
    return { kind: 'corrupt', decoded: decode(topic, nothing, asked), error };
  }
  if (isAboutIdentity(errorCode)) {
    // Whether it is gone, another, or not known yet is for the metadata to say.
    const message = `${where}: the broker does not know this topic id or partition now`;
    return { kind: 'retry', error: new SealstreamError('not-leader', message) };
  }
  if (errorCode !== KAFKA_ERROR.NONE) {
    const error = protocolError(errorCode, where);
    return { kind: error.class === 'retry' ? 'retry' : 'fatal', error };
  }
  if (diverging !== null) {
    const message =
      `${where}: the leader's log has lost or replaced records that were read here before ` +
      `(last epoch read ${asked.lastEpoch}; common up to epoch ${diverging.epoch}, ` +
      `offset ${diverging.endOffset}): keep what was read as evidence`;
    return { kind: 'fatal', error: new SealstreamError('log-diverged', message) };
  }
  if (fetched.preferredReplica >= 0 && fetched.records.length === 0) {
    const message =
      `${where}: the broker sends readers without a rack to replica ${fetched.preferredReplica}, and ` +
      "only leaders are read from: see the brokers' replica.selector.class";
    return { kind: 'retry', error: new SealstreamError('busy', message) };
  }
  return read(topic, fetched, asked);
}

function isAboutIdentity(errorCode: number): boolean {
  return (
    errorCode === KAFKA_ERROR.UNKNOWN_TOPIC_ID ||
    errorCode === KAFKA_ERROR.INCONSISTENT_TOPIC_ID ||
    errorCode === KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION
  );
}

function decode(topic: TopicIdentity, fetched: FetchedPartition, asked: Asked): DecodedBatches {
  return decodeBatches(fetched.records, {
    from: asked.offset,
    reached: asked.reached,
    whole: asked.look !== null,
    below: fetched.highWatermark,
    topic: topic.topic,
    partition: fetched.partition,
  });
}

function read(topic: TopicIdentity, fetched: FetchedPartition, asked: Asked): FetchOutcome {
  const decoded = decode(topic, fetched, asked);
  if (decoded.error?.code === 'batch-corrupt') {
    return { kind: 'corrupt', decoded, error: decoded.error };
  }
  if (decoded.error !== null && decoded.batches.length === 0 && decoded.strays.length === 0) {
    return { kind: 'fatal', error: decoded.error };
  }
  if (decoded.partial && decoded.next === asked.offset) {
    const { consumed } = decoded;
    const rest = neededBytes(fetched.records.subarray(consumed));
    return { kind: 'cut-off', decoded, neededBytes: consumed + rest };
  }
  return { kind: 'read', decoded };
}

/** Of a batch, as its header claims; twice what came where that much is not there. */
function neededBytes(records: Uint8Array): number {
  if (records.length < BYTES_BEFORE_LENGTH_COUNTS) return 2 * BYTES_BEFORE_LENGTH_COUNTS;
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  return BYTES_BEFORE_LENGTH_COUNTS + Math.max(0, view.getInt32(BATCH_LENGTH_AT));
}

/** The bounds may have been in motion at the first refusal. */
const REFUSALS_BELIEVED = 2;

/** What a refused offset (error 1) means, given the bounds. */
export function judgeRefusal(
  where: string,
  asked: { readonly offset: bigint; readonly lastEpoch: number; readonly refusals: number },
  { logStart, highWatermark }: Bounds,
): SealstreamError {
  const { offset, lastEpoch } = asked;
  const refused = `${where} offset ${offset}: refused; the log holds ${logStart} to ${highWatermark}`;
  const believed = asked.refusals >= REFUSALS_BELIEVED;
  if (offset < logStart || (offset > highWatermark && believed)) {
    return new SealstreamError('offset-out-of-range', `${refused}: read within that range`);
  }
  if (believed && lastEpoch >= 0) {
    const message = `${refused}: the leader knows nothing of epoch ${lastEpoch}, which was read before`;
    return new SealstreamError('log-diverged', message);
  }
  return new SealstreamError('busy', `${refused}: try again`);
}
