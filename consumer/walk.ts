/**
 * The recomputation: the records of a partition, hashed in order, and compared with every signed
 * checkpoint on the way. Checkpoints are met by offset (`next`), not by count, so that a log with a
 * record too few or too many is seen at the first checkpoint behind the change.
 */
import { randomInt } from 'node:crypto';
import { SealstreamError } from '../ledger/error.js';
import type { LogState } from '../ledger/log.js';
import { equalBytes } from '../ledger/text.js';
import type { RecordBatch } from '../stream/stream.js';
import type { Begun, Place } from './places.js';
import type { Point, Points } from './signed-checkpoints.js';
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

export interface WalkOptions {
  /** Indexes of points that may differ. */
  readonly passed?: ReadonlySet<number>;
  /** Appends the records [from, to) to the state in the place of the walk. */
  readonly append?: (batch: RecordBatch, from: number, to: number) => void;
}

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
 * first point that differs and is not `passed`, or at `until`: points beyond it are not met.
 * Throws what the source throws; `state.next` then says how far it came.
 */
export async function* walk(
  source: Source,
  state: LogState,
  points: Points,
  index: number,
  until: bigint,
  options: WalkOptions = {},
): AsyncGenerator<Step> {
  const { passed, append = (batch, from, to) => state.append(batch, from, to) } = options;
  let at = index;
  let seen = state.next;
  /** Where the batch before ends, or the walk begins. */
  let reached = state.next;
  let isFirst = true;
  source.places.leap();
  /** Compares with every point up to `offset`; true: one differs. */
  function* meet(offset: bigint): Generator<Step, boolean> {
    for (; at < points.length; at++) {
      const point = points.get(at);
      if (point.next > offset) return false;
      if (point.next > state.next) state.skipTo(point.next);
      const kind = agrees(state, point) ? 'agrees' : 'differs';
      if (kind === 'agrees') source.agreed();
      yield { kind, index: at, point };
      if (kind === 'differs' && !passed?.has(at)) return true;
    }
    return false;
  }
  if (yield* meet(state.next)) return;
  for await (const fetched of source.read(state.next, until)) {
    const { batches } = fetched;
    for (const [number, batch] of batches.entries()) {
      seen = checkOrder(source, batch, seen);
      const end = indexOf(batch, until);
      let done = 0;
      const edges = {
        isFirst: number === 0,
        isLast: number === batches.length - 1,
        boundary: isFirst ? reached : boundaryIn(batch, points, at, reached),
      };
      // What comes behind the end of the walk is somebody else's to hash.
      const isWalked = at < points.length && batch.baseOffset < until;
      const begun = isWalked ? source.places.begin(state, edges) : null;
      isFirst = false;
      reached = batch.nextOffset;
      while (done < end && at < points.length) {
        const to = Math.min(end, indexOf(batch, points.nextOf(at), done));
        if (to > done) {
          append(batch, done, to);
          yield { kind: 'records', batch, from: done, to };
        }
        done = to;
        if (done < end && (yield* meet(batch.offsets[done] ?? 0n))) return;
      }
      if (begun !== null) source.places.add(placeOf(batch, done, begun, state), begun.slot, edges);
      if (done < end) yield { kind: 'tail', batch, from: done, to: end };
    }
    if (source.isDue) await source.probe(false);
    const end = fetched.next.offset < until ? fetched.next.offset : until;
    if (yield* meet(end)) return;
    if (at < points.length && end > state.next) state.skipTo(end);
  }
}

/** Seeks to checkpoint boundaries: to all of so many, about so many of more. */
const MOST_BOUNDARIES = 10_000;

/**
 * The checkpoint boundary that a seek to it would find in this batch, the first that ends behind
 * `reached`; null: none that is sought.
 */
function boundaryIn(
  { nextOffset }: RecordBatch,
  points: Points,
  at: number,
  reached: bigint,
): bigint | null {
  if (at >= points.length) return null;
  const boundary = points.nextOf(at);
  if (boundary < reached || boundary >= nextOffset) return null;
  const isSought = points.length <= MOST_BOUNDARIES || randomInt(points.length) < MOST_BOUNDARIES;
  return isSought ? boundary : null;
}

/** The first `done` records of the batch were hashed. */
function placeOf(batch: RecordBatch, done: number, { before }: Begun, state: LogState): Place {
  const { baseOffset: base, nextOffset: next, offsets, sizeInBytes } = batch;
  const from = offsets[0] ?? base;
  const to = done > 0 ? (offsets[done - 1] ?? from) + 1n : from;
  return { base, next, from, to, before, behind: state.chain, sizeInBytes };
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
