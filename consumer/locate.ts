/**
 * Where a log and a checkpoint part: the smallest range of offsets outside which every record up to
 * the checkpoint is still vouched for.
 *
 * A signed root commits to more than one point. Each prefix of the checkpoint's frontier is the
 * frontier of a smaller tree, so the frontier tells up to which of those the log agrees; and `last`
 * tells the chain before the last record and that record itself.
 */
import { decodeEntry, type Entry } from '../ledger/entry.js';
import type { LogState } from '../ledger/log.js';
import { equalBytes } from '../ledger/text.js';
import type { RecordBatch } from '../stream/stream.js';
import type { Evidence } from './evidence.js';
import type { Point } from './signed-checkpoints.js';
import type { Source } from './source.js';
import { type Finding, finding } from './verdict.js';
import { agrees } from './walk.js';

/**
 * Reads [good.next, point.next) once more, as it was read, and says how the log differs from `point`. `good` is the
 * state at the last agreement; it is consumed. null: the second reading agrees.
 */
export async function locate(
  source: Source,
  good: LogState,
  point: Point,
  evidence: Evidence | null,
): Promise<Finding | null> {
  const start = good.next;
  const comparison = new Comparison(good, point, evidence);
  for await (const fetched of source.readAgain(start, point.next)) {
    for (const batch of fetched.batches) comparison.add(batch);
  }
  return comparison.finding(source.place, start);
}

/**
 * The same where the log ends at `until`, before `point`: what the evidence says about the records
 * that are left. null: nothing against them.
 */
export async function locateBefore(
  source: Source,
  good: LogState,
  point: Point,
  evidence: Evidence | null,
  until: bigint,
): Promise<Finding | null> {
  const comparison = new Comparison(good, { ...point, next: until }, evidence);
  for await (const fetched of source.readAgain(good.next, until)) {
    for (const batch of fetched.batches) comparison.add(batch);
  }
  return comparison.divergence(source.place);
}

class Comparison {
  readonly #state: LogState;
  readonly #point: Point;
  readonly #frontier: Uint8Array;
  readonly #last: Entry | null;
  /** Sizes, ascending, at which the evidence knows the tree or the chain. */
  readonly #known: readonly bigint[];
  #at = 0;
  /** First offset that is not vouched for, as far as the known sizes tell. */
  #from: bigint;
  #diverged = false;
  /** The record at the last entry's offset is the one that was sealed. */
  #lastHolds = false;
  /** A record beyond the last entry's offset, where there was none. */
  #beyondLast = false;

  constructor(good: LogState, point: Point, evidence: Evidence | null) {
    this.#state = good;
    this.#point = point;
    this.#frontier = evidence?.frontier ?? new Uint8Array(0);
    this.#last = evidence === null || point.size === 0n ? null : decodeEntry(evidence.last);
    const known = evidence === null ? [] : prefixSizes(point.size);
    if (this.#last !== null) known.push(point.size - 1n);
    this.#known = [...new Set(known)]
      .filter((size) => size > good.size && size < point.size)
      .sort((a, b) => (a < b ? -1 : 1));
    this.#from = good.next;
  }

  add(batch: RecordBatch): void {
    for (let index = 0; index < batch.count; index++) {
      const offset = batch.offsets[index] ?? 0n;
      if (offset >= this.#point.next) return;
      this.#state.append(batch, index, index + 1);
      this.#compareLast(offset);
      if (this.#known[this.#at] === this.#state.size) this.#compareKnown(offset);
    }
  }

  #compareKnown(offset: bigint): void {
    this.#at++;
    if (this.#diverged) return;
    if (this.#agreesHere()) this.#from = offset + 1n;
    else this.#diverged = true;
  }

  #agreesHere(): boolean {
    const { size } = this.#state;
    const chain = this.#last?.previous;
    if (chain !== undefined && size === this.#point.size - 1n) {
      return equalBytes(this.#state.chain, chain);
    }
    const own = this.#state.frontier();
    return equalBytes(own, this.#frontier.subarray(0, own.length));
  }

  #compareLast(offset: bigint): void {
    const last = this.#last;
    if (last === null || offset < last.offset) return;
    if (offset > last.offset) {
      this.#beyondLast = true;
      return;
    }
    const entry = decodeEntry(this.#state.last());
    this.#lastHolds =
      equalBytes(entry.record, last.record) &&
      entry.timestamp === last.timestamp &&
      entry.timestampType === last.timestampType;
  }

  divergence(place: string): Finding | null {
    if (!this.#diverged) return null;
    const to = this.#point.next;
    const message = `${place}: the records left at offsets ${this.#from} to ${to - 1n} are not what was sealed`;
    return finding('record-altered', message, this.#from, to);
  }

  finding(place: string, start: bigint): Finding | null {
    const { size, next, chain } = this.#point;
    if (agrees(this.#state, this.#point)) return null;
    if (this.#state.size === size && equalBytes(this.#state.chain, chain)) {
      const message = `${place}: the checkpoint at offset ${next} signs a root that is not its chain's`;
      return finding('checkpoint-conflict', message, start, next);
    }
    const from = this.#from;
    const to = this.#end();
    const where = `${place}: the sealed records at offsets ${from} to ${to - 1n}`;
    const interval = `the checkpoints at offsets ${start} and ${next} enclose them`;
    if (this.#state.size < size) {
      const count = size - this.#state.size;
      const message = `${where} are not all there: ${count} missing; ${interval}`;
      return finding('record-missing', message, from, to);
    }
    const added = this.#state.size - size;
    const what = added > 0n ? `hold ${added} more than were sealed` : 'are not what was sealed';
    return finding('record-altered', `${where} ${what}; ${interval}`, from, to);
  }

  /** The last record bounds the range from above, where it is the sealed one or the last there is. */
  #end(): bigint {
    const last = this.#last;
    if (last === null || this.#beyondLast || last.offset < this.#from) return this.#point.next;
    return this.#lastHolds && last.offset > this.#from ? last.offset : last.offset + 1n;
  }
}

/** The sizes of which a frontier of `size` holds the frontier: `size` with its low bits cleared. */
function prefixSizes(size: bigint): bigint[] {
  const sizes: bigint[] = [];
  for (let rest = size; rest > 0n; rest &= rest - 1n) sizes.push(rest);
  return sizes;
}
