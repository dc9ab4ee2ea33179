/**
 * LZ4 frames. The decoder is our own because the native one takes no limit: a few kilobytes would
 * fill the memory. Header, block and content checksums are passed over: the batch's CRC-32C covers
 * the same bytes, and brokers store content checksums that they never check.
 */
import lz4 from 'lz4-napi';
import { corrupt } from './layout.js';
import { tooLarge } from './limits.js';

const FRAME_MAGIC = 0x184d2204;
const FIRST_CAPACITY = 64 * 1024;
/** The best a block can do is 255 bytes from one. */
const MAX_RATIO = 255;
const MIN_MATCH = 4;

interface Frame {
  readonly blocksAt: number;
  readonly independent: boolean;
  readonly blockChecksums: boolean;
  readonly maxBlockBytes: number;
}

/**
 * Reads one frame; bytes after it are ignored, as the Java client does.
 * Throws `batch-corrupt`, or `unsupported` where the result exceeds `limit` bytes.
 */
export function decompressLz4(bytes: Uint8Array, limit: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const frame = readFrame(view);
  const output = new Output(limit);
  for (let at = frame.blocksAt; ; ) {
    if (at + 4 > bytes.length) throw corrupt('lz4: the frame has no end mark');
    const word = view.getUint32(at, true);
    at += 4;
    const size = word & 0x7fffffff;
    // Java ends here whether or not the empty block is marked as compressed.
    if (size === 0) return output.taken();
    if (size > frame.maxBlockBytes || size > bytes.length - at) {
      throw corrupt(`lz4: a block of ${size} bytes`);
    }
    const block = bytes.subarray(at, at + size);
    if (word > 0x7fffffff) output.append(block);
    else decodeBlock(block, output, frame);
    at += size + (frame.blockChecksums ? 4 : 0);
  }
}

/** One frame of independent blocks without content size, as the Java client writes it. */
export function compressLz4(bytes: Uint8Array): Uint8Array {
  return lz4.compressFrameSync(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
}

function readFrame(view: DataView): Frame {
  if (view.byteLength < 7 || view.getUint32(0, true) !== FRAME_MAGIC) {
    throw corrupt('lz4: not a frame');
  }
  const flags = view.getUint8(4);
  const block = view.getUint8(5);
  const sizeCode = (block >>> 4) & 7;
  // Version 01, no reserved bit, no dictionary, a block size that is assigned.
  if (flags >>> 6 !== 1 || (flags & 0x03) !== 0 || (block & 0x8f) !== 0 || sizeCode < 4) {
    throw corrupt(`lz4: frame descriptor ${flags} ${block}`);
  }
  return {
    blocksAt: (flags & 0x08) === 0 ? 7 : 15,
    independent: (flags & 0x20) !== 0,
    blockChecksums: (flags & 0x10) !== 0,
    maxBlockBytes: 2 ** (8 + 2 * sizeCode),
  };
}

/** Grows with what was really decompressed, never beyond the limit. */
class Output {
  bytes = new Uint8Array(0);
  size = 0;
  readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Makes room for up to `more` bytes, or for what the limit leaves. */
  reserve(more: number): void {
    const wanted = this.size + more;
    if (wanted <= this.bytes.length) return;
    const capacity = Math.max(wanted, 2 * this.bytes.length, FIRST_CAPACITY);
    const bytes = new Uint8Array(Math.min(capacity, this.limit));
    bytes.set(this.bytes.subarray(0, this.size));
    this.bytes = bytes;
  }

  append(bytes: Uint8Array): void {
    if (bytes.length > this.limit - this.size) throw tooLarge(this.limit);
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.size);
    this.size += bytes.length;
  }

  taken(): Uint8Array {
    return this.bytes.subarray(0, this.size);
  }
}

function decodeBlock(input: Uint8Array, output: Output, frame: Frame): void {
  const blockStart = output.size;
  const windowStart = frame.independent ? blockStart : 0;
  const most = Math.min(frame.maxBlockBytes, MAX_RATIO * input.length);
  output.reserve(most);
  const room = Math.min(most, output.limit - blockStart);
  const bytes = output.bytes;
  let left = room;
  let size = blockStart;
  const take = (length: number): void => {
    if (length <= left) left -= length;
    else if (room < most) throw tooLarge(output.limit);
    else throw corrupt('lz4: a block exceeds the block size of its frame');
  };
  let at = 0;
  for (;;) {
    const token = input[at++];
    if (token === undefined) throw corrupt('lz4: a block ends without literals');
    let literals = token >>> 4;
    if (literals === 15) {
      const more = readMore(input, at);
      literals += more.sum;
      at = more.end;
    }
    if (literals > input.length - at) throw corrupt(`lz4: ${literals} literals are cut short`);
    take(literals);
    bytes.set(input.subarray(at, at + literals), size);
    size += literals;
    at += literals;
    if (at === input.length) break;
    if (at + 2 > input.length) throw corrupt('lz4: a block ends within a match');
    const distance = (input[at] as number) | ((input[at + 1] as number) << 8);
    at += 2;
    let length = (token & 15) + MIN_MATCH;
    if (length === 15 + MIN_MATCH) {
      const more = readMore(input, at);
      length += more.sum;
      at = more.end;
    }
    if (distance === 0 || distance > size - windowStart) {
      throw corrupt(`lz4: a match ${distance} bytes back`);
    }
    take(length);
    // Byte by byte: a match may overlap what it writes.
    for (const end = size + length; size < end; size++) {
      bytes[size] = bytes[size - distance] as number;
    }
  }
  output.size = size;
}

/** A length goes on in bytes of 255 and one below; the block's size bounds the sum. */
function readMore(input: Uint8Array, start: number): { sum: number; end: number } {
  let sum = 0;
  for (let at = start; at < input.length; at++) {
    const byte = input[at] as number;
    sum += byte;
    if (byte < 255) return { sum, end: at + 1 };
  }
  throw corrupt('lz4: a length is cut short');
}
