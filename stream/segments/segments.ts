import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asSealstreamError, SealstreamError } from '../../ledger/error.js';
import type {
  Appender,
  AppenderOptions,
  Bounds,
  Logger,
  Ownership,
  OwnershipOptions,
  Reader,
  ReaderOptions,
  Stray,
  Stream,
  StreamOptions,
  TopicDescription,
  TopicIdentity,
  TopicSpecification,
} from '../stream.js';
import { SegmentAppender } from './appender.js';
import { createTopic } from './create.js';
import { fileError, partitionFolder } from './folder.js';
import { misleadingRanges } from './indexes.js';
import { ownPartitions } from './ownership.js';
import { PartitionLog } from './partition-log.js';
import { SegmentReader } from './reader.js';
import { checkPartition, checkWritable, describeTopic, requireTopic } from './topic.js';

const DEFAULT_TIMEOUT_MS = 30_000;
/** Kafka's smallest is 14 bytes; below this a segment would hold hardly a batch. */
const MIN_SEGMENT_BYTES = 1024;
const DEFAULT_SEGMENT_BYTES = 256 * 1024 * 1024;
const MAX_SEGMENT_BYTES = 2 ** 31 - 1;

interface Closable {
  close(): Promise<void>;
}

/**
 * The stream in a folder: `file:PATH`, relative to the working directory, or a `file://` URL. Topic
 * setting `segment.bytes` says how large its segments grow, 256 MiB by default.
 */
export async function openSegments(url: string, options: StreamOptions = {}): Promise<Stream> {
  return new SegmentStream(url, folderOf(url), options);
}

/** The absolute folder that a `file:` URL names. Throws `configuration`. */
export function folderOf(url: string): string {
  const path = url.startsWith('file://') ? pathOf(url) : url.slice('file:'.length);
  if (!url.startsWith('file:') || path === '' || path.includes('\0')) {
    throw new SealstreamError('configuration', `stream: "${url}" names no folder; use file:PATH`);
  }
  return resolve(path);
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw asSealstreamError(error, 'configuration', `stream: "${url}"`);
  }
}

class SegmentStream implements Stream {
  readonly url: string;
  private readonly root: string;
  private readonly timeoutMs: number;
  private readonly logger: Logger | undefined;
  private readonly logs = new Map<string, PartitionLog>();
  private readonly opened = new Set<Closable>();
  private closed = false;

  constructor(url: string, root: string, options: StreamOptions) {
    this.url = url;
    this.root = root;
    this.timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.logger = options.logger;
  }

  async describe(topic: string): Promise<TopicDescription | null> {
    this.checkOpen();
    return describeTopic(this.root, topic);
  }

  async createTopic(specification: TopicSpecification): Promise<boolean> {
    this.checkOpen();
    segmentBytes(specification.settings, specification.topic);
    return createTopic(this.root, specification, this.timeoutMs);
  }

  async bounds(
    topic: TopicIdentity,
    partitions: readonly number[],
  ): Promise<readonly (Bounds | SealstreamError)[]> {
    this.checkOpen();
    const answers: (Bounds | SealstreamError)[] = [];
    for (const partition of partitions) answers.push(await this.boundsOf(topic, partition));
    return answers;
  }

  async reader(topic: TopicIdentity, options: ReaderOptions = {}): Promise<Reader> {
    this.checkOpen();
    requireTopic(this.root, topic);
    return this.keep(new SegmentReader(this.root, topic, options));
  }

  async misleadingRanges(topic: TopicIdentity, partition: number): Promise<readonly Stray[]> {
    this.checkOpen();
    const folder = partitionFolder(this.root, topic.topic, partition);
    try {
      checkPartition(this.root, topic, partition);
      return await misleadingRanges(this.root, folder);
    } catch (error) {
      throw fileError(error, folder);
    }
  }

  async appender(topic: TopicIdentity, options: AppenderOptions = {}): Promise<Appender> {
    this.checkOpen();
    const description = requireTopic(this.root, topic);
    checkWritable(this.root, description);
    const writing = {
      segmentBytes: segmentBytes(description.settings, topic.topic),
      ...(this.logger && { logger: this.logger }),
    };
    return this.keep(new SegmentAppender(this.root, topic, options, writing));
  }

  async own(topic: TopicIdentity, options: OwnershipOptions): Promise<Ownership> {
    this.checkOpen();
    checkWritable(this.root, requireTopic(this.root, topic));
    try {
      return this.keep(ownPartitions(this.root, topic, options));
    } catch (error) {
      throw fileError(error, `${this.root}: sharing ${topic.topic} among sealers`);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    const opened = [...this.opened];
    this.opened.clear();
    await Promise.all(opened.map((one) => one.close()));
  }

  private async boundsOf(
    topic: TopicIdentity,
    partition: number,
  ): Promise<Bounds | SealstreamError> {
    const name = `${topic.topicId}/${topic.topic}/${partition}`;
    const log = this.logs.get(name) ?? new PartitionLog(this.root, topic, partition);
    this.logs.set(name, log);
    try {
      const { logStart, highWatermark } = await log.bounds();
      return { partition, logStart, highWatermark };
    } catch (error) {
      return fileError(error, `topic ${topic.topic} partition ${partition}`);
    }
  }

  /** Closed with the stream, if not before; closing twice does nothing. */
  private keep<T extends Closable>(opened: T): T {
    const close = opened.close.bind(opened);
    opened.close = () => {
      this.opened.delete(opened);
      return close();
    };
    this.opened.add(opened);
    return opened;
  }

  private checkOpen(): void {
    if (this.closed) throw new SealstreamError('closed', `stream: ${this.url} is closed`);
  }
}

function segmentBytes(settings: ReadonlyMap<string, string>, topic: string): number {
  const text = settings.get('segment.bytes');
  if (text === undefined) return DEFAULT_SEGMENT_BYTES;
  const value = /^[1-9][0-9]{0,9}$/.test(text) ? Number(text) : 0;
  if (value >= MIN_SEGMENT_BYTES && value <= MAX_SEGMENT_BYTES) return value;
  throw new SealstreamError(
    'configuration',
    `stream: topic ${topic}: segment.bytes is "${text}", must be ${MIN_SEGMENT_BYTES} to ` +
      `${MAX_SEGMENT_BYTES}`,
  );
}
