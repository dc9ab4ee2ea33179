/**
 * The recomputation: the records of a partition, hashed in order, and compared with every signed
 * checkpoint on the way. Checkpoints are met by offset (`next`), not by count, so that a log with a
 * record too few or too many is seen at the first checkpoint behind the change.
 */
import { SealstreamError } from '../ledger/error.js';
import type { LogState } from '../ledger/log.js';
import { equalBytes } from '../ledger/text.js';
import type { RecordBatch } from '../stream/stream.js';
import type { Point, Points } from './points.js';
import type { Source } from './source.js';

export type Step =
  /** Records [from, to) of the batch were hashed; no checkpoint has vouched for them yet. */
  | {
      readonly kind: 'records';
      readonly batch: RecordBatch;
      readonly from: number;
      readonly to: number;
    }
  /** Checkpoint `index` agrees with the log up to here. */
  | { readonly kind: 'agrees'; readonly index: number; readonly point: Point }
  /** It does not; the walk is over, unless the point is one of those that are passed over. */
  | { readonly kind: 'differs'; readonly index: number; readonly point: Point }
  /** Records [from, to) of the batch are beyond the last checkpoint. */
  | {
      readonly kind: 'tail';
      readonly batch: RecordBatch;
      readonly from: number;
      readonly to: number;
    };

/** Index of the first record of `batch` with an offset ≥ `offset`, looking from `from` on. */
function indexOf(batch: RecordBatch, offset: bigint, from = 0): number {
  let low = from;
  let high = batch.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((batch.offsets[middle] ?? 0n) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function agrees(state: LogState, point: Point): boolean {
  return (
    state.size === point.size &&
    equalBytes(state.chain, point.chain) &&
    equalBytes(state.root(), point.root)
  );
}

/**
 * Hashes [state.next, until) into `state`, comparing with `points` from `index` on. Ends after the
 * first point that differs and is not in `passed`, or at `until`: points beyond it are not met.
 * Throws what the source throws; `state.next` then says how far it came.
 */
export async function* walk(
  source: Source,
  state: LogState,
  points: Points,
  index: number,
  until: bigint,
  passed: ReadonlySet<number> = new Set(),
): AsyncGenerator<Step> {
  let at = index;
  let seen = state.next;
  /** Compares with every point up to `offset`; true: one differs. */
  function* meet(offset: bigint): Generator<Step, boolean> {
    for (; at < points.length; at++) {
      const point = points.get(at);
      if (point.next > offset) return false;
      if (point.next > state.next) state.skipTo(point.next);
      const kind = agrees(state, point) ? 'agrees' : 'differs';
      yield { kind, index: at, point };
      if (kind === 'differs' && !passed.has(at)) return true;
    }
    return false;
  }
  if (yield* meet(state.next)) return;
  for await (const fetched of source.read(state.next, until)) {
    for (const batch of fetched.batches) {
      seen = checkOrder(source, batch, seen);
      const end = indexOf(batch, until);
      let done = 0;
      while (done < end && at < points.length) {
        const to = Math.min(end, indexOf(batch, points.nextOf(at), done));
        if (to > done) {
          state.append(batch, done, to);
          yield { kind: 'records', batch, from: done, to };
        }
        done = to;
        if (done < end && (yield* meet(batch.offsets[done] ?? 0n))) return;
      }
      if (done < end) yield { kind: 'tail', batch, from: done, to: end };
    }
    const reached = fetched.next.offset < until ? fetched.next.offset : until;
    if (yield* meet(reached)) return;
    if (at < points.length && reached > state.next) state.skipTo(reached);
  }
}

/**
 * A stream that repeats or reorders offsets shows no log that could be sealed. Returns the first
 * offset that may come after this batch.
 */
function checkOrder(source: Source, batch: RecordBatch, seen: bigint): bigint {
  const first = batch.offsets[0];
  const last = batch.offsets[batch.count - 1];
  if (batch.count === 0 || first === undefined || last === undefined) return seen;
  if (first >= seen) return last + 1n;
  // What was fetched together with this batch lies behind it and counts as not read.
  source.position = seen;
  throw new SealstreamError(
    'batch-corrupt',
    `${source.place}: the batch at ${batch.baseOffset} holds offset ${first}, but offsets before ` +
      `${seen} were read already; keep the segment as evidence`,
  );
}
