/**
 * LZ4 frames, as strict as the strictest client: whoever holds a disk can compress a sealed batch anew
 * and repair its CRC-32C, and what one client refuses must not pass here for what was sealed. The
 * decoder is our own because the native one takes no limit: a few kilobytes would fill the memory.
 */
import { corrupt } from './layout.js';
import { tooLarge } from './limits.js';
import { xxh32 } from './xxh32.js';

const FRAME_MAGIC = 0x184d2204;
const DESCRIPTOR_AT = 4;
const FIRST_CAPACITY = 64 * 1024;
/** The best a block can do is 255 bytes from one. */
const MAX_RATIO = 255;
const MIN_MATCH = 4;
/** The ends of blocks, which decoders rely on: a match begins and ends so far from the output's end… */
const MATCH_START_MARGIN = 12;
const MATCH_END_MARGIN = 5;
/** …and this is left behind the literals before it: its distance, a token, five last literals. */
const MATCH_INPUT_MARGIN = 8;
const LONG_MATCH_INPUT_MARGIN = 4;

/** Bits of the frame descriptor's first byte. */
const CONTENT_CHECKSUM = 0x04;
const CONTENT_SIZE = 0x08;
const BLOCK_CHECKSUMS = 0x10;
/** Version 01, independent blocks (the Java client reads no others), no reserved bit, no dictionary. */
const FIXED_FLAGS_MASK = 0xe3;
const FIXED_FLAGS = 0x60;

interface Frame {
  readonly blocksAt: number;
  readonly blockChecksums: boolean;
  readonly contentChecksum: boolean;
  /** Null: not declared. */
  readonly contentSize: bigint | null;
  readonly maxBlockBytes: number;
}

/**
 * Reads one frame; bytes after it are ignored, as the Java client does.
 * Throws `batch-corrupt`, or `unsupported` where the result exceeds `limit` bytes.
 */
export function decompressLz4(bytes: Uint8Array, limit: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const frame = readFrame(bytes, view);
  const output = new Output(limit);
  for (let at = frame.blocksAt; ; ) {
    if (at + 4 > bytes.length) throw corrupt('lz4: the frame has no end mark');
    const word = view.getUint32(at, true);
    at += 4;
    if (word === 0) return checkedContent(output.taken(), frame, view, at);
    const size = word & 0x7fffffff;
    if (size === 0 || size > frame.maxBlockBytes || size > bytes.length - at) {
      throw corrupt(`lz4: a block of ${size} bytes`);
    }
    const block = bytes.subarray(at, at + size);
    at += size;
    if (frame.blockChecksums) {
      checkChecksum(block, view, at, 'a block');
      at += 4;
    }
    if (word > 0x7fffffff) output.append(block);
    else decodeBlock(block, output, frame.maxBlockBytes);
  }
}

function readFrame(bytes: Uint8Array, view: DataView): Frame {
  if (bytes.length < 7 || view.getUint32(0, true) !== FRAME_MAGIC)
    throw corrupt('lz4: not a frame');
  const flags = view.getUint8(DESCRIPTOR_AT);
  const block = view.getUint8(DESCRIPTOR_AT + 1);
  const sizeCode = block >>> 4;
  // No reserved bit, a block size that is assigned.
  if (
    (flags & FIXED_FLAGS_MASK) !== FIXED_FLAGS ||
    (block & 0x0f) !== 0 ||
    sizeCode < 4 ||
    sizeCode > 7
  ) {
    throw corrupt(`lz4: frame descriptor ${flags} ${block}`);
  }
  const sized = (flags & CONTENT_SIZE) !== 0;
  const checksumAt = DESCRIPTOR_AT + 2 + (sized ? 8 : 0);
  if (checksumAt >= bytes.length) throw corrupt('lz4: the frame descriptor is cut short');
  const checksum = (xxh32(bytes.subarray(DESCRIPTOR_AT, checksumAt)) >>> 8) & 0xff;
  if (checksum !== view.getUint8(checksumAt)) {
    throw corrupt('lz4: the checksum of the frame descriptor is wrong');
  }
  return {
    blocksAt: checksumAt + 1,
    blockChecksums: (flags & BLOCK_CHECKSUMS) !== 0,
    contentChecksum: (flags & CONTENT_CHECKSUM) !== 0,
    contentSize: sized ? view.getBigUint64(DESCRIPTOR_AT + 2, true) : null,
    maxBlockBytes: 2 ** (8 + 2 * sizeCode),
  };
}

/** The content of a frame whose end mark ends at `at`. */
function checkedContent(content: Uint8Array, frame: Frame, view: DataView, at: number): Uint8Array {
  const { contentSize, contentChecksum } = frame;
  if (contentSize !== null && contentSize !== BigInt(content.length)) {
    throw corrupt(`lz4: ${contentSize} bytes declared, ${content.length} held`);
  }
  if (contentChecksum) checkChecksum(content, view, at, 'the content');
  return content;
}

function checkChecksum(bytes: Uint8Array, view: DataView, at: number, what: string): void {
  if (at + 4 > view.byteLength || view.getUint32(at, true) !== xxh32(bytes)) {
    throw corrupt(`lz4: the checksum of ${what} is wrong or missing`);
  }
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

function decodeBlock(input: Uint8Array, output: Output, maxBytes: number): void {
  const blockStart = output.size;
  const most = Math.min(maxBytes, MAX_RATIO * input.length);
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
    if (
      input.length - at < MATCH_INPUT_MARGIN ||
      size - blockStart > maxBytes - MATCH_START_MARGIN
    ) {
      throw corrupt('lz4: a match too near to the end of its block');
    }
    const distance = (input[at] as number) | ((input[at + 1] as number) << 8);
    at += 2;
    let length = (token & 15) + MIN_MATCH;
    if (length === 15 + MIN_MATCH) {
      const more = readMore(input, at);
      length += more.sum;
      at = more.end;
      if (input.length - at < LONG_MATCH_INPUT_MARGIN) {
        throw corrupt('lz4: a match too near to the end of its block');
      }
    }
    if (distance === 0 || distance > size - blockStart) {
      throw corrupt(`lz4: a match ${distance} bytes back`);
    }
    take(length);
    if (size + length - blockStart > maxBytes - MATCH_END_MARGIN) {
      throw corrupt('lz4: a match too near to the end of its block');
    }
    // Byte by byte: a match may overlap what it writes.
    for (const end = size + length; size < end; size++) {
      bytes[size] = bytes[size - distance] as number;
    }
  }
  // The Java client takes a block of nothing for the end of the records, or does not, by its buffers.
  if (size === blockStart) throw corrupt('lz4: a block that holds nothing');
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
