/** A partition's log with all its checkpoints in order, ready to be hashed. */
import type { Bounds } from '../stream/stream.js';
import { logOf, type PartitionTask } from './checks.js';
import { findConflicts } from './conflicts.js';
import { type Evidence, evidenceOf } from './evidence.js';
import { findingOf } from './failure.js';
import { timing } from './options.js';
import type { Point, Points } from './points.js';
import { Source } from './source.js';
import type { Tail } from './tail.js';
import { originOf } from './topic.js';
import { type Finding, finding } from './verdict.js';

export interface SealedLog {
  readonly origin: string;
  readonly first: bigint;
  /** First offset that no checkpoint covers. */
  readonly end: bigint;
  /** Sorted; at least one. */
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

/** null: there is no sealed log to look at, or the stream does not tell its bounds. */
export async function openLog(task: PartitionTask, findings: Finding[]): Promise<OpenedLog | null> {
  const { options, state, partition, now } = task;
  const { description } = state;
  const history = logOf(task);
  const origin = originOf(state, options.ledger, partition);
  if (description === null || origin === null || history === undefined) return null;
  if (partition >= description.partitions) return null;
  const source = new Source(options.stream, description, partition, timing(options));
  const points = history.points.sorted();
  const conflicts = findConflicts(source.place, points);
  if (conflicts.finding !== null) findings.push(conflicts.finding);
  let end = history.first;
  for (let index = 0; index < points.length; index++) {
    if (points.nextOf(index) > end) end = points.nextOf(index);
  }
  const log: SealedLog = {
    origin,
    first: history.first,
    end,
    points,
    conflicting: conflicts.indexes,
    evidence: (point) => evidenceOf(options, state, origin, point),
  };
  try {
    const bounds = await source.bounds(end);
    return { log, source, bounds, sealedBefore: BigInt(Math.floor(now - options.maxAge)) };
  } catch (error) {
    findings.push(findingOf(error));
    return null;
  }
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
