import { corrupt } from './layout.js';

/**
 * Reads zigzag varints as Kafka's Java client does: at most five bytes (ten for 64 bits), bits that
 * do not fit fall away, lengths longer than needed are accepted and noticed. Kept apart from the
 * strict reader of the ledger because brokers store whatever that client accepts, and because this
 * is the hottest loop of reading: no object and no tuple per varint.
 */
export class Cursor {
  readonly bytes: Uint8Array;
  at: number;
  /** Nothing is read at or beyond it. */
  end: number;
  /** Every varint so far was written in its shortest form. */
  canonical = true;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** A 32-bit zigzag varint. Throws `batch-corrupt` past the end or after five bytes. */
  varint(): number {
    if (this.at < this.end) {
      const byte = this.bytes[this.at] as number;
      if (byte < 0x80) {
        this.at++;
        return (byte >>> 1) ^ -(byte & 1);
      }
    }
    return this.#longVarint();
  }

  #longVarint(): number {
    let raw = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte();
      raw |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 || (shift === 28 && byte > 0x0f)) this.canonical = false;
        return (raw >>> 1) ^ -(raw & 1);
      }
    }
    throw corrupt('a varint of more than five bytes');
  }

  /** A 64-bit zigzag varint. Whether it was minimal is not noted: no body holds one. */
  varlong(): bigint {
    const byte = this.at < this.end ? (this.bytes[this.at] as number) : 0x80;
    if (byte < 0x80) {
      this.at++;
      return BigInt((byte >>> 1) ^ -(byte & 1));
    }
    let raw = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const next = this.#byte();
      raw |= BigInt(next & 0x7f) << shift;
      if (next < 0x80) {
        raw = BigInt.asUintN(64, raw);
        return (raw >> 1n) ^ -(raw & 1n);
      }
    }
    throw corrupt('a varint of more than ten bytes');
  }

  skipVarlong(): void {
    for (let count = 0; count < 10; count++) if (this.#byte() < 0x80) return;
    throw corrupt('a varint of more than ten bytes');
  }

  #byte(): number {
    if (this.at >= this.end) throw corrupt('a varint reaches past its record');
    return this.bytes[this.at++] as number;
  }

  /** Moves over `length` bytes. */
  skip(length: number, what: string): void {
    if (length < 0 || length > this.end - this.at) {
      throw corrupt(`${what} of ${length} bytes where ${this.end - this.at} are left`);
    }
    this.at += length;
  }

  /**
   * Moves over a length and its bytes; −1 stands for null. FORMAT §3a rule 5: Java takes any negative
   * length for null, other clients do not, so null written as −2 would be lost to them unseen.
   */
  skipNullable(what: string): void {
    const length = this.varint();
    if (length !== -1) this.skip(length, what);
  }

  /** The bytes after their length as a view, or null. */
  nullable(what: string): Uint8Array | null {
    const length = this.varint();
    if (length === -1) return null;
    const start = this.at;
    this.skip(length, what);
    return this.bytes.subarray(start, this.at);
  }

  /** A header count: each header takes two bytes or more, so the rest of the record bounds it. */
  headerCount(): number {
    const count = this.varint();
    if (count < 0 || count > (this.end - this.at) >>> 1) {
      throw corrupt(`${count} headers where ${this.end - this.at} bytes are left`);
    }
    return count;
  }
}
