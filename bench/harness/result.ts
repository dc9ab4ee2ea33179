import type { Measurement } from './measurement.js';
import type { Summary } from './statistics.js';

/** What one bench found for one size and count of records. */
export interface BenchResult {
  readonly bench: string;
  /** What it measures, in one line. */
  readonly title: string;
  /** `rate`: more records a second is better; `time`: fewer seconds are. */
  readonly kind: 'rate' | 'time';
  readonly records: readonly number[];
  readonly size: string;
  readonly partitions: number;
  readonly contenders: readonly ContenderResult[];
}

export interface ContenderResult {
  readonly name: string;
  /** This build; what it is compared with is not. */
  readonly ours: boolean;
  /** null: `skipped` says why. */
  readonly summary: Summary | null;
  readonly skipped: string | null;
  /** In the order in which they were made. */
  readonly measurements: readonly Measurement[];
}

/** How many times as fast `one` is as `other`, by their medians. */
export function ratio(kind: BenchResult['kind'], one: Summary, other: Summary): number {
  return kind === 'rate'
    ? one.recordsPerSecond.median / other.recordsPerSecond.median
    : other.seconds.median / one.seconds.median;
}

/** Of every contender of ours to every other contender. */
export function ratios(result: BenchResult): Record<string, Record<string, number>> {
  const all: Record<string, Record<string, number>> = {};
  for (const ours of result.contenders) {
    if (!ours.ours || ours.summary === null) continue;
    const own: Record<string, number> = {};
    for (const other of result.contenders) {
      if (other === ours || other.summary === null) continue;
      own[other.name] = Math.round(ratio(result.kind, ours.summary, other.summary) * 1000) / 1000;
    }
    all[ours.name] = own;
  }
  return all;
}
