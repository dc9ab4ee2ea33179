import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPair } from '../../ledger/keys.js';
import { openStream } from '../../stream/open.js';
import type { BenchOptions, RecordSize } from '../options.js';
import { runScript } from './contender.js';
import { type EventRecipe, eventsOf } from './events.js';
import { fill } from './fill.js';
import { type BenchKafka, deleteTopics, openKafka } from './kafka.js';
import { type KafkaTools, kafkaTools } from './kafka-tools.js';
import { type BenchLedger, type BenchTopic, type Keys, startLedger } from './ledger.js';
import {
  bytesOf,
  plainRecords,
  publishedRecords,
  readSamples,
  type Samples,
  writeSamples,
} from './samples.js';
import { createTopics } from './topics.js';

export type Place = 'kafka' | 'file';
export type Content = 'plain' | 'events';

export interface LogWish {
  readonly place: Place;
  readonly records: number;
  readonly size: RecordSize;
  readonly partitions: number;
  /** `events`: what the publisher makes of typed events. CloudTrail is always that. */
  readonly content: Content;
}

/** A log that was written once, for every bench of this run. */
export interface PreparedLog extends BenchTopic, LogWish {
  readonly samples: Samples;
  readonly bytes: number;
}

export interface PreparedEvents {
  readonly recipe: EventRecipe;
  readonly samples: Samples;
}

/** What benches share: a folder, one Kafka, keys, and logs that are written once. */
export class Scene {
  readonly folder: string;
  readonly tell: (line: string) => void;
  readonly #options: BenchOptions;
  readonly #keys: Keys;
  readonly #logs = new Map<string, Promise<PreparedLog>>();
  readonly #sealed = new Map<PreparedLog, Promise<BenchLedger>>();
  readonly #events = new Map<RecordSize, Promise<PreparedEvents>>();
  readonly #topics = new Set<string>();
  #kafka: Promise<BenchKafka | { skip: string }> | null = null;
  #tools: Promise<KafkaTools | { skip: string }> | null = null;
  #made = 0;

  private constructor(
    folder: string,
    options: BenchOptions,
    keys: Keys,
    tell: (line: string) => void,
  ) {
    this.folder = folder;
    this.#options = options;
    this.#keys = keys;
    this.tell = tell;
  }

  static async open(options: BenchOptions, tell: (line: string) => void): Promise<Scene> {
    const folder = await mkdtemp(join(tmpdir(), 'sealstream-bench-'));
    await mkdir(join(folder, 'data'));
    const { privatePem, publicPem } = generateKeyPair();
    const keys = { privateKey: join(folder, 'key.pem'), publicKey: join(folder, 'key.pub.pem') };
    await writeFile(keys.privateKey, privatePem, { mode: 0o600 });
    await writeFile(keys.publicKey, publicPem);
    return new Scene(folder, options, keys, tell);
  }

  /** A name that nothing else has. */
  name(kind: string): string {
    this.#made += 1;
    return `${kind}-${process.pid}-${this.#made}`;
  }

  kafka(): Promise<BenchKafka | { skip: string }> {
    this.#kafka ??= openKafka(this.#options.brokers);
    return this.#kafka;
  }

  /** Kafka's Java clients. */
  tools(): Promise<KafkaTools | { skip: string }> {
    this.#tools ??= kafkaTools();
    return this.#tools;
  }

  /** Throws where there is no Kafka: ask `kafka` first. */
  async bootstrap(): Promise<string> {
    const kafka = await this.kafka();
    if ('skip' in kafka) throw new Error(kafka.skip);
    return kafka.bootstrap;
  }

  async url(place: Place): Promise<string> {
    return place === 'file'
      ? `file:${join(this.folder, 'data')}`
      : `kafka://${await this.bootstrap()}`;
  }

  /** A new, empty audit topic. */
  async topic(place: Place, partitions: number): Promise<BenchTopic> {
    const url = await this.url(place);
    const topic = this.name('audit');
    const stream = await openStream(url);
    try {
      await createTopics(stream, topic, partitions);
    } finally {
      await stream.close();
    }
    if (place === 'kafka') this.#topics.add(topic);
    return { url, topic, partitions };
  }

  async removeTopic({ url, topic, partitions }: BenchTopic): Promise<void> {
    const both = [topic, `${topic}.checkpoints`];
    if (url.startsWith('kafka:')) {
      await deleteTopics(await this.bootstrap(), both);
      this.#topics.delete(topic);
      return;
    }
    for (const name of both) {
      for (let partition = 0; partition < partitions; partition += 1) {
        const folder = join(this.folder, 'data', `${name}-${partition}`);
        await rm(folder, { recursive: true, force: true });
      }
    }
  }

  /** Written the first time. */
  log(wish: LogWish): Promise<PreparedLog> {
    const { place, records, size, partitions, content } = wish;
    const key = JSON.stringify([place, records, size, partitions, content]);
    let log = this.#logs.get(key);
    if (log === undefined) {
      log = this.#write(wish);
      this.#logs.set(key, log);
    }
    return log;
  }

  /** Sealed to its end, once. */
  sealed(log: PreparedLog): Promise<BenchLedger> {
    let sealed = this.#sealed.get(log);
    if (sealed === undefined) {
      sealed = this.#seal(log);
      this.#sealed.set(log, sealed);
    }
    return sealed;
  }

  /** A ledger over a prepared log or a topic of which nothing is sealed. */
  ledger(topic: BenchTopic): Promise<BenchLedger> {
    return startLedger(this.folder, this.name('ledger'), topic, this.#keys);
  }

  /** What typed events of this size are made from, and the records that the publisher makes. */
  events(size: RecordSize): Promise<PreparedEvents> {
    let events = this.#events.get(size);
    if (events === undefined) {
      events = this.#makeEvents(size);
      this.#events.set(size, events);
    }
    return events;
  }

  /** Records to write: plain ones, or CloudTrail's. */
  samples(size: RecordSize): Promise<Samples> {
    return this.#samples(size, 'plain');
  }

  async close(): Promise<void> {
    const kafka = this.#kafka === null ? null : await this.#kafka;
    if (kafka !== null && !('skip' in kafka)) {
      const topics = [...this.#topics].flatMap((topic) => [topic, `${topic}.checkpoints`]);
      if (this.#options.brokers !== null) await deleteTopics(kafka.bootstrap, topics);
      await kafka.close();
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  async #samples(size: RecordSize, content: Content): Promise<Samples> {
    if (content === 'events' || size === 'cloudtrail') return (await this.events(size)).samples;
    return writeSamples(join(this.folder, this.name('samples')), plainRecords(size));
  }

  async #makeEvents(size: RecordSize): Promise<PreparedEvents> {
    const recipe = await this.#recipe(size);
    const records = await this.#published(recipe);
    const samples = await writeSamples(join(this.folder, this.name('samples')), records);
    return { recipe, samples };
  }

  async #recipe(size: RecordSize): Promise<EventRecipe> {
    if (size === 'cloudtrail') {
      return { kind: 'cloudtrail', folder: process.env['SEALSTREAM_CLOUDTRAIL'] ?? '' };
    }
    const [first] = await this.#published({ kind: 'made', padding: 0 });
    // One for the text and four for its map entry, near enough.
    const padding = Math.max(0, size - (first?.value?.length ?? 0) - 8);
    return { kind: 'made', padding };
  }

  async #published(recipe: EventRecipe) {
    const folder = join(this.folder, this.name('published'));
    await mkdir(folder);
    return publishedRecords(folder, await eventsOf(recipe));
  }

  async #write(wish: LogWish): Promise<PreparedLog> {
    const { place, records, size, partitions, content } = wish;
    this.tell(`writing ${records} records (${size}) to ${partitions} partitions of ${place}`);
    const samples = await this.#samples(size, content);
    const topic = await this.topic(place, partitions);
    const stream = await openStream(topic.url);
    try {
      const identity = await stream.describe(topic.topic);
      if (identity === null) throw new Error(`no topic ${topic.topic}`);
      await fill(stream, identity, partitions, records, await readSamples(samples.path));
    } finally {
      await stream.close();
    }
    return { ...wish, ...topic, samples, bytes: bytesOf(samples, records) };
  }

  async #seal(log: PreparedLog): Promise<BenchLedger> {
    this.tell(`sealing ${log.records} records in ${log.topic}`);
    const ledger = await this.ledger(log);
    await runScript('seal', { ...ledger, records: log.records, bytes: log.bytes });
    return ledger;
  }
}
