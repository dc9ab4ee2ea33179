/** Changes one byte of one stored record and repairs the batch's checksum, as an attacker would. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32c } from '../../stream/batch/crc32c.js';
import { decodeBatches, readBatchHeader } from '../../stream/batch/decode.js';
import { ATTRIBUTES_AT, CRC_AT } from '../../stream/batch/layout.js';

export interface Change {
  readonly file: string;
  /** Byte in the file. */
  readonly at: number;
  /** Offset of the record that holds it. */
  readonly offset: bigint;
}

async function largestSegment(folder: string, topic: string): Promise<string> {
  let largest = { file: '', size: 0 };
  for (const name of await readdir(folder)) {
    if (!new RegExp(`^${topic}-\\d+$`).test(name)) continue;
    for (const segment of await readdir(join(folder, name))) {
      if (!segment.endsWith('.log')) continue;
      const file = join(folder, name, segment);
      const { length } = await readFile(file);
      if (length > largest.size) largest = { file, size: length };
    }
  }
  if (largest.size === 0) throw new Error(`${folder}: no record of ${topic} to change`);
  return largest.file;
}

/** The batch around the middle of the file, uncompressed as our publishers write it. */
function middleBatch(bytes: Uint8Array): { at: number; end: number } {
  let at = 0;
  for (;;) {
    const header = readBatchHeader(bytes, at);
    if (header === null) throw new Error('no whole batch in the segment');
    const end = at + header.sizeInBytes;
    if (end > bytes.length / 2) return { at, end };
    at = end;
  }
}

export async function changeOneByte(folder: string, topic: string): Promise<Change> {
  const file = await largestSegment(folder, topic);
  const bytes = await readFile(file);
  const { at, end } = middleBatch(bytes);
  const batch = bytes.subarray(at, end);
  const { batches } = decodeBatches(batch, { from: 0n, topic, partition: 0 });
  const view = batches[0];
  const middle = view === undefined ? 0 : view.count >> 1;
  const record = view?.record(middle);
  if (record?.value == null || record.value.length === 0) throw new Error('a record without value');
  const changed = record.value.byteOffset - bytes.byteOffset + (record.value.length >> 1);
  bytes[changed] = (bytes[changed] ?? 0) ^ 0x01;
  const sum = crc32c(batch.subarray(ATTRIBUTES_AT));
  new DataView(batch.buffer, batch.byteOffset).setUint32(CRC_AT, sum);
  await writeFile(file, bytes);
  return { file, at: changed, offset: record.offset };
}
