import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SealstreamError } from '../../ledger/error.js';
import type { TopicSpecification } from '../stream.js';
import { isBrokerFolder } from './broker.js';
import {
  checkStreamTopic,
  fileError,
  listPartitions,
  MAX_PARTITIONS,
  partitionFolder,
  segmentName,
} from './folder.js';
import { FileLock } from './lock.js';
import { SILENCE_MS } from './silence.js';
import { sleep } from './sleep.js';
import {
  formatMetadata,
  formatSettings,
  isEmpty,
  isPartitionCount,
  METADATA_FILE,
  SETTINGS_FILE,
} from './topic.js';

/** Lock files of this stream; Kafka ignores the folder. */
export const LOCKS_FOLDER = '.sealstream';
const LONGEST_LOCK_NAME = 150;

/** How lock files name a topic, with room for what they add: file systems allow 255 bytes. */
export function lockName(topic: string): string {
  if (topic.length <= LONGEST_LOCK_NAME) return topic;
  // No topic has a ~ in its name.
  return `~${createHash('sha256').update(topic).digest('hex')}`;
}

const STAGING = '.sealstream-new-';
const PAUSE_MS = 10;

/**
 * Makes the folders of a topic aside and moves them in place one by one, partition 0 last: a topic
 * is there once partition 0 is. One process makes topics at a time; what one that was killed has
 * left is removed first. false: the topic is there already.
 */
export async function createTopic(
  root: string,
  specification: TopicSpecification,
  timeoutMs: number,
): Promise<boolean> {
  checkSpecification(specification);
  if (isBrokerFolder(root)) {
    throw new SealstreamError(
      'unsupported',
      `stream: ${root} is the log directory of a Kafka broker: it is read, never written`,
    );
  }
  try {
    mkdirSync(join(root, LOCKS_FOLDER), { recursive: true });
    const lock = new FileLock(join(root, LOCKS_FOLDER, 'topics.lock'));
    await acquire(lock, timeoutMs);
    try {
      const made = await createLocked(root, specification);
      await flushFolder(dirname(root));
      return made;
    } finally {
      lock.release();
    }
  } catch (error) {
    throw fileError(error, root);
  }
}

async function createLocked(root: string, specification: TopicSpecification): Promise<boolean> {
  const { topic, partitions, settings } = specification;
  for (const name of readdirSync(root)) {
    if (name.startsWith(STAGING)) rmSync(join(root, name), { recursive: true });
  }
  const found = listPartitions(root, topic);
  const folders = found.map((partition) => partitionFolder(root, topic, partition));
  if (found[0] === 0 || !folders.every(isEmpty)) return false;
  for (const folder of folders) rmSync(folder, { recursive: true });

  const staging = join(root, `${STAGING}${randomUUID()}`);
  mkdirSync(staging);
  const metadata = formatMetadata(newTopicId());
  const kept = formatSettings({ partitions, settings: [...settings] });
  const numbers = Array.from({ length: partitions }, (_, index) => partitions - 1 - index);
  for (const partition of numbers) {
    const folder = partitionFolder(staging, topic, partition);
    mkdirSync(folder);
    writeFileSync(join(folder, METADATA_FILE), metadata, { flush: true });
    writeFileSync(join(folder, SETTINGS_FILE), kept, { flush: true });
    writeFileSync(join(folder, segmentName(0n)), '');
    await flushFolder(folder);
  }
  for (const partition of numbers) {
    renameSync(partitionFolder(staging, topic, partition), partitionFolder(root, topic, partition));
  }
  rmSync(staging, { recursive: true });
  await flushFolder(root);
  return true;
}

function checkSpecification(specification: TopicSpecification): void {
  const { topic, partitions, settings } = specification;
  checkStreamTopic(topic);
  if (!isPartitionCount(partitions)) {
    throw new SealstreamError(
      'configuration',
      `stream: topic ${topic}: partitions is ${partitions}, must be 1 to ${MAX_PARTITIONS}`,
    );
  }
  const type = settings.get('message.timestamp.type') ?? 'LogAppendTime';
  if (type !== 'LogAppendTime') {
    throw new SealstreamError(
      'unsupported',
      `stream: topic ${topic}: message.timestamp.type ${type}; a file: stream has LogAppendTime`,
    );
  }
}

function newTopicId(): string {
  for (;;) {
    const bytes = randomBytes(16);
    const text = bytes.toString('base64url');
    // Kafka, too, avoids a leading dash, which tools would take for an option.
    if (!text.startsWith('-') && bytes.some((byte) => byte !== 0)) return text;
  }
}

async function acquire(lock: FileLock, timeoutMs: number): Promise<void> {
  const start = performance.now();
  // A holder that cannot be looked up is followed only once it was silent for a while, which one
  // call has to see: the next one would begin to watch anew.
  const limit = () => (lock.watching ? Math.max(timeoutMs, 2 * SILENCE_MS) : timeoutMs);
  while (!lock.tryAcquire()) {
    if (performance.now() - start > limit()) {
      throw new SealstreamError('busy', `stream: another process holds ${lock.path}`);
    }
    await sleep(PAUSE_MS);
  }
}

/** Makes the names in a folder survive a power cut. */
export async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
