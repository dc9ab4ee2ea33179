/**
 * A checkpoint topic as years of sealing leave it: one checkpoint an hour and partition, each of one
 * more record. Made directly, since a sealer would take those years.
 */
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type Checkpoint, formatCheckpoint } from '../../ledger/checkpoint.js';
import { checkpointTopic, encodeCheckpointRecord } from '../../ledger/checkpoint-record.js';
import { type PublicKey, publicKeyFromPem } from '../../ledger/keys.js';
import { LogState } from '../../ledger/log.js';
import { formatNote, keyId } from '../../ledger/note.js';
import { formatOrigin } from '../../ledger/origin.js';
import { encodeUtf8 } from '../../ledger/text.js';
import { openMemory } from '../../store/folder.js';
import type { RememberedCheckpoint } from '../../store/memory.js';
import { BatchEncoder } from '../../stream/batch/encode.js';
import { openStream } from '../../stream/open.js';
import { readRange } from '../../stream/read.js';
import type { Appender, EncodedBatch, Stream, TopicDescription } from '../../stream/stream.js';
import type { BenchLedger } from './ledger.js';

const HOUR_MS = 3_600_000;
/** Signed side by side, and appended without waiting in between. */
const TOGETHER = 512;
const signLater = promisify(sign) as (
  algorithm: null,
  text: Uint8Array,
  key: KeyObject,
) => Promise<Buffer>;

interface Unsigned {
  readonly partition: number;
  readonly checkpoint: Checkpoint;
  readonly last: Uint8Array;
  readonly frontier: Uint8Array;
}

interface Keys {
  readonly privateKey: KeyObject;
  readonly publicKey: PublicKey;
}

/** A checkpoint for every record of the ledger's logs; the last of each is the memory's. */
export async function grow(ledger: BenchLedger): Promise<void> {
  const privateKey = createPrivateKey(await readFile(ledger.privateKey, 'utf8'));
  const publicKey = publicKeyFromPem(await readFile(ledger.publicKey, 'utf8'));
  const stream = await openStream(ledger.url);
  const heads = new Map<number, RememberedCheckpoint>();
  try {
    const topic = await described(stream, ledger.topic);
    const published = await described(stream, checkpointTopic(ledger.topic));
    const appender = await stream.appender(published);
    let writing = Promise.resolve();
    for await (const some of chunks(hourly(stream, ledger, topic))) {
      const signed = await Promise.all(some.map((one) => sealed(one, { privateKey, publicKey })));
      await writing;
      writing = append(appender, signed);
      some.forEach(({ partition }, index) => {
        const record = signed[index];
        if (record !== undefined) heads.set(partition, record);
      });
    }
    await writing;
    await appender.close();
  } finally {
    await stream.close();
  }
  await remember(ledger, heads);
}

async function described(stream: Stream, topic: string): Promise<TopicDescription> {
  const description = await stream.describe(topic);
  if (description === null) throw new Error(`no topic ${topic}`);
  return description;
}

/** Hour by hour, a checkpoint of every partition that has a record left. */
async function* hourly(
  stream: Stream,
  { ledger }: BenchLedger,
  topic: TopicDescription,
): AsyncGenerator<Unsigned> {
  let logs = Array.from({ length: topic.partitions }, (_, partition) =>
    checkpointsOf(stream, ledger, topic, partition),
  );
  while (logs.length > 0) {
    const next = await Promise.all(logs.map((log) => log.next()));
    logs = logs.filter((_, index) => next[index]?.done !== true);
    for (const one of next) if (one.done !== true) yield one.value;
  }
}

async function* checkpointsOf(
  stream: Stream,
  ledger: string,
  description: TopicDescription,
  partition: number,
): AsyncGenerator<Unsigned> {
  const { topic, topicId, partitions } = description;
  const origin = formatOrigin({ ledger, topic, topicId, partition });
  const [bounds] = await stream.bounds(description, [partition]);
  if (bounds === undefined || bounds instanceof Error) throw bounds ?? new Error('no bounds');
  const now = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
  const state = LogState.start(origin, 0n);
  for await (const { batches } of readRange(stream, description, { partition, from: 0n })) {
    for (const batch of batches) {
      for (let index = 0; index < batch.count; index += 1) {
        state.append(batch, index, index + 1);
        const { size, next, chain, first } = state;
        const time = now - Number(bounds.highWatermark - next) * HOUR_MS;
        const head = { origin, size, root: state.root(), first, next, chain };
        const checkpoint = { ...head, partitions, time, extensions: [] };
        yield { partition, checkpoint, last: state.last(), frontier: state.frontier() };
      }
    }
  }
}

async function* chunks<T>(all: AsyncIterable<T>): AsyncGenerator<readonly T[]> {
  let some: T[] = [];
  for await (const one of all) {
    some.push(one);
    if (some.length < TOGETHER) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

async function sealed(unsigned: Unsigned, keys: Keys): Promise<RememberedCheckpoint> {
  const { checkpoint, last, frontier } = unsigned;
  const text = formatCheckpoint(checkpoint);
  const name = checkpoint.origin;
  const signature = await signLater(null, encodeUtf8(text), keys.privateKey);
  const signatures = [{ name, keyId: keyId(name, keys.publicKey), signature }];
  return { note: formatNote({ text, signatures }), last, frontier, published: true };
}

/** Each in a batch of its own, as sealers append them. */
async function append(appender: Appender, records: readonly RememberedCheckpoint[]): Promise<void> {
  const outcomes = await Promise.all(records.map((one) => appender.append(0, batchOf(one))));
  for (const outcome of outcomes) if (outcome.kind !== 'acknowledged') throw outcome.error;
}

function batchOf(record: RememberedCheckpoint): EncodedBatch {
  const encoder = new BatchEncoder();
  encoder.add(encodeCheckpointRecord(record), BigInt(Date.now()));
  return encoder.finish();
}

async function remember(
  { memory: path, ledger, topic }: BenchLedger,
  heads: ReadonlyMap<number, RememberedCheckpoint>,
): Promise<void> {
  const memory = await openMemory(path);
  try {
    for (const [partition, checkpoint] of heads) {
      const key = { ledger, topic, partition };
      const slot = await memory.read(key);
      if (slot === null) throw new Error(`the memory holds nothing of ${topic}/${partition}`);
      const record = { ...slot.record, checkpoint };
      if ((await memory.compareAndSet(key, slot.version, record)) === null) {
        throw new Error(`somebody else writes to ${path}`);
      }
    }
  } finally {
    await memory.close();
  }
}
