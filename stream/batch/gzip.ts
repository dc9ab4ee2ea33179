/**
 * Gzip members that follow one another (RFC 1952), read as Java does: what follows a member and does
 * not start another is passed over, since brokers store such batches. node:zlib would refuse them.
 * Reserved flags are refused, as zlib and with it other clients do.
 */
import { type InflateRaw, inflateRawSync, type ZlibOptions } from 'node:zlib';
import { crc32 } from '@node-rs/crc32';
import { asSealstreamError } from '../../ledger/error.js';
import { corrupt } from './layout.js';
import { tooLarge } from './limits.js';

/** What zlib says of bytes that are not what they must be, or end too soon. */
const ABOUT_DATA: ReadonlySet<string> = new Set(['Z_DATA_ERROR', 'Z_BUF_ERROR', 'Z_NEED_DICT']);
const HEADER_BYTES = 10;
const TRAILER_BYTES = 8;
const DEFLATE = 8;
/** Flags of the header, in the order of the fields that they announce. */
const CRC = 0x02;
const EXTRA = 0x04;
const NAME = 0x08;
const COMMENT = 0x10;
const RESERVED = 0xe0;

/** Throws `batch-corrupt`, or `unsupported` where the result exceeds `limit` bytes. */
export function decompressGzip(bytes: Uint8Array, limit: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let size = 0;
  let start = dataStart(bytes, 0);
  if (start === null) throw corrupt('gzip: no header');
  while (start !== null) {
    const { plain, end } = inflateMember(bytes, start, limit - size, limit);
    // Some thousands of them overflow Java's stack.
    if (plain.length === 0 && parts.length > 0)
      throw corrupt('gzip: a further member without data');
    parts.push(plain);
    size += plain.length;
    start = dataStart(bytes, end);
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

/**
 * Where the compressed data of the member at `at` start; null: no member starts there.
 * Throws `batch-corrupt` where a reserved flag is set.
 */
function dataStart(bytes: Uint8Array, at: number): number | null {
  if (bytes.length - at < HEADER_BYTES) return null;
  if (bytes[at] !== 0x1f || bytes[at + 1] !== 0x8b || bytes[at + 2] !== DEFLATE) return null;
  const flags = bytes[at + 3] as number;
  if ((flags & RESERVED) !== 0) throw corrupt(`gzip: reserved flags ${flags & RESERVED}`);
  let next = at + HEADER_BYTES;
  if ((flags & EXTRA) !== 0) {
    next += 2 + ((bytes[next] ?? 0) | ((bytes[next + 1] ?? 0) << 8));
  }
  for (const flag of [NAME, COMMENT]) {
    if ((flags & flag) === 0) continue;
    const zero = bytes.indexOf(0, next);
    if (zero < 0) return null;
    next = zero + 1;
  }
  if ((flags & CRC) !== 0) {
    const stored = (bytes[next] ?? 0) | ((bytes[next + 1] ?? 0) << 8);
    if ((crc32(bytes.subarray(at, next)) & 0xffff) !== stored) return null;
    next += 2;
  }
  return next <= bytes.length ? next : null;
}

function inflateMember(
  bytes: Uint8Array,
  start: number,
  room: number,
  limit: number,
): { plain: Uint8Array; end: number } {
  const { plain, read } = inflate(bytes.subarray(start), room, limit);
  const trailer = start + read;
  if (trailer + TRAILER_BYTES > bytes.length) throw corrupt('gzip: a member is cut short');
  const view = new DataView(bytes.buffer, bytes.byteOffset + trailer, TRAILER_BYTES);
  if (view.getUint32(0, true) !== crc32(plain) || view.getUint32(4, true) !== plain.length) {
    throw corrupt('gzip: the checksum or length of a member is wrong');
  }
  return { plain, end: trailer + TRAILER_BYTES };
}

function inflate(
  bytes: Uint8Array,
  room: number,
  limit: number,
): { plain: Uint8Array; read: number } {
  const { plain, read } = inflateRaw(bytes, room, limit);
  if (plain.length > room) throw tooLarge(limit);
  return { plain, read };
}

function inflateRaw(
  bytes: Uint8Array,
  room: number,
  limit: number,
): { plain: Uint8Array; read: number } {
  // At least 1: node:zlib takes no limit of 0.
  const options = { maxOutputLength: Math.max(1, room), info: true } satisfies ZlibOptions;
  try {
    // With `info` it returns this, which its types leave out.
    const { buffer, engine } = inflateRawSync(bytes, options) as unknown as {
      buffer: Buffer;
      engine: InflateRaw;
    };
    const plain = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
    return { plain, read: engine.bytesWritten };
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(limit);
    const { code, message } = error as NodeJS.ErrnoException;
    if (ABOUT_DATA.has(code ?? '')) throw corrupt(`gzip: ${message}`);
    // A lack of memory, say: that is this process's, and no evidence against the log.
    throw asSealstreamError(error, 'internal', 'gzip');
  }
}
