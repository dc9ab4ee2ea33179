import { copyOfBytes, lengthOfBytes } from '../ledger/given.js';
import { sizeOfVarint, writeVarint, writeVarlong } from '../ledger/varint.js';

const FIRST_CAPACITY = 4096;
/** More than that is given back after the record that took it. */
const MOST_KEPT = 1024 * 1024;
/** Up to here a loop is faster than a call of the runtime, and the length takes one byte. */
const SHORT_TEXT = 24;
const SHORT_BYTES = 12;
/** Up to here room for the most that UTF-8 can take costs less than counting its bytes. */
const MEDIUM_TEXT = 4096;
/** Below it a double holds the zigzag form exactly. */
const EXACT = 2 ** 52;
const EXACT_BIGINT = 1n << 52n;
const LOW_BITS = 2 ** 28;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Bytes that grow while one record is written into them, used again for the next record. Avro and
 * Kafka write the same numbers: zigzag varints.
 */
export class Scratch {
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
  /** Where the next byte goes. */
  at = 0;
  /** Text that is longer is not written; whoever writes many values looks whether `at` is beyond. */
  limit = Number.POSITIVE_INFINITY;

  reset(): void {
    this.at = 0;
    if (this.bytes.length > MOST_KEPT) this.bytes = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
  }

  /** What is written from `start` on; valid until the next write or reset. */
  written(start = 0): Uint8Array {
    return new Uint8Array(this.bytes.buffer, this.bytes.byteOffset + start, this.at - start);
  }

  reserve(length: number): void {
    if (this.at + length > this.bytes.length) this.#grow(this.at + length);
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.at++] = value;
  }

  raw(from: Uint8Array): void {
    const { length } = from;
    this.reserve(length);
    if (length > SHORT_BYTES) this.bytes.set(from, this.at);
    else for (let i = 0; i < length; i++) this.bytes[this.at + i] = from[i] as number;
    this.at += length;
  }

  /** The length and the bytes, which are a caller's. false: too many, or given away (detached). */
  callers(from: Uint8Array): boolean {
    // Not `length`, which may be a property of the caller's own: it would show what was written before.
    const length = lengthOfBytes(from);
    if (length > this.limit || (length === 0 && copyOfBytes(from) === null)) return false;
    this.varint(length);
    this.reserve(length);
    this.bytes.set(from, this.at);
    this.at += length;
    return true;
  }

  /** A 32-bit signed number. */
  varint(value: number): void {
    this.reserve(5);
    this.at = writeVarint(this.bytes, this.at, value);
  }

  /** A 64-bit signed number: a safe integer, or a bigint in that range. */
  long(value: number | bigint): void {
    this.reserve(10);
    if (typeof value === 'number') {
      if (value < EXACT && value > -EXACT) this.#double(value);
      else this.at = writeVarlong(this.bytes, this.at, BigInt(value));
    } else if (value < EXACT_BIGINT && value > -EXACT_BIGINT) this.#double(Number(value));
    else this.at = writeVarlong(this.bytes, this.at, value);
  }

  /** The length in bytes and the UTF-8. false: it has half a surrogate pair, or is beyond the limit. */
  text(value: string): boolean {
    const { length } = value;
    if (length > SHORT_TEXT) return this.#longText(value);
    this.reserve(length + 1);
    const { bytes } = this;
    let at = this.at;
    bytes[at++] = length << 1;
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      if (unit >= 0x80) return this.#longText(value);
      bytes[at++] = unit;
    }
    this.at = at;
    return true;
  }

  #longText(value: string): boolean {
    const { length } = value;
    if (length > this.limit) return false;
    const most = length > MEDIUM_TEXT ? Buffer.byteLength(value) : 3 * length;
    this.reserve(most + 5);
    // As if all of it were ASCII, which it mostly is.
    const start = this.at + sizeOfVarint(length);
    const size = this.bytes.write(value, start);
    if (size !== length) {
      if (LONE_SURROGATE.test(value)) return false;
      const moved = this.at + sizeOfVarint(size);
      if (moved !== start) this.bytes.copyWithin(moved, start, start + size);
    }
    this.at = writeVarint(this.bytes, this.at, size) + size;
    return true;
  }

  /** `value` is a whole number within ±2^52. */
  #double(value: number): void {
    const zigzag = value < 0 ? -2 * value - 1 : 2 * value;
    const high = Math.floor(zigzag / LOW_BITS);
    let rest = zigzag - high * LOW_BITS;
    const { bytes } = this;
    let at = this.at;
    if (high > 0) {
      for (let i = 0; i < 4; i++, rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
      rest = high;
    }
    for (; rest >= 0x80; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
    bytes[at++] = rest;
    this.at = at;
  }

  #grow(size: number): void {
    const bytes = Buffer.allocUnsafeSlow(Math.max(size, 2 * this.bytes.length));
    bytes.set(this.bytes.subarray(0, this.at));
    this.bytes = bytes;
  }
}
