import { malformed } from '../../ledger/error.js';

const LENGTH_BYTES = 4;
/** A response starts with its correlation id. */
const SHORTEST_RESPONSE = 4;
/** What a length alone is trusted with; beyond it memory is taken as bytes come in. */
const FIRST_CAPACITY = 2 * 1024 * 1024;

/**
 * Puts the responses of one connection together from the chunks that come in. It holds one response
 * at most, in at most twice the bytes that have come in of it, however small the chunks are.
 */
export class FrameReader {
  readonly #longest: number;
  readonly #lengthBytes = Buffer.alloc(LENGTH_BYTES);
  #lengthRead = 0;
  #length = 0;
  #response = Buffer.alloc(0);
  #filled = 0;

  /** `longest`: bytes that a response may have. */
  constructor(longest: number) {
    this.#longest = longest;
  }

  /** Hands out every response that is whole now, without its length. Throws `malformed` on a length
   * that no response has: what follows can then not be read any more. */
  read(data: Buffer, whole: (response: Buffer) => void): void {
    for (let at = 0; at < data.length; ) {
      if (this.#lengthRead < LENGTH_BYTES) {
        const copied = data.copy(this.#lengthBytes, this.#lengthRead, at);
        this.#lengthRead += copied;
        at += copied;
        if (this.#lengthRead < LENGTH_BYTES) return;
        this.#length = this.#checkedLength();
        this.#filled = 0;
      }
      const rest = data.subarray(at, at + this.#length - this.#filled);
      at += rest.length;
      if (rest.length === this.#length) {
        this.#lengthRead = 0;
        whole(rest);
        continue;
      }
      this.#keep(rest);
      if (this.#filled < this.#length) return;
      const response = this.#response;
      this.#response = Buffer.alloc(0);
      this.#lengthRead = 0;
      whole(response);
    }
  }

  #checkedLength(): number {
    const length = this.#lengthBytes.readInt32BE(0);
    if (length >= SHORTEST_RESPONSE && length <= this.#longest) return length;
    throw malformed(
      `a response of ${length} bytes (at most ${this.#longest} are read); is this a Kafka listener, ` +
        'and does it expect TLS?',
    );
  }

  #keep(bytes: Buffer): void {
    const needed = this.#filled + bytes.length;
    if (needed > this.#response.length) {
      const wanted = Math.max(needed, 2 * this.#response.length, FIRST_CAPACITY);
      const larger = Buffer.allocUnsafe(Math.min(this.#length, wanted));
      this.#response.copy(larger, 0, 0, this.#filled);
      this.#response = larger;
    }
    bytes.copy(this.#response, this.#filled);
    this.#filled = needed;
  }
}
