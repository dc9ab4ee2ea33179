/**
 * Zstandard. The decoder takes the frame's own word for how much memory to allocate, so the frame
 * headers and block headers are read here first: they bound what the blocks can really hold.
 */
import { corrupt } from './layout.js';
import { tooLarge } from './limits.js';
import { decompressFrame } from './zstd-library.js';

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const MAX_BLOCK_BYTES = 128 * 1024;
/** What Java's client and the zstd program take. */
const MAX_WINDOW_BYTES = 128 * 1024 * 1024;
/** Of the frame header's descriptor. The bit above it is unused, and means nothing. */
const RESERVED = 0x08;
const RUN_LENGTH = 1;
const COMPRESSED = 2;

interface Frame {
  readonly end: number;
  /** Bytes: as declared, else the most that the blocks can hold. */
  readonly size: number;
  readonly declared: boolean;
}

/**
 * Reads the frames that follow one another in `bytes`, as the Java client does.
 * Throws `batch-corrupt`, or `unsupported` where the result exceeds `limit` bytes.
 */
export function decompressZstd(bytes: Uint8Array, limit: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const parts: Uint8Array[] = [];
  let size = 0;
  for (let at = 0; at < bytes.length; ) {
    const skipped = skippableEnd(view, at);
    if (skipped !== null) {
      at = skipped;
      continue;
    }
    const frame = readFrame(view, at);
    const room = limit - size;
    if (frame.declared && frame.size > room) throw tooLarge(limit);
    const part = decompressFrame(bytes.subarray(at, frame.end), Math.min(frame.size, room));
    if (part === null) throw frame.size > room ? tooLarge(limit) : corrupt('zstd: a broken block');
    parts.push(part);
    size += part.length;
    at = frame.end;
  }
  if (parts.length === 1) return parts[0] as Uint8Array;
  const joined = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function skippableEnd(view: DataView, at: number): number | null {
  if (at + 8 > view.byteLength) return null;
  if ((view.getUint32(at, true) & ~0xf) >>> 0 !== SKIPPABLE_MAGIC) return null;
  const end = at + 8 + view.getUint32(at + 4, true);
  if (end > view.byteLength) throw corrupt('zstd: a skippable frame is cut short');
  return end;
}

/** RFC 8878 §3.1.1: header, blocks, checksum. */
function readFrame(view: DataView, at: number): Frame {
  if (at + 6 > view.byteLength || view.getUint32(at, true) !== FRAME_MAGIC) {
    throw corrupt('zstd: not a frame');
  }
  const descriptor = view.getUint8(at + 4);
  if ((descriptor & RESERVED) !== 0) throw corrupt('zstd: a reserved bit is set');
  const singleSegment = (descriptor & 0x20) !== 0;
  const hasChecksum = (descriptor & 0x04) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6] ?? 0;
  const sizeAt = at + 5 + (singleSegment ? 0 : 1) + dictionaryBytes;
  let position = sizeAt + sizeBytes;
  if (position > view.byteLength) throw corrupt('zstd: a frame header is cut short');
  const declared = sizeBytes === 0 ? null : readSize(view, sizeAt, sizeBytes);
  const window = singleSegment ? Number(declared) : windowBytes(view.getUint8(at + 5));
  if (window > MAX_WINDOW_BYTES) throw corrupt(`zstd: a window of ${window} bytes`);
  const maxBlockBytes = Math.min(window, MAX_BLOCK_BYTES);
  let bound = 0;
  for (let last = false; !last; ) {
    if (position + 3 > view.byteLength) throw corrupt('zstd: a frame has no last block');
    const header = view.getUint16(position, true) | (view.getUint8(position + 2) << 16);
    last = (header & 1) !== 0;
    const kind = (header >>> 1) & 3;
    const length = header >>> 3;
    if (kind > COMPRESSED || length > maxBlockBytes) throw corrupt('zstd: a block header');
    // The library refuses it only where it decodes a frame at once, as clients other than Java's do.
    if (kind === COMPRESSED && length === 0) throw corrupt('zstd: a compressed block of no bytes');
    bound += kind === COMPRESSED ? maxBlockBytes : length;
    position += 3 + (kind === RUN_LENGTH ? 1 : length);
  }
  const end = position + (hasChecksum ? 4 : 0);
  if (end > view.byteLength) throw corrupt('zstd: a frame is cut short');
  if (declared === null) return { end, size: bound, declared: false };
  if (declared > BigInt(bound)) {
    throw corrupt(`zstd: ${declared} bytes declared, at most ${bound} held`);
  }
  return { end, size: Number(declared), declared: true };
}

/** RFC 8878 §3.1.1.1.2. */
function windowBytes(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >>> 3));
  return base + (base / 8) * (descriptor & 7);
}

function readSize(view: DataView, at: number, bytes: number): bigint {
  if (bytes === 1) return BigInt(view.getUint8(at));
  if (bytes === 2) return BigInt(view.getUint16(at, true) + 256);
  return bytes === 4 ? BigInt(view.getUint32(at, true)) : view.getBigUint64(at, true);
}
