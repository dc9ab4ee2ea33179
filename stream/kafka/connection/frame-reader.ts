import { malformed } from '../../../ledger/error.js';

const LENGTH_BYTES = 4;
/** A response starts with its correlation id. */
const SHORTEST_RESPONSE = 4;
/** What a length alone is trusted with; beyond it memory is taken as bytes come in. */
const FIRST_CAPACITY = 2 * 1024 * 1024;
/** A longer piece of memory is not kept to be used again. */
const LARGEST_KEPT = 4 * 1024 * 1024;
/** So that a response a little longer than those before it finds room. */
const KEPT_STEP = 64 * 1024;

/**
 * Puts the responses of one connection together from the chunks that come in. It holds one response
 * at most, in at most twice the bytes that have come in of it, however small the chunks are.
 *
 * With `recycle` responses take turns in two pieces of memory, and chunks are not held on to: a
 * response is good until the one after the next begins to come in.
 */
export class FrameReader {
  readonly #longest: number;
  readonly #recycle: boolean;
  readonly #lengthBytes = Buffer.alloc(LENGTH_BYTES);
  #lengthRead = 0;
  #length = 0;
  #response: Buffer = Buffer.alloc(0);
  #filled = 0;
  /** The memory of the response that was handed out last, to be used again; null: none. */
  #handedOut: Buffer | null = null;

  /** `longest`: bytes that a response may have. */
  constructor(longest: number, recycle = false) {
    this.#longest = longest;
    this.#recycle = recycle;
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
      if (rest.length === this.#length && !this.#recycle) {
        this.#lengthRead = 0;
        whole(rest);
        continue;
      }
      this.#keep(rest);
      if (this.#filled < this.#length) return;
      this.#lengthRead = 0;
      whole(this.#takeResponse());
    }
  }

  #takeResponse(): Buffer {
    const memory = this.#response;
    this.#response = this.#handedOut ?? Buffer.alloc(0);
    const isKept = this.#recycle && memory.length <= LARGEST_KEPT;
    this.#handedOut = isKept ? memory : null;
    return memory.subarray(0, this.#length);
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
      const larger = Buffer.allocUnsafe(this.#capacity(Math.min(this.#length, wanted)));
      this.#response.copy(larger, 0, 0, this.#filled);
      this.#response = larger;
    }
    bytes.copy(this.#response, this.#filled);
    this.#filled = needed;
  }

  #capacity(wanted: number): number {
    return this.#recycle ? Math.ceil(wanted / KEPT_STEP) * KEPT_STEP : wanted;
  }
}
