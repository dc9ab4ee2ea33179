import type { Totals } from './context.js';
import type { GoneLog } from './deleted-topics.js';
import type { LogRunner, Phase } from './log-runner.js';
import type { Refusal } from './refusal.js';

/** Where one log of a running sealer stands. Offsets and sizes are bigint, times are numbers. */
export interface LogReport {
  readonly topic: string;
  readonly partition: number;
  readonly origin: string;
  readonly phase: Phase;
  /** The newest checkpoint known here; null: none. */
  readonly sealed: { readonly size: bigint; readonly next: bigint; readonly time: number } | null;
  /** First offset that is not in the chain of this process, sealed or not; null: not recovered. */
  readonly next: bigint | null;
  /** null: the stream has not said. */
  readonly highWatermark: bigint | null;
  /** Offsets between the newest checkpoint and the end of the log. */
  readonly lagRecords: bigint | null;
  /** Seconds for which the log has held something that is not sealed; 0: all is. */
  readonly lagSeconds: number;
  /** Seconds since the newest checkpoint was signed, below 0 where it is dated in the future; null: there is none. */
  readonly headAgeSeconds: number | null;
  readonly refusal: Refusal | null;
  /** The outage that this log waits out; null: none. */
  readonly waiting: string | null;
  /** What this process has sealed of this log. */
  readonly totals: Readonly<Totals>;
}

/** By topic and partition. */
export function compareLogs(a: LogReport, b: LogReport): number {
  return a.topic.localeCompare(b.topic) || a.partition - b.partition;
}

export function reportOf(runner: LogRunner, now: number, monotonic: number): LogReport {
  const { log } = runner;
  const { sealed } = log;
  const { highWatermark, unsealedSince } = log.end;
  const { topic, partition, origin } = log.context;
  const sealedTo = sealed?.next ?? log.first;
  return {
    topic: topic.topic,
    partition,
    origin,
    phase: runner.phase,
    sealed: sealed && { size: sealed.size, next: sealed.next, time: sealed.time },
    next: log.next,
    highWatermark,
    lagRecords: highWatermark === null || sealedTo === null ? null : lag(highWatermark, sealedTo),
    lagSeconds: unsealedSince === null ? 0 : Math.max(0, monotonic - unsealedSince) / 1000,
    headAgeSeconds: sealed && (now - sealed.time) / 1000,
    refusal: runner.refusal,
    waiting: runner.waiting,
    totals: log.totals,
  };
}

export function reportOfGone(gone: GoneLog): LogReport {
  return {
    ...gone,
    phase: 'refused',
    sealed: null,
    next: null,
    highWatermark: null,
    lagRecords: null,
    lagSeconds: 0,
    headAgeSeconds: null,
    waiting: null,
    totals: { records: 0n, bytes: 0n, checkpoints: 0 },
  };
}

function lag(highWatermark: bigint, sealedTo: bigint): bigint {
  return highWatermark > sealedTo ? highWatermark - sealedTo : 0n;
}
