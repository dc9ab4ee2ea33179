import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordHash } from '../../../ledger/body.js';
import { type Checkpoint, openCheckpoint } from '../../../ledger/checkpoint.js';
import { encodeEntry } from '../../../ledger/entry.js';
import { EMPTY_ROOT, type Hash, leafHash } from '../../../ledger/hash.js';
import { type SigningKey, signingKeyFromSeed } from '../../../ledger/keys.js';
import { formatOrigin, genesis } from '../../../ledger/origin.js';
import { treeRoot } from '../../../ledger/proof.js';
import { type Sealer, type SealerOptions, sealer, startLog } from '../../../sealer/index.js';
import { openMemory } from '../../../store/folder.js';
import type { Memory, MemoryKey } from '../../../store/memory.js';
import { BatchEncoder } from '../../../stream/batch/encode.js';
import { readCheckpointRecords } from '../../../stream/checkpoint-topic.js';
import { openStream } from '../../../stream/open.js';
import { readRange } from '../../../stream/read.js';
import type { Stream, StreamRecord, TopicIdentity } from '../../../stream/stream.js';

export { until } from '../until.js';

export const LEDGER = 'audit.example.com/test';
export const TOPIC = 'audit';

export interface Place {
  /** Default: one of its own, removed with the ledger. */
  readonly folder?: string;
  /** Default: the embedded stream in the folder. */
  readonly url?: string;
  readonly topic?: string;
}

/** A ledger with a memory in a folder of its own, on real files or a real Kafka. */
export class TestLedger {
  readonly folder: string;
  readonly url: string;
  readonly topic: string;
  readonly key: SigningKey = signingKeyFromSeed(new Uint8Array(32).fill(7));
  stream!: Stream;
  memory!: Memory;

  constructor(place: Place = {}) {
    this.folder = place.folder ?? mkdtempSync(join(tmpdir(), 'sealstream-sealer-'));
    this.url = place.url ?? `file:${this.data}`;
    this.topic = place.topic ?? TOPIC;
  }

  get data(): string {
    return join(this.folder, 'data');
  }

  get memoryPath(): string {
    return join(this.folder, 'memory');
  }

  /** Topics made and logs started, as `apply` does. */
  static async make(partitions = 1, place: Place = {}): Promise<TestLedger> {
    const ledger = new TestLedger(place);
    await ledger.open();
    await ledger.createTopics(partitions);
    for (let partition = 0; partition < partitions; partition += 1) await ledger.start(partition);
    return ledger;
  }

  async open(): Promise<void> {
    mkdirSync(this.data, { recursive: true });
    this.stream = await openStream(this.url);
    this.memory = await openMemory(this.memoryPath, { create: true });
  }

  async createTopics(partitions: number): Promise<void> {
    const settings = new Map([['message.timestamp.type', 'LogAppendTime']]);
    const compact = new Map([['cleanup.policy', 'compact']]);
    const one = { partitions: 1, replication: 1, settings: compact };
    await this.stream.createTopic({ topic: this.topic, partitions, replication: 1, settings });
    await this.stream.createTopic({ topic: `${this.topic}.checkpoints`, ...one });
  }

  async start(partition: number): Promise<void> {
    const topic = await this.identity();
    const { stream, memory } = this;
    await startLog({ stream, memory, ledger: LEDGER, topic, partition });
  }

  async identity(topic = this.topic): Promise<TopicIdentity> {
    const found = await this.stream.describe(topic);
    if (found === null) throw new Error(`no topic ${topic}`);
    return { topic, topicId: found.topicId };
  }

  async origin(partition = 0): Promise<string> {
    const { topicId } = await this.identity();
    return formatOrigin({ ledger: LEDGER, topic: this.topic, topicId, partition });
  }

  keyOf(partition = 0): MemoryKey {
    return { ledger: LEDGER, topic: this.topic, partition };
  }

  /** Appends one batch of `count` records. */
  async append(count: number, partition = 0): Promise<void> {
    const encoder = new BatchEncoder();
    for (let index = 0; index < count; index += 1) {
      const value = Buffer.from(`record ${index} of ${count}`);
      encoder.add({ key: null, value, headers: [] }, BigInt(Date.now()));
    }
    const appender = await this.stream.appender(await this.identity());
    const outcome = await appender.append(partition, encoder.finish());
    await appender.close();
    if (outcome.kind !== 'acknowledged') throw outcome.error;
  }

  sealer(options: Partial<SealerOptions> = {}): Promise<Sealer> {
    const { stream, memory, key } = this;
    const own = { stream, memory, signingKey: key, ledger: LEDGER, topics: [this.topic] };
    return sealer({ ...own, truncatedAfter: 50, timeout: 60_000, ...options });
  }

  /** A sealer at work; `stop` waits for its end. */
  async running(options: Partial<SealerOptions> = {}) {
    const sealer = await this.sealer(options);
    const stopping = new AbortController();
    const ended = sealer.run(stopping.signal);
    const stop = async (): Promise<void> => {
      stopping.abort();
      await ended;
    };
    return { sealer, stop };
  }

  async sealOnce(options: Partial<SealerOptions> = {}) {
    return (await this.sealer(options)).sealOnce();
  }

  /** All records of a partition. */
  async records(partition = 0): Promise<StreamRecord[]> {
    const records: StreamRecord[] = [];
    const range = { partition, from: 0n };
    for await (const fetched of readRange(this.stream, await this.identity(), range)) {
      for (const batch of fetched.batches) {
        for (let index = 0; index < batch.count; index += 1) records.push(batch.record(index));
      }
    }
    return records;
  }

  /** Every value in the checkpoint topic, in order. */
  async notes(): Promise<string[]> {
    const topic = await this.identity(`${this.topic}.checkpoints`);
    const notes: string[] = [];
    for await (const { value } of readCheckpointRecords(this.stream, topic)) {
      notes.push(Buffer.from(value ?? []).toString());
    }
    return notes;
  }

  /** Every checkpoint of a partition, opened, in the order in which it was published. */
  async checkpoints(partition = 0): Promise<Checkpoint[]> {
    const origin = await this.origin(partition);
    return (await this.notes())
      .filter((note) => note.startsWith(`${origin}\n`))
      .map((note) => openCheckpoint(note, origin, this.key.publicKey));
  }

  /** c(n) of every record, computed from FORMAT §3 alone. */
  async chain(partition = 0): Promise<Hash[]> {
    let previous = genesis(await this.origin(partition));
    return (await this.records(partition)).map((record) => {
      const { offset, timestamp, timestampType } = record;
      const hash = recordHash(record.body);
      const entry = encodeEntry({ previous, record: hash, offset, timestamp, timestampType });
      previous = leafHash(entry);
      return previous;
    });
  }

  /** What is wrong with the published checkpoints of a partition; empty: they all seal this log. */
  async wrong(partition = 0): Promise<string[]> {
    const chain = await this.chain(partition);
    const origin = await this.origin(partition);
    const wrong: string[] = [];
    for (const { size, chain: sealed, root } of await this.checkpoints(partition)) {
      const last = size === 0n ? genesis(origin) : chain[Number(size) - 1];
      const expected =
        size === 0n ? EMPTY_ROOT : treeRoot((index) => chain[Number(index)] as Hash, size);
      if (!last || Buffer.compare(last, sealed) !== 0) wrong.push(`chain at ${size}`);
      if (Buffer.compare(expected, root) !== 0) wrong.push(`root at ${size}`);
    }
    return wrong;
  }

  /** Deletes the folders of a topic, as somebody with access to the disk would. */
  deleteTopic(topic: string, partitions = 1): void {
    for (let partition = 0; partition < partitions; partition += 1) {
      rmSync(join(this.data, `${topic}-${partition}`), { recursive: true });
    }
  }

  /** A second ledger folder with the same contents as this one; closes and reopens this one. */
  async copy(): Promise<TestLedger> {
    await this.close();
    const copy = new TestLedger();
    cpSync(this.folder, copy.folder, { recursive: true });
    await this.open();
    await copy.open();
    return copy;
  }

  /** Exchanges the memory for that of `other`. */
  async takeMemoryOf(other: TestLedger): Promise<void> {
    await this.memory.close();
    rmSync(this.memoryPath, { recursive: true, force: true });
    cpSync(other.memoryPath, this.memoryPath, { recursive: true });
    this.memory = await openMemory(this.memoryPath);
  }

  async close(): Promise<void> {
    await this.stream.close();
    await this.memory.close();
  }

  async remove(): Promise<void> {
    await this.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
