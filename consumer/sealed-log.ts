/** A partition's log with all its checkpoints in order, ready to be hashed. */
import type { Bounds } from '../stream/stream.js';
import { logOf, type PartitionTask } from './checks.js';
import { findConflicts } from './conflicts.js';
import { type Evidence, evidenceOf } from './evidence.js';
import { findingOf } from './failure.js';
import { timing } from './options.js';
import { DEFAULT_PROBES } from './places.js';
import { type Point, Points } from './signed-checkpoints.js';
import { Source } from './source.js';
import type { Tail } from './tail.js';
import { originOf, type TopicState } from './topic.js';
import { type Finding, finding } from './verdict.js';

export interface SealedLog {
  readonly origin: string;
  readonly first: bigint;
  /** First offset that no checkpoint covers. */
  readonly end: bigint;
  /** Sorted. */
  readonly points: Points;
  /** Indexes of points that contradict another one. */
  readonly conflicting: ReadonlySet<number>;
  /** `last` and `frontier` of a point, checked against its note; null: not to be had. */
  evidence(point: Point): Promise<Evidence | null>;
}

export interface OpenedLog {
  readonly log: SealedLog;
  readonly source: Source;
  readonly bounds: Bounds;
  /** Records beyond the head with an earlier timestamp, in milliseconds, should have been sealed. */
  readonly sealedBefore: bigint;
}

/**
 * A log that was never sealed has no points, and all its records are beyond its end. null: the
 * partition is not there, or the stream does not tell its bounds. `recycle`: as in Source.
 */
export async function openLog(
  task: PartitionTask,
  findings: Finding[],
  recycle = false,
): Promise<OpenedLog | null> {
  const { options, state, partition, now } = task;
  const { description } = state;
  const history = logOf(task);
  const origin = originOf(state, options.ledger, partition);
  if (description === null || origin === null) return null;
  if (partition >= description.partitions || (history === undefined && !isKnown(state)))
    return null;
  const reading = { ...timing(options), recycle, probes: options.probes ?? DEFAULT_PROBES };
  const source = new Source(options.stream, description, partition, reading);
  const points = history?.points.sorted() ?? new Points();
  const conflicts = findConflicts(source.place, points);
  if (conflicts.finding !== null) findings.push(conflicts.finding);
  try {
    const bounds = await source.bounds(endOf(points, 0n));
    const first = history?.first ?? bounds.logStart;
    const log: SealedLog = {
      origin,
      first,
      end: endOf(points, first),
      points,
      conflicting: conflicts.indexes,
      evidence: (point) => evidenceOf(options, state, origin, point),
    };
    return { log, source, bounds, sealedBefore: BigInt(Math.floor(now - options.maxAge)) };
  } catch (error) {
    findings.push(findingOf(error));
    return null;
  }
}

/** Whether it is known that a log without checkpoints has none: not so with the wrong key. */
function isKnown({ answered, history }: TopicState): boolean {
  return answered && (history.opened || history.unopened.empty);
}

function endOf(points: Points, first: bigint): bigint {
  let end = first;
  for (let index = 0; index < points.length; index++) {
    if (points.nextOf(index) > end) end = points.nextOf(index);
  }
  return end;
}

export function overdueFinding(source: Source, tail: Tail): Finding[] {
  if (tail.overdue === null) return [];
  const { from, to } = tail.overdue;
  const message =
    `${source.place}: the records at offsets ${from} to ${to - 1n} are older than the maximum age ` +
    'and not sealed';
  return [finding('unsealed', message, from, to)];
}

/** What the log is missing at its end. */
export function truncatedFinding(source: Source, end: bigint, until: bigint): Finding[] {
  if (until >= end) return [];
  const message = `${source.place}: the log ends at ${until}, but is sealed up to ${end}`;
  return [finding('log-truncated', message, until, end)];
}

/** What the log is missing at its start, and the first point behind that; null: nothing of it. */
export function movedStart(
  source: Source,
  { points, first }: SealedLog,
  logStart: bigint,
): { readonly finding: Finding; readonly index: number } | null {
  // Offsets that a checkpoint of no records covers never held any, so none were lost there.
  let empty = first;
  let index = 0;
  for (; index < points.length && points.sizeOf(index) === 0n; index++)
    empty = points.nextOf(index);
  if (logStart <= empty) return null;
  while (index < points.length && points.nextOf(index) < logStart) index++;
  const message =
    `${source.place}: the log now starts at ${logStart}, it was started at ${first}: what was ` +
    'before is deleted, and the rest up to the next checkpoint cannot be checked';
  return { finding: finding('log-start-moved', message, first, logStart), index };
}
