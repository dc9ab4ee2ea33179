/**
 * Kafka's zigzag varints, 32 and 64 bits: seven bits a byte, least significant first, the sign in
 * the lowest bit. A longer encoding of the same number is possible; the reader takes it and says so
 * (`minimal`), because the record hash is over minimal ones (FORMAT §2).
 */
import { malformed } from './error.js';

const MAX_VARLONG_LENGTH = 10;
const SMALL = 1n << 31n;

/** Bytes that writeVarint takes for a 32-bit signed `value`. */
export function sizeOfVarint(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  if (zigzag < 0x80) return 1;
  if (zigzag < 0x4000) return 2;
  if (zigzag < 0x200000) return 3;
  return zigzag < 0x10000000 ? 4 : 5;
}

/** Writes a 32-bit signed `value` at `at` and returns the position after it. */
export function writeVarint(target: Uint8Array, at: number, value: number): number {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  let position = at;
  while (zigzag >= 0x80) {
    target[position++] = (zigzag & 0x7f) | 0x80;
    zigzag >>>= 7;
  }
  target[position++] = zigzag;
  return position;
}

function zigzag64(value: bigint): bigint {
  return BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
}

/** Bytes that writeVarlong takes for a 64-bit signed `value`. */
export function sizeOfVarlong(value: bigint): number {
  let size = 1;
  for (let rest = zigzag64(value) >> 7n; rest > 0n; rest >>= 7n) size++;
  return size;
}

/** Writes a 64-bit signed `value` at `at` and returns the position after it. */
export function writeVarlong(target: Uint8Array, at: number, value: bigint): number {
  // The usual ones; bigints are slow.
  if (value >= -SMALL && value < SMALL) return writeVarint(target, at, Number(value));
  let zigzag = zigzag64(value);
  let position = at;
  while (zigzag >= 0x80n) {
    target[position++] = Number(zigzag & 0x7fn) | 0x80;
    zigzag >>= 7n;
  }
  target[position++] = Number(zigzag);
  return position;
}

/** Reads varints of hostile bytes one after the other; never past `end`. */
export class VarintReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  position: number;
  /** False once a varint longer than needed was read; set it to true to look at the next ones. */
  minimal = true;

  constructor(bytes: Uint8Array, position = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = position;
    this.end = Math.min(end, bytes.length);
  }

  /** A 32-bit signed number. Throws `malformed` where it is cut off or does not fit 32 bits. */
  readVarint(): number {
    let position = this.position;
    let zigzag = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (position >= this.end) throw this.#cutOff();
      const byte = this.bytes[position++] as number;
      if (shift === 28 && byte > 0x0f) throw this.#tooLarge(32);
      zigzag |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) this.minimal = false;
        this.position = position;
        return (zigzag >>> 1) ^ -(zigzag & 1);
      }
    }
    throw this.#tooLarge(32);
  }

  /** A 64-bit signed number. Throws `malformed` where it is cut off or does not fit 64 bits. */
  readVarlong(): bigint {
    let position = this.position;
    let low = 0;
    let high = 0;
    for (let index = 0; index < MAX_VARLONG_LENGTH; index++) {
      if (position >= this.end) throw this.#cutOff();
      const byte = this.bytes[position++] as number;
      if (index === 9 && byte > 0x01) throw this.#tooLarge(64);
      // Five groups of seven bits fit a double's integers exactly; the rest go to the upper half.
      if (index < 5) low += (byte & 0x7f) * 2 ** (7 * index);
      else high += (byte & 0x7f) * 2 ** (7 * (index - 5));
      if (byte < 0x80) {
        if (byte === 0 && index > 0) this.minimal = false;
        this.position = position;
        const zigzag = (BigInt(high) << 35n) | BigInt(low);
        return (zigzag >> 1n) ^ -(zigzag & 1n);
      }
    }
    throw this.#tooLarge(64);
  }

  #cutOff(): Error {
    return malformed(`a varint at byte ${this.position} is cut off at byte ${this.end}`);
  }

  #tooLarge(bits: number): Error {
    return malformed(`the varint at byte ${this.position} does not fit ${bits} bits`);
  }
}
