import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32c } from '../../stream/batch/crc32c.js';
import {
  ATTRIBUTES_AT,
  type BatchHeader,
  CRC_AT,
  LAST_OFFSET_DELTA_AT,
  readBatchHeader,
} from '../../stream/batch/layout.js';

/**
 * What somebody with access to a stopped broker's disk can do without changing one sealed byte: put
 * a forged copy beside a batch, and make the segment's index lead those who seek to it.
 */
const TRUE_WORD = 'record';
const FORGED_WORD = 'forged';
const INDEX_ENTRY_BYTES = 8;

export interface StoredBatch {
  readonly file: string;
  readonly position: number;
  readonly header: BatchHeader;
  readonly bytes: Buffer;
}

/** The batches of a partition in the order of its files. */
export function storedBatches(root: string, topic: string, partition = 0): StoredBatch[] {
  const folder = join(root, `${topic}-${partition}`);
  const names = readdirSync(folder).filter((name) => /^[0-9]{20}\.log$/.test(name));
  return names.sort().flatMap((name) => {
    const file = join(folder, name);
    const bytes = readFileSync(file);
    const batches: StoredBatch[] = [];
    for (let position = 0; position < bytes.length; ) {
      const header = readBatchHeader(bytes, position);
      if (header === null) throw new Error(`${file} ends within a batch`);
      const end = position + header.sizeInBytes;
      batches.push({ file, position, header, bytes: bytes.subarray(position, end) });
      position = end;
    }
    return batches;
  });
}

/** The same offsets, other values, a checksum that holds. Values must contain the word `record`. */
export function forgedCopy({ bytes }: StoredBatch): Buffer {
  const copy = Buffer.from(bytes.toString('latin1').replaceAll(TRUE_WORD, FORGED_WORD), 'latin1');
  if (copy.equals(bytes)) throw new Error('nothing to forge in this batch');
  copy.writeUInt32BE(crc32c(copy.subarray(ATTRIBUTES_AT)), CRC_AT);
  return copy;
}

/**
 * Puts `forged` directly behind the batch, and an index of one entry in place of the segment's: who
 * seeks to `entry` or beyond begins to look at the forged batch.
 */
export function putBeside(batch: StoredBatch, forged: Buffer, entry: bigint): void {
  const { file, position, bytes } = batch;
  const end = position + bytes.length;
  insert(file, end, forged);
  leadTo(file, entry, end);
}

/** Stores the batch once more, directly behind itself. */
export function repeat(batch: StoredBatch | undefined): void {
  if (batch === undefined) throw new Error('there is no such batch');
  insert(batch.file, batch.position + batch.bytes.length, batch.bytes);
}

/** Without the index, which would lead astray by as much: over many a wrong one no broker starts. */
export function insert(file: string, at: number, bytes: Buffer): void {
  const stored = readFileSync(file);
  rmSync(file.replace(/\.log$/, '.index'), { force: true });
  writeFileSync(file, Buffer.concat([stored.subarray(0, at), bytes, stored.subarray(at)]));
}

/** An index of one entry: offsets from `entry` on are looked for at byte `position`. */
export function leadTo(file: string, entry: bigint, position: number): void {
  const base = BigInt(/([0-9]{20})\.log$/.exec(file)?.[1] ?? 0);
  const index = Buffer.alloc(INDEX_ENTRY_BYTES);
  index.writeInt32BE(Number(entry - base));
  index.writeInt32BE(position, 4);
  writeFileSync(file.replace(/\.log$/, '.index'), index);
}

/** Changes a batch in its place. CRC repaired. */
export function edit(
  { file, position, bytes }: StoredBatch,
  change: (bytes: Buffer) => void,
): void {
  const edited = Buffer.from(bytes);
  change(edited);
  edited.writeUInt32BE(crc32c(edited.subarray(ATTRIBUTES_AT)), CRC_AT);
  const stored = readFileSync(file);
  edited.copy(stored, position);
  writeFileSync(file, stored);
}

/** The batch claims all offsets up to `to`, which the batches behind it hold. */
export function stretch(batch: StoredBatch, to: bigint): void {
  const delta = Number(to - batch.header.baseOffset) - 1;
  edit(batch, (bytes) => bytes.writeInt32BE(delta, LAST_OFFSET_DELTA_AT));
}
