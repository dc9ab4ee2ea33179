import type { SealstreamError } from '../ledger/error.js';
import { invalid } from './invalid.js';

/** The text or bytes that takes most room; a JSON Pointer, and at least so many bytes. */
export interface Largest {
  readonly path: string;
  readonly bytes: number;
}

export interface Limits {
  readonly bytes: number;
  refuse(largest: Largest): SealstreamError;
}

/** What readers make of one compressed batch at most: stream/batch/decode.ts. */
const MOST_BYTES = 64 * 1024 * 1024;

export const USUAL_LIMITS: Limits = {
  bytes: MOST_BYTES,
  refuse: ({ path }) => invalid(path, `makes the event larger than ${MOST_BYTES} bytes`),
};

/**
 * How much of what a caller gives is looked at before it is refused as too large. What is spent is
 * never more than what is looked at takes once it is encoded.
 */
export class Allowance {
  readonly #limits: Limits;
  #left: number;
  #largest: Largest = { path: '', bytes: -1 };

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#left = limits.bytes;
  }

  /** Call it before the bytes are looked at. Throws what the limits refuse with. */
  spend(bytes: number, path: string): void {
    if (bytes > this.#largest.bytes) this.#largest = { path, bytes };
    this.#left -= bytes;
    if (this.#left < 0) throw this.#limits.refuse(this.#largest);
  }
}
