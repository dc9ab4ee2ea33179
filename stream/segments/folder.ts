import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  type Stats,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { type ErrorCode, SealstreamError } from '../../ledger/error.js';
import { checkTopicName } from '../../ledger/origin.js';

/**
 * Names and small files below a stream's folder, in Kafka's layout: `<topic>-<partition>/` with
 * `<20-digit base offset>.log`. Everything there may be hostile: links are not followed, only
 * regular files are opened, and sizes are bounded before anything is read.
 */
const CHECKPOINT_SUFFIX = '.checkpoints';
const MAX_PARTITION = 9_999;
const PARTITION = /^(?:0|[1-9][0-9]{0,3})$/;
const SEGMENT = /^([0-9]{20})\.log$/;
export const MAX_INT64 = 2n ** 63n - 1n;

/** What may be over when one tries again. */
const BUSY = ['EMFILE', 'ENFILE', 'ENOMEM', 'ENOSPC', 'EDQUOT'];

export const MAX_PARTITIONS = MAX_PARTITION + 1;

/** Without O_NONBLOCK, opening a named pipe would wait for ever. */
export const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
export const WRITE_FLAGS = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface Segment {
  readonly baseOffset: bigint;
  readonly file: string;
}

/** Throws `malformed` unless `topic` may be an audit or checkpoint topic. */
export function checkStreamTopic(topic: string): void {
  const audit = topic.endsWith(CHECKPOINT_SUFFIX)
    ? topic.slice(0, -CHECKPOINT_SUFFIX.length)
    : topic;
  checkTopicName(audit);
}

export function partitionFolder(root: string, topic: string, partition: number): string {
  return join(root, `${topic}-${partition}`);
}

/**
 * Throws `unreachable` where `root` is not there or empty (not mounted, not made yet): that must
 * never look like a stream without topics. A folder that ever had one holds `.sealstream` at least.
 */
export function checkRoot(root: string): void {
  let stat: Stats;
  try {
    stat = statSync(root);
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw fileError(error, root);
    throw new SealstreamError(
      'unreachable',
      `stream: the folder ${root} is not there; is it mounted? apply makes a new one`,
      { cause: error },
    );
  }
  if (!stat.isDirectory()) {
    throw new SealstreamError('configuration', `stream: ${root} is not a folder`);
  }
  if (readFolder(root).length === 0) {
    throw new SealstreamError(
      'unreachable',
      `stream: the folder ${root} is empty; is it mounted? apply makes topics in a new one`,
    );
  }
}

/** Partition numbers for which there is a folder, ascending. Throws `unreadable` beyond 9 999. */
export function listPartitions(root: string, topic: string): number[] {
  const prefix = `${topic}-`;
  const partitions: number[] = [];
  for (const name of readFolder(root)) {
    if (!name.startsWith(prefix)) continue;
    const rest = name.slice(prefix.length);
    // Kafka's other folders end in more: `.<uuid>-delete`, `-future`, `-stray`.
    if (!/^(?:0|[1-9][0-9]{0,9})$/.test(rest) || !isFolder(join(root, name))) continue;
    if (PARTITION.test(rest)) partitions.push(Number(rest));
    else {
      throw new SealstreamError('unreadable', `stream: ${join(root, name)}: more than 9 999`);
    }
  }
  return partitions.sort((a, b) => a - b);
}

/** Segments by base offset, ascending; indexes and whatever else Kafka keeps there are ignored. */
export function listSegments(folder: string): Segment[] {
  const segments: Segment[] = [];
  for (const name of readFolder(folder)) {
    const baseOffset = BigInt(SEGMENT.exec(name)?.[1] ?? -1);
    if (baseOffset < 0n) continue;
    const file = join(folder, name);
    if (baseOffset > MAX_INT64) {
      throw new SealstreamError('unreadable', `stream: ${file}: no offset is that large`);
    }
    segments.push({ baseOffset, file });
  }
  return segments.sort((a, b) => (a.baseOffset < b.baseOffset ? -1 : 1));
}

export function segmentName(baseOffset: bigint): string {
  return `${baseOffset.toString().padStart(20, '0')}.log`;
}

/** The bytes of a small file, null where there is none. Throws `unreadable` beyond `limit`. */
export function readSmallFile(file: string, limit: number): Buffer | null {
  let descriptor: number;
  try {
    descriptor = openSync(file, READ_FLAGS);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null;
    throw fileError(error, file);
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile() || stat.size > limit) {
      throw new SealstreamError(
        'unreadable',
        `stream: ${file} is no file of at most ${limit} bytes`,
      );
    }
    const bytes = Buffer.alloc(stat.size);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, 0));
  } catch (error) {
    throw fileError(error, file);
  } finally {
    closeSync(descriptor);
  }
}

/** 0 where there is no such file. */
export function fileSize(file: string): number {
  return statOf(file)?.size ?? 0;
}

export function isFolder(path: string): boolean {
  return statOf(path)?.isDirectory() ?? false;
}

/** Whether anything, of whatever kind, has this name. */
export function exists(path: string): boolean {
  return statOf(path) !== undefined;
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw fileError(error, path);
  }
}

function readFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    throw fileError(error, folder);
  }
}

/** What the system said about a file, as an error with a code that tells what can be done. */
export function fileError(error: unknown, file: string): SealstreamError {
  if (error instanceof SealstreamError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new SealstreamError(fileErrorCode(error), `stream: ${file}: ${message}`, { cause: error });
}

function fileErrorCode(error: unknown): ErrorCode {
  if (isCode(error, 'EACCES') || isCode(error, 'EPERM') || isCode(error, 'EROFS')) {
    return 'unauthorized';
  }
  if (isCode(error, 'ENOENT') || isCode(error, 'ESTALE')) return 'unreachable';
  if (BUSY.some((code) => isCode(error, code))) return 'busy';
  // Whatever else the system says of a file is about the file; anything without a call is a defect.
  return error instanceof Error && 'syscall' in error ? 'unreadable' : 'internal';
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
