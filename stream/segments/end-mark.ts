import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SealstreamError } from '../../ledger/error.js';
import { crc32c } from '../batch/crc32c.js';
import { MAX_INT64, readSmallFile, type Segment, WRITE_FLAGS } from './folder.js';

/**
 * Where a batch near the end of a log begins, so that its end is found without reading all of the
 * last segment; like Kafka's recovery point. Written by appenders once all before it is on the disk.
 *
 * `sealstream.end` in the partition folder, lines of fixed width, so that one replaces another in
 * place: version 0, topic id, base offset of the segment, byte and offset where the batch begins,
 * CRC-32C of all that in hex.
 *
 * A hint: it may be missing, old, torn or a lie, and no more is taken from it than where to look
 * first.
 */
const MARK_FILE = 'sealstream.end';
const MARK = /^(0\n([A-Za-z0-9_-]{22})\n([0-9]{20})\n([0-9]{20})\n([0-9]{20})\n)([0-9a-f]{8})\n$/;
const MARK_BYTES = 97;

export interface EndMark {
  /** Base offset of the segment. */
  readonly segment: bigint;
  /** The byte where the batch begins. */
  readonly position: number;
  /** Its base offset. */
  readonly offset: bigint;
}

export function formatMark(topicId: string, { segment, position, offset }: EndMark): string {
  const numbers = [segment, position, offset].map((value) => value.toString().padStart(20, '0'));
  const text = `${['0', topicId, ...numbers].join('\n')}\n`;
  return `${text}${checksum(text)}\n`;
}

/** null: there is none that could be of this topic. */
export function readMark(folder: string, topicId: string): EndMark | null {
  const text = markText(folder);
  const [, signed, topic, segment, position, offset, sum] = MARK.exec(text) ?? [];
  if (signed === undefined || topic !== topicId || checksum(signed) !== sum) return null;
  const numbers = { segment: BigInt(segment ?? -1), offset: BigInt(offset ?? -1) };
  const at = BigInt(position ?? -1);
  const possible = at <= BigInt(Number.MAX_SAFE_INTEGER) && numbers.offset <= MAX_INT64;
  return possible ? { ...numbers, position: Number(at) } : null;
}

/** The mark, where it is of this segment and could be of a batch in it. */
export function markIn(folder: string, topicId: string, segment: Segment): EndMark | null {
  const mark = readMark(folder, topicId);
  if (mark?.segment !== segment.baseOffset || mark.offset < segment.baseOffset) return null;
  return mark;
}

/** Throws what the system says. */
export function writeMark(folder: string, topicId: string, mark: EndMark): void {
  const flags = WRITE_FLAGS | constants.O_CREAT;
  const descriptor = openSync(join(folder, MARK_FILE), flags, 0o644);
  try {
    writeSync(descriptor, formatMark(topicId, mark), 0, 'latin1');
  } finally {
    closeSync(descriptor);
  }
}

function markText(folder: string): string {
  try {
    return readSmallFile(join(folder, MARK_FILE), MARK_BYTES)?.toString('latin1') ?? '';
  } catch (error) {
    // A hint that cannot be read is none: the log itself says what is wrong with the disk.
    if (error instanceof SealstreamError && error.code !== 'internal') return '';
    throw error;
  }
}

function checksum(text: string): string {
  return crc32c(Buffer.from(text, 'latin1')).toString(16).padStart(8, '0');
}
