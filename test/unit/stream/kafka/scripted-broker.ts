import { SealstreamError } from '../../../../ledger/error.js';
import { decodeBatches } from '../../../../stream/batch/decode.js';
import { BatchEncoder } from '../../../../stream/batch/encode.js';
import { hasValidCrc, readBatchHeader } from '../../../../stream/batch/layout.js';
import type { BatchIdentity } from '../../../../stream/kafka/produce/partition-producer.js';
import type {
  FoundBatch,
  PartitionRecords,
  ProduceAnswer,
  ProducedPartition,
  ProducePort,
  TopicNow,
} from '../../../../stream/kafka/produce/produce-port.js';
import type { EncodedBatch } from '../../../../stream/stream.js';

export const TOPIC = { topic: 'audit', topicId: 'Qk9vVGh1X2V4YW1wbGVzQQ' };
export const OTHER_ID = 'QW5vdGhlci10b3BpYy1pZA';
const REMEMBERED = 5;

/** What happens to one request; `written`: the broker appends before things go wrong. */
export type Fault =
  | { readonly kind: 'none' }
  | { readonly kind: 'code'; readonly code: number; readonly written?: boolean }
  | { readonly kind: 'cut'; readonly written: boolean }
  | { readonly kind: 'unsent'; readonly error?: SealstreamError }
  /** No answer until `release` is called. */
  | { readonly kind: 'hang'; readonly written: boolean };

export interface Stored {
  readonly text: string;
  readonly baseOffset: bigint;
  readonly identity: BatchIdentity;
}

interface Remembered {
  readonly producerId: bigint;
  readonly epoch: number;
  readonly first: number;
  readonly next: number;
  readonly baseOffset: bigint;
}

/** One record whose value is `text`. */
export function batchOf(text: string): EncodedBatch {
  const encoder = new BatchEncoder();
  encoder.add({ key: null, value: Buffer.from(text), headers: [] }, 0n);
  return encoder.finish();
}

/**
 * A cluster that fails as told and else does what brokers do with idempotent producers: it keeps
 * five batches per partition and compares epoch and sequences.
 */
export class ScriptedBroker implements ProducePort {
  readonly requests: { leader: number; batches: readonly PartitionRecords[] }[] = [];
  readonly logs = new Map<number, Stored[]>();
  readonly leaders = new Map<number, number | null>();
  readonly leaderEpochs = new Map<number, number>();
  /** Below the log's end: what consumers are not shown yet. By partition. */
  readonly hidden = new Map<number, number>();
  topicId: string | null = TOPIC.topicId;
  /** What a request by name finds out after its answer. */
  writtenTo = TOPIC.topicId;
  closed = false;
  /** Given out so far. */
  producers = 0;
  firstEpoch = 0;
  /** For how long leader 1 asks for silence with every answer. */
  throttleMs = 0;
  readonly #faults: Fault[] = [];
  readonly #remembered = new Map<number, Remembered[]>();
  readonly #held: (() => void)[] = [];

  constructor(partitions: number) {
    for (let partition = 0; partition < partitions; partition++) {
      this.leaders.set(partition, 1);
      this.leaderEpochs.set(partition, 0);
      this.logs.set(partition, []);
    }
  }

  /** The faults of the next requests, in order; after them all is well. */
  script(...faults: readonly Fault[]): void {
    this.#faults.push(...faults);
  }

  /** Lets requests that hang reach the broker (again), late; nobody gets an answer for them. */
  deliverLate(): ProducedPartition[] {
    return this.requests.flatMap(({ batches }) => batches.map((each) => this.#append(each)));
  }

  release(): void {
    for (const settle of this.#held.splice(0)) settle();
  }

  texts(partition: number): string[] {
    return (this.logs.get(partition) ?? []).map(({ text }) => text);
  }

  async topicNow(): Promise<TopicNow> {
    const { topicId, leaders, leaderEpochs } = this;
    return { topicId, leaders: new Map(leaders), leaderEpochs: new Map(leaderEpochs) };
  }

  async newProducer() {
    this.producers += 1;
    return { producerId: 4710n + BigInt(this.producers), producerEpoch: this.firstEpoch };
  }

  async bounds(partition: number) {
    const end = (this.logs.get(partition) ?? []).length - (this.hidden.get(partition) ?? 0);
    return { partition, logStart: 0n, highWatermark: BigInt(end) };
  }

  /** An unclean election: the new leader has the first `kept` records, and of the producers what
   * those tell it. */
  elect(partition: number, kept: number): void {
    this.logs.get(partition)?.splice(kept);
    const remembered = this.#remembered.get(partition) ?? [];
    const known = remembered.filter(({ baseOffset }) => baseOffset < BigInt(kept));
    this.#remembered.set(partition, known);
    this.leaderEpochs.set(partition, (this.leaderEpochs.get(partition) ?? 0) + 1);
  }

  /** The broker's memory of producers expires. */
  forget(partition: number): void {
    this.#remembered.delete(partition);
  }

  /** As another producer would. */
  fill(partition: number, count: number): void {
    const log = this.logs.get(partition) ?? [];
    for (let filled = 0; filled < count; filled++) {
      const identity = { producerId: 1n, producerEpoch: 0, baseSequence: log.length, count: 1 };
      log.push({ text: `<other ${log.length}>`, baseOffset: BigInt(log.length), identity });
    }
  }

  async produce(leader: number, batches: readonly PartitionRecords[]): Promise<ProduceAnswer> {
    const fault = this.#faults.shift() ?? { kind: 'none' };
    this.requests.push({ leader, batches });
    if (fault.kind === 'unsent') {
      const error = fault.error ?? new SealstreamError('unreachable', 'no connection');
      return { kind: 'unsent', error };
    }
    const write = () => new Map(batches.map((each) => [each.partition, this.#append(each)]));
    if (fault.kind === 'none') return this.#answer(write(), leader === 1 ? this.throttleMs : 0);
    const partitions = fault.written === true ? write() : new Map<number, ProducedPartition>();
    if (fault.kind === 'code') {
      const { code } = fault;
      return this.#answer(new Map(batches.map(({ partition }) => [partition, failed(code)])));
    }
    if (fault.kind === 'hang') {
      await new Promise<void>((resolve) => this.#held.push(resolve));
      if (partitions.size > 0) return this.#answer(partitions);
    }
    return { kind: 'unanswered', error: new SealstreamError('unreachable', 'connection cut') };
  }

  async findBatches(
    partition: number,
    range: { readonly from: bigint | null; readonly until: bigint },
    identities: readonly BatchIdentity[],
  ): Promise<readonly FoundBatch[]> {
    const { from, until } = range;
    const log = (this.logs.get(partition) ?? []).filter(
      ({ baseOffset }) => baseOffset >= (from ?? 0n) && baseOffset < until,
    );
    return identities.map((identity) => {
      const stored = log.find((each) => sameBatch(each.identity, identity));
      return stored ? { kind: 'found', baseOffset: stored.baseOffset } : { kind: 'absent' };
    });
  }

  close(): void {
    this.closed = true;
    this.release();
  }

  #answer(partitions: ReadonlyMap<number, ProducedPartition>, throttleMs = 0): ProduceAnswer {
    return { kind: 'answered', topicId: this.writtenTo, throttleMs, partitions };
  }

  #append({ partition, bytes }: PartitionRecords): ProducedPartition {
    const header = readBatchHeader(bytes, 0);
    if (header === null || !hasValidCrc(bytes, 0, header)) return failed(2);
    const all = this.#remembered.get(partition) ?? [];
    const { producerId } = header;
    const remembered = all.filter((each) => each.producerId === producerId);
    const { producerEpoch: epoch, baseSequence: first } = header;
    const last = remembered.at(-1);
    if (last !== undefined && epoch < last.epoch) return failed(47);
    const same = remembered.find((each) => each.epoch === epoch && each.first === first);
    if (same !== undefined) return acknowledged(same.baseOffset);
    if (last !== undefined && first !== (epoch === last.epoch ? last.next : 0)) return failed(45);
    const log = this.logs.get(partition) ?? [];
    const baseOffset = BigInt(log.length);
    const count = header.lastOffsetDelta + 1;
    const [batch] = decodeBatches(bytes, { from: 0n, topic: TOPIC.topic, partition }).batches;
    const text = Buffer.from(batch?.record(0).value ?? []).toString();
    log.push({ text, baseOffset, identity: { ...header, count } });
    const kept = remembered.filter((each) => each.epoch === epoch).slice(1 - REMEMBERED);
    kept.push({ producerId, epoch, first, next: (first + count) % 2 ** 31, baseOffset });
    const others = all.filter((each) => each.producerId !== producerId);
    this.#remembered.set(partition, [...others, ...kept]);
    return acknowledged(baseOffset);
  }
}

function sameBatch(a: BatchIdentity, b: BatchIdentity): boolean {
  return (
    a.producerId === b.producerId &&
    a.producerEpoch === b.producerEpoch &&
    a.baseSequence === b.baseSequence
  );
}

function acknowledged(baseOffset: bigint): ProducedPartition {
  return { errorCode: 0, message: '', baseOffset, logAppendTime: 1_700_000_000_000n };
}

function failed(errorCode: number): ProducedPartition {
  // Error 7 may carry an offset: it is no acknowledgement.
  return { errorCode, message: 'as scripted', baseOffset: 99n, logAppendTime: -1n };
}
