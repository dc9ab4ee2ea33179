/**
 * Where a log ends, as this process sees it while it reads. A high watermark goes back for a moment
 * when the leader changes, and for good where records are lost; which of the two only waiting tells.
 * What was read before it went back, and sealed by nobody, is held against the log once more: only
 * here does its loss show.
 */
import { decodeEntry } from '../ledger/entry.js';
import { SealstreamError } from '../ledger/error.js';
import type { Bounds } from '../stream/stream.js';
import { placeOf, type SealContext } from './context.js';
import { differenceAt } from './last-record.js';
import { SealRefused } from './refusal.js';

const REMEDY =
  'what was sealed stands; keep the log as evidence, see what its publishers say was lost, and ' +
  'start the sealer again to go on from what is sealed';

/** First offsets: not covered by the newest checkpoint, and not chained here (null: not recovered). */
export interface Reached {
  readonly sealed: bigint;
  readonly chained: bigint | null;
}

export class SeenEnd {
  readonly #context: SealContext;
  #highWatermark: bigint | null = null;
  #behindSince: number | null = null;
  #unsealedSince: number | null = null;
  /** The last entry that was chained and not sealed when the log was seen to go back. */
  #doubted: Uint8Array | null = null;

  constructor(context: SealContext) {
    this.#context = context;
  }

  get highWatermark(): bigint | null {
    return this.#highWatermark;
  }

  /** By the monotonic clock: since when the log has held something that is not sealed. */
  get unsealedSince(): number | null {
    return this.#unsealedSince;
  }

  /** The log ends before what was read of it, and may yet come back. */
  get isAwaited(): boolean {
    return this.#behindSince !== null;
  }

  /** Whether it has stayed behind for longer than a change of leader explains. */
  get isBehindTooLong(): boolean {
    const since = this.#behindSince;
    return since !== null && this.#now() - since >= this.#context.settings.truncatedAfter;
  }

  recovered(highWatermark: bigint, reached: Reached): void {
    this.#behindSince = null;
    this.#observe(highWatermark, reached);
  }

  sealed(reached: Reached): void {
    this.#unsealedSince = null;
    if (this.#highWatermark !== null) this.#observe(this.#highWatermark, reached);
  }

  /**
   * Throws `log-diverged` where the log has to be recovered: it stayed behind what is chained here,
   * or was behind and is back. What was chained before is then not signed unseen.
   */
  follow(highWatermark: bigint, reached: Reached): void {
    const wasAwaited = this.isAwaited;
    this.#observe(highWatermark, reached);
    if (wasAwaited && !this.isAwaited) throw this.#diverged('went back and has come again');
    if (this.isBehindTooLong) throw this.#diverged('stays behind what was read');
  }

  /** `last`: the last entry that is chained and not sealed. */
  doubt(last: Uint8Array): void {
    this.#doubted = last;
  }

  /**
   * Throws SealRefused `record-altered` where another record stands in the place of a doubted one,
   * and, once it has been waited for, `log-truncated` where none does; `timeout` until then.
   */
  async checkDoubted(bounds: Bounds): Promise<void> {
    if (this.#doubted === null) return;
    try {
      await this.#compareDoubted(this.#doubted, bounds);
    } catch (error) {
      const patient = this.patiently(error);
      if (patient instanceof SealRefused) this.#doubted = null;
      throw patient;
    }
    this.#doubted = null;
  }

  /** What to throw in the place of `error`: a log that is too short may be so for a moment only. */
  patiently(error: unknown): unknown {
    if (!(error instanceof SealRefused && error.reason === 'log-truncated')) return error;
    this.#behindSince ??= this.#now();
    if (this.isBehindTooLong) return error;
    return new SealstreamError('timeout', error.message, { cause: error });
  }

  #observe(highWatermark: bigint, { sealed, chained }: Reached): void {
    this.#highWatermark = highWatermark;
    if (highWatermark <= sealed) this.#unsealedSince = null;
    else this.#unsealedSince ??= this.#now();
    if (chained === null) return;
    if (highWatermark < chained) this.#behindSince ??= this.#now();
    else this.#behindSince = null;
  }

  async #compareDoubted(last: Uint8Array, { logStart, highWatermark }: Bounds): Promise<void> {
    const entry = decodeEntry(last);
    const { offset } = entry;
    // Sealed by another process and deleted since.
    if (offset < logStart) return;
    const place = placeOf(this.#context);
    if (offset >= highWatermark) {
      throw new SealRefused(
        'log-truncated',
        `${place} ends at ${highWatermark}, and records up to offset ${offset} were read from it: ` +
          `records that were not sealed yet are gone; ${REMEDY}`,
      );
    }
    const difference = await differenceAt(this.#context, entry);
    if (difference === null) return;
    throw new SealRefused(
      'record-altered',
      `${place}: the record at offset ${offset}, read and not yet sealed, ${difference}; ${REMEDY}`,
    );
  }

  #diverged(what: string): SealstreamError {
    const message = `${placeOf(this.#context)}: the high watermark ${what}`;
    return new SealstreamError('log-diverged', message);
  }

  #now(): number {
    return this.#context.settings.clock.monotonic();
  }
}

/** Whether the stream says that the log is no longer as it was read. */
export function isDoubt(error: unknown): boolean {
  if (!(error instanceof SealstreamError)) return false;
  return error.code === 'log-diverged' || error.code === 'offset-out-of-range';
}
