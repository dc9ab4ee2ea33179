/**
 * A stretch of a log from one checkpoint to a later one, as plain data: what a thread needs to hash
 * it without knowing anything else of the log.
 *
 * A signed checkpoint fixes chain and tree completely, so a log may be hashed from several of them
 * at once. Where each stretch agrees, from the first one on, with the checkpoint that the next one
 * begins with, the log agrees with all of them.
 */
import { SealstreamError } from '../ledger/error.js';
import { asHash } from '../ledger/hash.js';
import { LogState } from '../ledger/log.js';
import type { Stray, Stream, TopicIdentity } from '../stream/stream.js';
import type { Timing } from './options.js';
import type { Ends, Probes } from './places.js';
import { type PointColumns, Points } from './signed-checkpoints.js';
import { Source } from './source.js';
import { walk } from './walk.js';

/** What to go on hashing from, FORMAT §6's headers with what was signed of them. */
export interface SpanStart {
  readonly size: bigint;
  readonly next: bigint;
  readonly chain: Uint8Array;
  readonly root: Uint8Array;
  readonly last: Uint8Array;
  readonly frontier: Uint8Array;
}

export interface Span {
  readonly identity: TopicIdentity;
  readonly partition: number;
  readonly origin: string;
  readonly first: bigint;
  /** null: the beginning of the log. */
  readonly start: SpanStart | null;
  /** At least one; the last one is where the span ends. */
  readonly points: PointColumns;
  readonly probes: Probes;
}

/** What came of a span. */
export interface SpanReport {
  /**
   * What the log was found to be where the span ends; null: it does not agree with every point, or
   * could not be read: which, and where, is for the caller to find out by walking it.
   */
  readonly end: Pick<SpanStart, 'last' | 'frontier'> | null;
  readonly strays: readonly Stray[];
  readonly probed: number;
  readonly ends: Ends;
}

/** Of a span that nobody came to. */
export const NOT_WALKED: SpanReport = {
  end: null,
  strays: [],
  probed: 0,
  ends: { first: null, last: null },
};

/** Others that walk spans, several at once: threads, as a rule. */
export interface SpanWalkers {
  /** How many spans are walked at once. */
  readonly count: number;
  /** Shorter spans, in records, are not made. */
  readonly shortest: bigint;
  /** Topics of which fewer records are to be read are walked without them. */
  readonly fewest: bigint;
  /** `onProgress` gets offsets. */
  walk(
    span: Span,
    onProgress: (position: bigint) => void,
    signal: AbortSignal,
  ): Promise<SpanReport>;
}

export function spanStart(state: LogState): SpanStart {
  const { size, next, chain } = state;
  return { size, next, chain, root: state.root(), last: state.last(), frontier: state.frontier() };
}

/** Throws `malformed` unless `last` and `frontier` lead to what was signed. */
export function resumeAt(origin: string, first: bigint, start: SpanStart): LogState {
  const { size, next, chain, root, last, frontier } = start;
  const head = { origin, first, size, next, chain: asHash(chain), root: asHash(root) };
  return LogState.resume(head, last, frontier);
}

/** Throws what is no fault of the stream. */
export async function walkSpan(
  stream: Stream,
  span: Span,
  options: Timing,
  onProgress: (position: bigint) => void,
): Promise<SpanReport> {
  const { origin, first, start, identity, partition, probes } = span;
  const source = new Source(stream, identity, partition, { ...options, recycle: true, probes });
  const state = start === null ? LogState.start(origin, first) : resumeAt(origin, first, start);
  let isWhole = false;
  try {
    isWhole = await walkAll(source, state, Points.of(span.points), onProgress);
    if (isWhole) await source.probe(true);
  } catch (error) {
    // What the stream shows or fails to show is found, and said, by the walk in order.
    const isOfStream = error instanceof SealstreamError && error.code !== 'internal';
    if (!isOfStream && options.signal?.aborted !== true) throw error;
    isWhole = false;
  }
  const end = isWhole ? { last: state.last(), frontier: state.frontier() } : null;
  return { end, strays: source.strays.ranges, probed: source.probed, ends: source.places.ends };
}

/** Whether the log agrees with all points. */
async function walkAll(
  source: Source,
  state: LogState,
  points: Points,
  onProgress: (position: bigint) => void,
): Promise<boolean> {
  let met = 0;
  for await (const step of walk(source, state, points, 0, points.nextOf(points.length - 1))) {
    if (step.kind === 'differs') return false;
    if (step.kind === 'agrees') met++;
    onProgress(source.position);
  }
  return met === points.length;
}
