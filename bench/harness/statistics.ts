import type { Measurement } from './measurement.js';

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Throws on an empty list. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const low = sorted[Math.ceil(middle) - 1];
  const high = sorted[Math.floor(middle)];
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (low === undefined || high === undefined || min === undefined || max === undefined) {
    throw new Error('no values');
  }
  return { median: (low + high) / 2, min, max };
}

/** The smallest value that `share` of the values do not exceed; `sorted` from the smallest. */
export function percentile(sorted: readonly number[], share: number): number {
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new Error('no values');
  return value;
}

/** All runs of one contender. */
export interface Summary {
  readonly runs: number;
  readonly seconds: Spread;
  readonly recordsPerSecond: Spread;
  /** Millions of bytes of record bodies. */
  readonly megabytesPerSecond: Spread;
  readonly cpuSeconds: Spread;
  readonly peakRssBytes: Spread;
  readonly details: Readonly<Record<string, Spread>>;
}

const MEGA = 1e6;

export function summarise(runs: readonly Measurement[]): Summary {
  const spread = (value: (run: Measurement) => number): Spread => spreadOf(runs.map(value));
  const names = Object.keys(runs[0]?.details ?? {});
  return {
    runs: runs.length,
    seconds: spread((run) => run.seconds),
    recordsPerSecond: spread((run) => run.records / run.seconds),
    megabytesPerSecond: spread((run) => run.bytes / MEGA / run.seconds),
    cpuSeconds: spread((run) => run.cpuSeconds),
    peakRssBytes: spread((run) => run.peakRssBytes),
    details: Object.fromEntries(
      names.map((name) => [name, spread((run) => run.details?.[name] ?? Number.NaN)]),
    ),
  };
}
