/** Waits for the checkpoint that covers one record, at the end of the checkpoint topic. */
import { type Checkpoint, openCheckpoint } from '../../ledger/checkpoint.js';
import { decodeCheckpointRecord } from '../../ledger/checkpoint-record.js';
import { SealstreamError } from '../../ledger/error.js';
import { formatOrigin } from '../../ledger/origin.js';
import type { Fetched, Reader, StreamRecord, TopicIdentity } from '../../stream/stream.js';
import type { ConsumerOptions } from '../options.js';
import { pause } from '../source.js';

export interface AwaitSealedOptions extends ConsumerOptions {
  readonly topic: TopicIdentity;
  readonly partition: number;
  /** Of the record. */
  readonly offset: bigint;
  readonly checkpoints: TopicIdentity;
  /** The checkpoint topic's high watermark before the record was published. */
  readonly from: bigint;
  /** Milliseconds to wait. */
  readonly waitMs: number;
}

export interface AwaitedSeal {
  /** null: none came in time. */
  readonly covering: Checkpoint | null;
  /** Checkpoints of the partition that came meanwhile and do not reach the record. */
  readonly earlier: number;
  /** Records that claim to be such checkpoints and that this key did not sign. */
  readonly unopened: number;
}

const POLL_MS = 500;
const PAUSE_MS = 100;

/**
 * The first checkpoint, signed by the key, that covers the record. Whether the log leads to it is for
 * `prove` to say. Throws what the stream says; class `retry` only where it is said at the end.
 */
export async function awaitSealed(options: AwaitSealedOptions): Promise<AwaitedSeal> {
  const { stream, checkpoints, from, waitMs, signal } = options;
  const deadline = performance.now() + waitMs;
  const left = (): number => Math.max(0, deadline - performance.now());
  const watch = new Watch(options);
  let failure: SealstreamError | null = null;
  let reader: Reader | null = null;
  try {
    while (left() > 0) {
      try {
        if (reader === null) {
          reader = await stream.reader(checkpoints);
          reader.seek({ partition: 0, offset: from });
        }
        const [fetched] = await reader.poll(Math.min(POLL_MS, left()), signal);
        signal?.throwIfAborted();
        failure = fetched?.error ?? failure;
        if (fetched !== undefined && watch.take(fetched)) break;
        if (fetched === undefined) continue;
        if (fetched.error !== null) throw fetched.error;
        failure = null;
      } catch (error) {
        if (!(error instanceof SealstreamError) || error.class !== 'retry') throw error;
        failure = error;
        await pause(Math.min(PAUSE_MS, left()), signal);
      }
    }
  } finally {
    await reader?.close();
  }
  if (watch.covering === null && failure !== null) throw failure;
  const { covering, earlier, unopened } = watch;
  return { covering, earlier, unopened };
}

class Watch {
  covering: Checkpoint | null = null;
  earlier = 0;
  unopened = 0;
  readonly #options: AwaitSealedOptions;
  readonly #origin: string;

  constructor(options: AwaitSealedOptions) {
    const { ledger, topic, partition } = options;
    this.#options = options;
    this.#origin = formatOrigin({ ledger, ...identityOf(topic), partition });
  }

  /** true: a checkpoint that covers the record was among what was fetched. */
  take({ batches }: Fetched): boolean {
    for (const batch of batches) {
      for (let index = 0; index < batch.count; index += 1) this.#look(batch.record(index));
    }
    return this.covering !== null;
  }

  #look(record: StreamRecord): void {
    if (record.value === null || this.covering !== null) return;
    let checkpoint: Checkpoint;
    try {
      const decoded = decodeCheckpointRecord(record);
      if (decoded.origin !== this.#origin) return;
      this.unopened += 1;
      checkpoint = openCheckpoint(decoded.record.note, this.#origin, this.#options.publicKey);
    } catch (error) {
      // Whatever else is written there is for `verify` to judge.
      if (error instanceof SealstreamError && error.class === 'data') return;
      throw error;
    }
    this.unopened -= 1;
    const { first, next } = checkpoint;
    const { offset } = this.#options;
    if (first <= offset && offset < next) this.covering = checkpoint;
    else this.earlier += 1;
  }
}

/** A description has more fields than an origin may have. */
function identityOf({ topic, topicId }: TopicIdentity): TopicIdentity {
  return { topic, topicId };
}
