import { SealstreamError } from '../ledger/error.js';
import type { RecordBatch } from './stream.js';

/**
 * What a stream that holds more has to give at least, in a second of waiting for it: either of the
 * two. It is far below any link that somebody works with (16 kbit/s), and ends a reading that would
 * go on for ever: a stream that drips one record before each timeout.
 */
const LEAST_RECORDS = 16;
const LEAST_BYTES = 2048;
/** Timeouts of waiting after which the rate is looked at: a stream may be slow for a while. */
const WINDOW = 4;
const PAUSE_MS = 50;

/** How long one reading goes on: without anything new, and with too little of it. */
export class Patience {
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal | undefined;
  #deadline: number;
  /** When the stream was asked last: what a caller does between two questions is not its time. */
  #asked: number;
  #waitedMs = 0;
  #records = 0;
  #bytes = 0;

  constructor(timeoutMs: number, signal: AbortSignal | undefined) {
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
    this.#asked = performance.now();
    this.#deadline = this.#asked + timeoutMs;
  }

  /** Something came, or the caller is back from working on it. */
  renew(): void {
    this.#asked = performance.now();
    this.#deadline = this.#asked + this.#timeoutMs;
  }

  left(): number {
    return Math.max(0, this.#deadline - performance.now());
  }

  check(error: () => SealstreamError): void {
    if (this.left() === 0) throw error();
  }

  /** Counts what came since the stream was asked; throws `slow`'s error where it is too little. */
  take(batches: readonly RecordBatch[], slow: (gave: string) => SealstreamError): void {
    for (const { count, bodyStart, bodyEnd } of batches) {
      this.#records += Math.max(1, count);
      if (count > 0) this.#bytes += (bodyEnd[count - 1] ?? 0) - (bodyStart[0] ?? 0);
    }
    this.#judge(slow);
  }

  /** The same of an answer to a question of its own, of which one a second is enough. */
  takeAnswer(slow: (gave: string) => SealstreamError): void {
    this.#records += LEAST_RECORDS;
    this.#judge(slow);
  }

  #judge(slow: (gave: string) => SealstreamError): void {
    // At most a timeout: a process that was stopped meanwhile has not waited.
    this.#waitedMs += Math.min(performance.now() - this.#asked, this.#timeoutMs);
    if (this.#waitedMs < WINDOW * this.#timeoutMs) return;
    const seconds = this.#waitedMs / 1000;
    const [records, bytes] = [this.#records, this.#bytes];
    if (records < LEAST_RECORDS * seconds && bytes < LEAST_BYTES * seconds) {
      const least = `${LEAST_RECORDS} records or ${LEAST_BYTES} bytes a second`;
      throw slow(
        `${records} records of ${bytes} bytes in ${seconds.toFixed(1)} s, less than ${least}`,
      );
    }
    this.#waitedMs = 0;
    this.#records = 0;
    this.#bytes = 0;
  }

  /** Waits a moment after a failure worth another try; throws it when it is not, or time is up. */
  async spend(error: unknown): Promise<void> {
    this.#signal?.throwIfAborted();
    if (!(error instanceof SealstreamError) || error.class !== 'retry') throw error;
    this.check(() => error);
    await new Promise((resolve) => setTimeout(resolve, Math.min(PAUSE_MS, this.left())));
    this.#signal?.throwIfAborted();
  }
}
