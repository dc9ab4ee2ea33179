/**
 * Snappy as producers write it: the xerial stream of the Java client (a 16-byte header, then blocks,
 * each with its length) or one bare block (librdkafka). The decoder is our own because snappyjs
 * accepts output shorter than declared and can be sent backwards for ever by a crafted literal.
 */
import { corrupt } from './layout.js';
import { tooLarge } from './limits.js';

/** 0x82 "SNAPPY" 0x00. A bare block that began so would copy nothing. */
const XERIAL_MAGIC = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00);
const XERIAL_HEADER_BYTES = 16;
/** Of the stream, and the oldest that can read it: there is one. */
const XERIAL_VERSION = 1;

/** The best a block can do is 64 bytes from 3: more is declared only to exhaust memory. */
const MAX_RATIO = 22;

/** Throws `batch-corrupt`, or `unsupported` where the result exceeds `limit` bytes. */
export function decompressSnappy(bytes: Uint8Array, limit: number): Uint8Array {
  if (!startsXerial(bytes, 0)) return decodeBlock(bytes, limit);
  const blocks: Uint8Array[] = [];
  let size = 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  // Java ends at fewer than four bytes, and takes a second header where streams were joined.
  while (bytes.length - at >= 4) {
    if (startsXerial(bytes, at)) {
      at = headerEnd(view, at);
      // Some thousands of headers in a row overflow Java's stack.
      if (startsXerial(bytes, at)) throw corrupt('snappy: a stream without blocks');
      continue;
    }
    const length = view.getUint32(at);
    at += 4;
    if (length > bytes.length - at)
      throw corrupt(`snappy: a block of ${length} bytes is cut short`);
    const block = decodeBlock(bytes.subarray(at, at + length), limit - size, limit);
    blocks.push(block);
    size += block.length;
    at += length;
  }
  return join(blocks, size);
}

function startsXerial(bytes: Uint8Array, at: number): boolean {
  if (bytes.length - at < XERIAL_HEADER_BYTES) return false;
  return XERIAL_MAGIC.every((byte, index) => bytes[at + index] === byte);
}

function headerEnd(view: DataView, at: number): number {
  const version = view.getUint32(at + XERIAL_MAGIC.length);
  const compatible = view.getUint32(at + XERIAL_MAGIC.length + 4);
  if (version !== XERIAL_VERSION || compatible !== XERIAL_VERSION) {
    throw corrupt(`snappy: a stream of version ${version}, compatible with ${compatible}`);
  }
  return at + XERIAL_HEADER_BYTES;
}

/** One block of the format: its length as a varint, then literals and copies that fill it exactly. */
function decodeBlock(input: Uint8Array, room: number, limit: number = room): Uint8Array {
  const declared = readLength(input);
  if (declared.length > MAX_RATIO * input.length) {
    throw corrupt(`snappy: ${declared.length} bytes declared by a block of ${input.length}`);
  }
  if (declared.length > room) throw tooLarge(limit);
  const output = new Uint8Array(declared.length);
  let at = declared.end;
  let size = 0;
  while (at < input.length) {
    const tag = input[at++] as number;
    const kind = tag & 3;
    let length = (tag >>> 2) + 1;
    // Bytes after the tag: a literal's long length, or the distance of a copy.
    const extra = kind === 0 ? Math.max(0, length - 60) : kind === 3 ? 4 : kind;
    if (extra > input.length - at) throw corrupt('snappy: a block ends within a tag');
    let number = 0;
    for (let index = extra - 1; index >= 0; index--) {
      number = number * 256 + (input[at + index] as number);
    }
    at += extra;
    if (kind === 0) {
      if (extra > 0) length = number + 1;
      if (length > input.length - at || length > output.length - size) {
        throw corrupt(`snappy: a literal of ${length} bytes does not fit`);
      }
      output.set(input.subarray(at, at + length), size);
      at += length;
      size += length;
      continue;
    }
    if (kind === 1) {
      length = ((tag >>> 2) & 7) + 4;
      number += (tag >>> 5) << 8;
    }
    if (number === 0 || number > size || length > output.length - size) {
      throw corrupt(`snappy: a copy of ${length} bytes from ${number} back does not fit`);
    }
    // Byte by byte: a copy may overlap what it writes.
    for (const end = size + length; size < end; size++) {
      output[size] = output[size - number] as number;
    }
  }
  if (size !== output.length) throw corrupt(`snappy: ${size} of ${output.length} bytes`);
  return output;
}

function readLength(input: Uint8Array): { length: number; end: number } {
  let length = 0;
  for (let end = 0; end < 5; end++) {
    const byte = input[end];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** (7 * end);
    if (byte < 0x80) {
      if (length > 0xffffffff) break;
      return { length, end: end + 1 };
    }
  }
  throw corrupt('snappy: a block has no length');
}

function join(parts: readonly Uint8Array[], size: number): Uint8Array {
  const joined = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
