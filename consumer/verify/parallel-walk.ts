/**
 * Hashing a log in several places at once. It only ever finds out that a log agrees with its
 * checkpoints up to one of them; everything else, every finding included, is left to the walk in
 * order that goes on from there. So the report is the same, however many walk.
 */
import type { LogState } from '../../ledger/log.js';
import { equalBytes } from '../../ledger/text.js';
import {
  resumeAt,
  type Span,
  type SpanStart,
  type SpanWalkers,
  spanStart,
} from '../checkpoint-span.js';
import type { Probes } from '../places.js';
import type { OpenedLog, SealedLog } from '../sealed-log.js';
import type { Point, Points } from '../signed-checkpoints.js';

/** How many spans each walker gets of a long log, so that none waits long for the last one. */
const SPANS_EACH = 4n;

/** The log agrees with every point before `index`; `state` is where it stands there. */
export interface Ahead {
  readonly state: LogState;
  readonly index: number;
}

export interface AheadOptions {
  readonly walkers: SpanWalkers;
  /** Of the whole log. */
  readonly probes: Probes;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (position: bigint) => void;
  /** The log agrees with the points up to this one. */
  readonly onAgreed: (point: Point) => Promise<void>;
}

/** A span, and the index of the point after it. */
interface Stretch {
  readonly span: Omit<Span, 'probes'>;
  readonly end: number;
}

/** Walks on from `start`, about as far as the log agrees. Throws what a walker throws. */
export async function walkAhead(
  { log, source, bounds }: OpenedLog,
  start: Ahead,
  { walkers, probes, signal, onProgress, onAgreed }: AheadOptions,
): Promise<Ahead> {
  const { points, origin, first } = log;
  // Where the checkpoints contradict each other or the beginning is gone, order matters.
  if (log.conflicting.size > 0 || bounds.logStart > first) return start;
  const place = { identity: source.identity, partition: source.partition, origin, first };
  const stretches = await cut(log, place, start, bounds.highWatermark, walkers);
  const stop = new AbortController();
  const stopped = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
  const progress = new Progress(start.state.next, onProgress);
  const upTo = (spans: number) => Math.floor((Number(probes) * spans) / stretches.length);
  const reports = stretches.map(({ span }, number) => {
    const share = probes === 'all' ? probes : upTo(number + 1) - upTo(number);
    const begins = span.start?.next ?? first;
    return walkers.walk({ ...span, probes: share }, progress.of(begins), stopped);
  });
  let before = start;
  let reached = start;
  try {
    for (const [at, { end }] of stretches.entries()) {
      const report = await reports[at];
      // Only who comes from before it sees a batch that reaches back over the edge as out of order.
      if (!report?.end) return before;
      source.places.follow(report.ends);
      const point = points.get(end - 1);
      before = reached;
      reached = { state: resumeAt(origin, first, { ...point, ...report.end }), index: end };
      if (report.strays.length === 0) await onAgreed(point);
    }
  } finally {
    stop.abort();
    for (const settled of await Promise.allSettled(reports)) {
      if (settled.status === 'rejected') continue;
      source.probed += settled.value.probed;
      for (const range of settled.value.strays) source.strays.add(range);
    }
  }
  return reached;
}

/** Up to the last checkpoint that the log reaches. */
async function cut(
  log: SealedLog,
  place: Omit<Span, 'start' | 'points' | 'probes'>,
  { state, index }: Ahead,
  until: bigint,
  walkers: SpanWalkers,
): Promise<Stretch[]> {
  const { points } = log;
  let last = points.length;
  while (last > index && points.nextOf(last - 1) > until) last--;
  if (last === index) return [];
  const length = spanLength(points.sizeOf(last - 1) - state.size, walkers);
  const stretches: Stretch[] = [];
  let start: SpanStart | null = index === 0 ? null : spanStart(state);
  let from = index;
  for (let at = index; at < last; at++) {
    const size = points.sizeOf(at) - (start?.size ?? 0n);
    const isLast = at === last - 1;
    if (!isLast && (size < length || points.sizeOf(last - 1) - points.sizeOf(at) < length))
      continue;
    const next = isLast ? null : await startAt(log, points.get(at));
    if (!isLast && next === null) continue;
    const span = { ...place, start, points: points.columns(from, at + 1) };
    stretches.push({ span, end: at + 1 });
    start = next;
    from = at + 1;
  }
  return stretches;
}

function spanLength(records: bigint, { count, shortest }: SpanWalkers): bigint {
  const length = records / (BigInt(count) * SPANS_EACH);
  return length > shortest ? length : shortest;
}

/** null: what a walk would need to begin at this point is not to be had. */
async function startAt(log: SealedLog, point: Point): Promise<SpanStart | null> {
  const evidence = await log.evidence(point);
  if (evidence === null) return null;
  const { checkpoint, last, frontier } = evidence;
  const same =
    checkpoint.size === point.size &&
    checkpoint.next === point.next &&
    equalBytes(checkpoint.chain, point.chain) &&
    equalBytes(checkpoint.root, point.root);
  if (!same) return null;
  // Copies: a view that is sent to a thread takes all of its buffer along.
  return {
    size: point.size,
    next: point.next,
    chain: new Uint8Array(point.chain),
    root: new Uint8Array(point.root),
    last: new Uint8Array(last),
    frontier: new Uint8Array(frontier),
  };
}

/** Index of the point that is this one, or −1. */
export function indexOfPoint(points: Points, wanted: Omit<Point, 'at'>): number {
  for (let index = 0; index < points.length; index++) {
    if (points.sizeOf(index) !== wanted.size || points.nextOf(index) !== wanted.next) continue;
    const { chain, root } = points.get(index);
    if (equalBytes(chain, wanted.chain) && equalBytes(root, wanted.root)) return index;
  }
  return -1;
}

/** Sums up how far several walks have come, as if it were one. */
class Progress {
  #position: bigint;
  readonly #tell: (position: bigint) => void;

  constructor(position: bigint, tell: (position: bigint) => void) {
    this.#position = position;
    this.#tell = tell;
  }

  of(start: bigint): (position: bigint) => void {
    let last = start;
    return (position) => {
      this.#position += position - last;
      last = position;
      this.#tell(this.#position);
    };
  }
}
