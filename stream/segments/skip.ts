import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  BATCH_LENGTH_AT,
  LAST_OFFSET_DELTA_AT,
  LENGTH_OVERHEAD,
  MAGIC_AT,
  MAX_BATCH_BYTES,
  RECORDS_AT,
} from '../batch/layout.js';
import type { SegmentFile } from './segment-file.js';

/**
 * Finding an offset in a segment means to follow batch after batch from its start: an index might
 * lead into the middle of a record, where bytes can be made to look like a batch.
 */
const CHUNK_BYTES = 1024 * 1024;
/** From here on it is quicker to read the next header alone than all that is between. */
const LARGE_BATCH = 64 * 1024;
/** Headers read one by one between two turns of the event loop: each may wait for the disk. */
const HEADERS_A_TURN = 32;
/** So that what is added to it is still an offset. */
const LARGEST_PLAIN_OFFSET = 2n ** 63n - 2n ** 32n;

/**
 * From the batch that begins at byte `from` over all that plainly end at or before `offset`; stops
 * at the first that does not, at whatever is odd about a header, or at `size`.
 */
export async function skipBatches(
  file: SegmentFile,
  from: number,
  size: number,
  offset: bigint,
): Promise<number> {
  const single = new Uint8Array(RECORDS_AT);
  let chunk: Uint8Array | null = null;
  let view: DataView = new DataView(single.buffer, 0, 0);
  let [position, start, large, singles] = [from, from, true, 0];
  while (size - position >= RECORDS_AT) {
    if (position - start + RECORDS_AT > view.byteLength) {
      let bytes: Uint8Array;
      if (large) {
        singles += 1;
        if (singles % HEADERS_A_TURN === 0) await nextTurn();
        bytes = file.readNow(position, single);
      } else {
        chunk ??= new Uint8Array(CHUNK_BYTES);
        bytes = await file.read(position, Math.min(CHUNK_BYTES, size - position), chunk);
      }
      if (bytes.length < RECORDS_AT) break;
      view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      start = position;
    }
    const length = lengthToSkip(view, position - start, offset);
    if (length === 0 || length > size - position) break;
    position += length;
    large = length >= LARGE_BATCH;
  }
  return position;
}

/** Of the batch whose header is at `at`, in bytes; 0: it is not to be skipped, or not plainly. */
function lengthToSkip(view: DataView, at: number, offset: bigint): number {
  const length = view.getInt32(at + BATCH_LENGTH_AT);
  const lastOffsetDelta = view.getInt32(at + LAST_OFFSET_DELTA_AT);
  if (view.getInt8(at + MAGIC_AT) !== 2 || lastOffsetDelta < 0) return 0;
  if (length < RECORDS_AT - LENGTH_OVERHEAD || length > MAX_BATCH_BYTES) return 0;
  const baseOffset = view.getBigInt64(at);
  if (baseOffset < 0n || baseOffset > LARGEST_PLAIN_OFFSET) return 0;
  return baseOffset + BigInt(lastOffsetDelta) < offset ? length + LENGTH_OVERHEAD : 0;
}
