import { encodeBody } from '../../ledger/body.js';
import { type Checkpoint, signCheckpoint } from '../../ledger/checkpoint.js';
import { type CheckpointRecord, encodeCheckpointRecord } from '../../ledger/checkpoint-record.js';
import { generateKeyPair, type SigningKey, signingKeyFromPem } from '../../ledger/keys.js';
import { LogState } from '../../ledger/log.js';
import type { RecordColumns, RecordParts } from '../../ledger/records.js';
import { BatchEncoder } from '../../stream/batch/encode.js';
import { readRange } from '../../stream/read.js';
import type { Appender, Stream, TopicDescription } from '../../stream/stream.js';

/**
 * A ledger made without the sealer: records appended and checkpoints signed exactly where a test
 * wants them, over any stream. Batches are uncompressed and hold ten records.
 */
const RECORDS_PER_BATCH = 10;

export interface MadeLedgerOptions {
  readonly ledger?: string;
  readonly topic?: string;
  readonly partitions?: number;
  readonly replication?: number;
  readonly key?: SigningKey;
}

/** A checkpoint with what its record carries. */
export interface Sealed {
  readonly checkpoint: Checkpoint;
  readonly note: string;
  readonly last: Uint8Array;
  readonly frontier: Uint8Array;
}

export function newKey(): SigningKey {
  return signingKeyFromPem(generateKeyPair().privatePem);
}

export class MadeLedger {
  readonly ledger: string;
  readonly topic: string;
  /** Of the topic that createTopic makes. */
  partitions: number;
  readonly key: SigningKey;
  readonly #replication: number;
  #stream: Stream;
  #states: LogState[] = [];
  #description: TopicDescription | null = null;

  private constructor(stream: Stream, options: MadeLedgerOptions) {
    this.#stream = stream;
    this.ledger = options.ledger ?? 'audit.example.com/made';
    this.topic = options.topic ?? 'audit';
    this.partitions = options.partitions ?? 2;
    this.#replication = options.replication ?? 1;
    this.key = options.key ?? newKey();
  }

  /** Creates both topics. */
  static async create(stream: Stream, options: MadeLedgerOptions = {}): Promise<MadeLedger> {
    const made = new MadeLedger(stream, options);
    await made.createTopic();
    await made.createCheckpointTopic();
    return made;
  }

  /** The same ledger and key over what the stream has now, knowing nothing of what it had. */
  static async fork(of: MadeLedger, stream: Stream): Promise<MadeLedger> {
    const made = new MadeLedger(stream, of);
    await made.#readTopic();
    return made;
  }

  get checkpointTopic(): string {
    return `${this.topic}.checkpoints`;
  }

  get description(): TopicDescription {
    if (this.#description === null) throw new Error('the topic is not created');
    return this.#description;
  }

  /** After the stream was closed and opened again. */
  use(stream: Stream): void {
    this.#stream = stream;
  }

  origin(partition: number): string {
    return `${this.ledger}/${this.topic}/${this.description.topicId}/${partition}`;
  }

  async createTopic(): Promise<void> {
    await this.#stream.createTopic({
      topic: this.topic,
      partitions: this.partitions,
      replication: this.#replication,
      settings: new Map([
        ['cleanup.policy', 'delete'],
        ['retention.ms', '-1'],
        ['message.timestamp.type', 'LogAppendTime'],
      ]),
    });
    await this.#readTopic();
  }

  async #readTopic(): Promise<void> {
    this.#description = await this.#stream.describe(this.topic);
    this.#states = Array.from({ length: this.partitions }, (_, partition) =>
      LogState.start(this.origin(partition), 0n),
    );
  }

  async createCheckpointTopic(): Promise<void> {
    await this.#stream.createTopic({
      topic: this.checkpointTopic,
      partitions: 1,
      replication: this.#replication,
      settings: new Map([['cleanup.policy', 'compact']]),
    });
  }

  /** Appends `count` made records, ten a batch. */
  async append(partition: number, count: number): Promise<void> {
    const records = Array.from({ length: count }, (_, index) => ({
      key: Buffer.from(`tenant-${index % 3}`),
      value: Buffer.from(`record ${index} of partition ${partition} ${'.'.repeat(index % 50)}`),
      headers: [{ key: Buffer.from('content-type'), value: Buffer.from('text/plain') }],
    }));
    await this.appendRecords(partition, records);
  }

  async appendRecords(partition: number, records: readonly RecordParts[]): Promise<void> {
    const appender = await this.#stream.appender(this.description);
    for (let start = 0; start < records.length; start += RECORDS_PER_BATCH) {
      await appendBatch(appender, partition, records.slice(start, start + RECORDS_PER_BATCH));
    }
    await appender.close();
  }

  /** The state of the partition's log at its end, from what the stream has. */
  async hash(partition: number): Promise<LogState> {
    const state = this.#states[partition];
    if (state === undefined) throw new Error(`no partition ${partition}`);
    const range = { partition, from: state.next };
    for await (const fetched of readRange(this.#stream, this.description, range)) {
      for (const batch of fetched.batches) state.append(batch);
      state.skipTo(fetched.next.offset);
    }
    return state;
  }

  /** What a sealer would sign for the partition now. `changes`: what a test wants signed instead. */
  async sign(
    partition: number,
    changes: Partial<Checkpoint> = {},
    key = this.key,
  ): Promise<Sealed> {
    const state = await this.hash(partition);
    const checkpoint: Checkpoint = {
      origin: state.origin,
      size: state.size,
      root: state.root(),
      first: state.first,
      next: state.next,
      partitions: this.partitions,
      chain: state.chain,
      time: Date.now(),
      extensions: [],
      ...changes,
    };
    const note = signCheckpoint(checkpoint, key);
    return { checkpoint, note, last: state.last(), frontier: state.frontier() };
  }

  /** A consistent checkpoint of `size` records that were never in the log. */
  async signOtherHistory(partition: number, size: number): Promise<Sealed> {
    const state = LogState.start(this.origin(partition), 0n);
    for (let offset = 0; offset < size; offset++) state.append(oneRecord(BigInt(offset)));
    const { checkpoint: template } = await this.sign(partition);
    const checkpoint: Checkpoint = {
      ...template,
      size: state.size,
      next: state.next,
      root: state.root(),
      chain: state.chain,
    };
    const note = signCheckpoint(checkpoint, this.key);
    return { checkpoint, note, last: state.last(), frontier: state.frontier() };
  }

  /** `sealed` signed again with something changed. */
  async signAs(sealed: Sealed, changes: Partial<Checkpoint>): Promise<Sealed> {
    const checkpoint = { ...sealed.checkpoint, ...changes };
    return { ...sealed, checkpoint, note: signCheckpoint(checkpoint, this.key) };
  }

  /** Signs the partition as it is and publishes that. */
  async seal(partition: number, changes: Partial<Checkpoint> = {}): Promise<Sealed> {
    const sealed = await this.sign(partition, changes);
    await this.publish(sealed);
    return sealed;
  }

  /** `count` more records, and a checkpoint over all of them. */
  async appendAndSeal(partition: number, count: number): Promise<Sealed> {
    await this.append(partition, count);
    return this.seal(partition);
  }

  async publish(sealed: CheckpointRecord): Promise<void> {
    await this.publishRecord(encodeCheckpointRecord(sealed));
  }

  /** Anything, in the checkpoint topic. */
  async publishRecord(parts: RecordParts): Promise<void> {
    await this.publishRecords([parts]);
  }

  async publishRecords(all: readonly RecordParts[]): Promise<void> {
    const topic = await this.#stream.describe(this.checkpointTopic);
    if (topic === null) throw new Error('there is no checkpoint topic');
    const appender = await this.#stream.appender(topic);
    for (let start = 0; start < all.length; start += RECORDS_PER_BATCH) {
      await appendBatch(appender, 0, all.slice(start, start + RECORDS_PER_BATCH));
    }
    await appender.close();
  }
}

function oneRecord(offset: bigint): RecordColumns {
  const bytes = encodeBody({ key: null, value: Buffer.from('another history'), headers: [] });
  return {
    bytes,
    count: 1,
    bodyStart: Int32Array.of(0),
    bodyEnd: Int32Array.of(bytes.length),
    offsets: BigInt64Array.of(offset),
    timestamps: BigInt64Array.of(BigInt(Date.now())),
    timestampType: 1,
  };
}

async function appendBatch(
  appender: Appender,
  partition: number,
  records: readonly RecordParts[],
): Promise<void> {
  const encoder = new BatchEncoder();
  for (const record of records) encoder.add(record, BigInt(Date.now()));
  const outcome = await appender.append(partition, encoder.finish());
  if (outcome.kind !== 'acknowledged') throw outcome.error;
}
