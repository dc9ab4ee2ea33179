import { join } from 'node:path';
import { SealstreamError } from '../../ledger/error.js';
import { checkTopicId } from '../../ledger/origin.js';
import type { TopicDescription, TopicIdentity } from '../stream.js';
import { isBrokerFolder } from './broker.js';
import {
  checkRoot,
  checkStreamTopic,
  fileSize,
  isFolder,
  listPartitions,
  listSegments,
  MAX_PARTITIONS,
  partitionFolder,
  readSmallFile,
} from './folder.js';

/**
 * What a partition folder says about its topic: `partition.metadata` as Kafka writes it, and beside
 * it `sealstream.json` where this stream made the topic, since Kafka keeps partition count and
 * settings elsewhere.
 */
export const METADATA_FILE = 'partition.metadata';
export const SETTINGS_FILE = 'sealstream.json';
const METADATA = /^version: 0\ntopic_id: ([A-Za-z0-9_-]{22})\n?$/;
const MAX_METADATA_BYTES = 1024;
const MAX_SETTINGS_BYTES = 1024 * 1024;

export interface TopicSettings {
  readonly partitions: number;
  readonly settings: readonly (readonly [string, string])[];
}

export function formatMetadata(topicId: string): string {
  return `version: 0\ntopic_id: ${topicId}`;
}

export function formatSettings(settings: TopicSettings): string {
  return `${JSON.stringify({ version: 1, ...settings })}\n`;
}

/**
 * null: the topic is not there, or is just being made. What one partition's files do not tell is
 * taken from another's: broken ones are that partition's, and no reason to lose sight of the rest.
 */
export function describeTopic(root: string, topic: string): TopicDescription | null {
  checkStreamTopic(topic);
  checkRoot(root);
  if (topic.startsWith('__')) return null;
  const partitions = listPartitions(root, topic);
  const [first] = partitions;
  if (first === undefined) return null;
  const folders = partitions.map((partition) => partitionFolder(root, topic, partition));
  const made = firstTold(folders, readSettings);
  // createTopic moves partition 0 in place last: without it and without data there is no topic yet.
  if (made && first !== 0 && folders.every(isEmpty)) return null;
  const topicId = firstTold(folders, readTopicId);
  if (topicId === null) return null;
  const settings = new Map(made?.settings ?? []);
  if (made) settings.set('message.timestamp.type', 'LogAppendTime');
  return {
    topic,
    topicId,
    partitions: made?.partitions ?? (partitions.at(-1) ?? 0) + 1,
    replication: 1,
    // What a broker's topic is set to does not stand on its disk; nothing is appended there anyway.
    timestampType: made ? 1 : 0,
    ownClock: true,
    settings,
  };
}

/** The first answer that is one; null: all say that there is none. Throws where none can be told. */
function firstTold<T>(folders: readonly string[], read: (folder: string) => T | null): T | null {
  let failure: unknown = null;
  for (const folder of folders) {
    try {
      const told = read(folder);
      if (told !== null) return told;
    } catch (error) {
      failure ??= error;
    }
  }
  if (failure !== null) throw failure;
  return null;
}

/** The description, checked to be of the topic meant. */
export function requireTopic(root: string, identity: TopicIdentity): TopicDescription {
  const found = describeTopic(root, identity.topic);
  if (found === null) {
    throw new SealstreamError('topic-missing', `stream: ${root} has no topic ${identity.topic}`);
  }
  if (found.topicId !== identity.topicId) throw recreated(identity, found.topicId, identity.topic);
  return found;
}

/** Throws unless the folder is there and belongs to the topic meant. */
export function checkPartition(root: string, identity: TopicIdentity, partition: number): void {
  const place = `${identity.topic}/${partition}`;
  const folder = partitionFolder(root, identity.topic, partition);
  if (!isPartitionNumber(partition) || !isFolder(folder)) {
    checkRoot(root);
    if (describeTopic(root, identity.topic) === null) {
      throw new SealstreamError('topic-missing', `stream: ${root} has no topic ${identity.topic}`);
    }
    throw new SealstreamError(
      'partition-missing',
      `stream: ${place}: there is no folder ${folder}`,
    );
  }
  const found = readTopicId(folder);
  if (found !== identity.topicId) throw recreated(identity, found, place);
}

export function readSettings(folder: string): TopicSettings | null {
  const file = join(folder, SETTINGS_FILE);
  const bytes = readSmallFile(file, MAX_SETTINGS_BYTES);
  if (bytes === null) return null;
  const value = parseSettings(bytes.toString());
  if (value === null) {
    throw new SealstreamError('unreadable', `stream: ${file} does not hold topic settings`);
  }
  return value;
}

/** The topics of a broker and copies of them are never written to. */
export function checkWritable(root: string, { timestampType }: TopicDescription): void {
  if (isBrokerFolder(root) || timestampType !== 1) throw notOurs(root);
}

/** The same of one partition, for whose topic it held before. */
export function checkWritablePartition(root: string, folder: string): void {
  if (isBrokerFolder(root)) throw notOurs(root);
  if (readSettings(folder) !== null) return;
  const file = join(folder, SETTINGS_FILE);
  throw new SealstreamError('unreadable', `stream: ${file} is missing; nothing is appended there`);
}

function notOurs(root: string): SealstreamError {
  return new SealstreamError(
    'unsupported',
    `stream: ${root} holds what a Kafka broker wrote: it is read, never written`,
  );
}

function readTopicId(folder: string): string {
  const file = join(folder, METADATA_FILE);
  const text = readSmallFile(file, MAX_METADATA_BYTES)?.toString('latin1') ?? '';
  const topicId = METADATA.exec(text)?.[1];
  if (topicId === undefined) {
    throw new SealstreamError('unreadable', `stream: ${file} does not name a topic id`);
  }
  try {
    checkTopicId(topicId);
  } catch (cause) {
    throw new SealstreamError('unreadable', `stream: ${file} names no possible id`, { cause });
  }
  return topicId;
}

function parseSettings(text: string): TopicSettings | null {
  let value: { version?: unknown; partitions?: unknown; settings?: unknown } | null;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const { version, partitions, settings } = value ?? {};
  if (version !== 1 || !isPartitionCount(partitions)) return null;
  if (!Array.isArray(settings) || !settings.every(isPair)) return null;
  return { partitions, settings };
}

function isPair(value: unknown): value is readonly [string, string] {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    value.every((part: unknown) => typeof part === 'string')
  );
}

export function isPartitionCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_PARTITIONS;
}

function isPartitionNumber(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < MAX_PARTITIONS;
}

/** Whether no segment of the folder holds a byte. */
export function isEmpty(folder: string): boolean {
  return listSegments(folder).every(({ file }) => fileSize(file) === 0);
}

function recreated(identity: TopicIdentity, found: string, place: string): SealstreamError {
  return new SealstreamError(
    'topic-recreated',
    `stream: ${place}: topic id ${identity.topicId} was expected, ${found} is there: ` +
      'the topic was deleted and made anew',
  );
}
