import { SealstreamError } from '../../../ledger/error.js';

const UUID_BYTES = 16;
const MAX_TAGGED_FIELDS = 1024;
/** What the protocol allows a string. */
const MAX_STRING_BYTES = 32_767;
/** Of all arrays of one response together: each takes far more memory than bytes on the wire. */
const MAX_ELEMENTS = 250_000;

/**
 * Reads Kafka's primitive types from bytes that are not trusted. Every length and count is held
 * against the bytes that are left before anything is allocated; what does not fit throws
 * `malformed`, naming `what` and the place in it.
 */
export class WireReader {
  readonly #bytes: Buffer;
  readonly #what: string;
  #at = 0;
  #elementsRead = 0;

  /** `what` names the bytes in errors, such as "the Fetch v17 response of 127.0.0.1:9092". */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  fail(problem: string): SealstreamError {
    const place = `byte ${this.#at} of ${this.#bytes.length}`;
    return new SealstreamError('malformed', `${this.#what}: ${problem} at ${place}`);
  }

  #take(count: number): number {
    if (count > this.remaining) throw this.fail(`${count} bytes expected, ${this.remaining} left`);
    const at = this.#at;
    this.#at = at + count;
    return at;
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }

  int8(): number {
    return this.#bytes.readInt8(this.#take(1));
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#take(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  int64(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(8));
  }

  float64(): number {
    return this.#bytes.readDoubleBE(this.#take(8));
  }

  unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#take(1));
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value > 0xffffffff) break;
        return value;
      }
    }
    throw this.fail('an unsigned varint longer than 32 bits');
  }

  /** A view of the next `count` bytes. */
  raw(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  /** 16 bytes as the 22 base64url characters that Kafka prints. */
  uuid(): string {
    const at = this.#take(UUID_BYTES);
    return this.#bytes.toString('base64url', at, at + UUID_BYTES);
  }

  string(): string {
    const value = this.nullableString();
    if (value === null) throw this.fail('null where a string must be');
    return value;
  }

  nullableString(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.#text(length);
  }

  compactString(): string {
    const value = this.compactNullableString();
    if (value === null) throw this.fail('null where a string must be');
    return value;
  }

  compactNullableString(): string | null {
    const length = this.unsignedVarint() - 1;
    return length < 0 ? null : this.#text(length);
  }

  #text(length: number): string {
    if (length > MAX_STRING_BYTES) throw this.fail(`a string of ${length} bytes`);
    const at = this.#take(length);
    return this.#bytes.toString('utf8', at, at + length);
  }

  /** COMPACT_NULLABLE_BYTES and COMPACT_RECORDS, as a view. */
  compactNullableBytes(): Uint8Array | null {
    const length = this.unsignedVarint() - 1;
    return length < 0 ? null : this.raw(length);
  }

  /** `read` once per element; a null array is read as empty. No element takes fewer than
   * `minimumBytes` bytes, so a count that cannot fit is refused before the first one. */
  array<T>(minimumBytes: number, read: () => T): T[] {
    return this.#elements(Math.max(0, this.int32()), minimumBytes, read);
  }

  compactArray<T>(minimumBytes: number, read: () => T): T[] {
    return this.#elements(Math.max(0, this.unsignedVarint() - 1), minimumBytes, read);
  }

  #elements<T>(count: number, minimumBytes: number, read: () => T): T[] {
    if (count * minimumBytes > this.remaining) {
      throw this.fail(`an array of ${count} elements in ${this.remaining} bytes`);
    }
    this.#elementsRead += count;
    if (this.#elementsRead > MAX_ELEMENTS) throw this.fail(`more than ${MAX_ELEMENTS} elements`);
    const elements: T[] = [];
    for (let index = 0; index < count; index++) elements.push(read());
    return elements;
  }

  /** The tagged fields that end a flexible structure. `read` gets those it may know, each with a
   * reader over just its bytes; unknown ones are skipped by their size. */
  tags(read?: (tag: number, field: WireReader) => void): void {
    const count = this.unsignedVarint();
    if (count > MAX_TAGGED_FIELDS) throw this.fail(`${count} tagged fields`);
    for (let index = 0; index < count; index++) {
      const tag = this.unsignedVarint();
      const field = this.raw(this.unsignedVarint());
      read?.(tag, new WireReader(field, `${this.#what}, tagged field ${tag}`));
    }
  }
}
