import type { Totals } from './context.js';
import { compareLogs, type LogReport } from './log-report.js';

interface Arrived {
  readonly logs: readonly LogReport[];
  readonly problems: readonly string[];
  /** By the monotonic clock, in milliseconds. */
  readonly at: number;
}

/** The reports of several sealers that divide the logs among themselves, as one. */
export class MergedReports {
  readonly #arrived = new Map<number, Arrived>();
  /** By log and sealer: what was once counted stays counted, whoever owns the log now. */
  readonly #totals = new Map<string, Map<number, Readonly<Totals>>>();

  /**
   * The newest report of a sealer. `at`: now, by the monotonic clock in milliseconds; `problems`: what
   * is wrong with the sealer itself.
   */
  take(
    sealer: number,
    logs: readonly LogReport[],
    at: number,
    problems: readonly string[] = [],
  ): void {
    this.#arrived.set(sealer, { logs, problems, at });
    for (const log of logs) {
      const place = placeOf(log);
      const counted = this.#totals.get(place) ?? new Map<number, Readonly<Totals>>();
      this.#totals.set(place, counted.set(sealer, log.totals));
    }
  }

  /** The sealer has ended: it owns nothing any more. */
  end(sealer: number): void {
    this.#arrived.delete(sealer);
  }

  /** Milliseconds since each sealer that has not ended was last heard of. */
  silences(now: number): ReadonlyMap<number, number> {
    return new Map([...this.#arrived].map(([sealer, { at }]) => [sealer, now - at]));
  }

  /** What is wrong with the sealers themselves, as each said last. */
  problems(): readonly string[] {
    return [...this.#arrived.values()].flatMap(({ problems }) => problems);
  }

  /** By topic and partition, each log once, ages counted on to `now`. */
  logs(now: number): readonly LogReport[] {
    const newest = new Map<string, LogReport>();
    const byAge = [...this.#arrived.values()].sort((a, b) => a.at - b.at);
    for (const { logs, at } of byAge) {
      for (const log of logs) {
        // While a log goes from one to the other both may report it: a refusal must be seen.
        const known = newest.get(placeOf(log));
        if (known?.refusal != null && log.refusal === null) continue;
        newest.set(placeOf(log), aged(log, Math.max(0, now - at) / 1000));
      }
    }
    return [...newest.values()]
      .map((log) => ({ ...log, totals: this.#totalsOf(log) }))
      .sort(compareLogs);
  }

  #totalsOf(log: LogReport): Totals {
    const sum: Totals = { records: 0n, bytes: 0n, checkpoints: 0 };
    for (const totals of this.#totals.get(placeOf(log))?.values() ?? []) {
      sum.records += totals.records;
      sum.bytes += totals.bytes;
      sum.checkpoints += totals.checkpoints;
    }
    return sum;
  }
}

function aged(log: LogReport, seconds: number): LogReport {
  return {
    ...log,
    lagSeconds: log.lagSeconds === 0 ? 0 : log.lagSeconds + seconds,
    headAgeSeconds: log.headAgeSeconds === null ? null : log.headAgeSeconds + seconds,
  };
}

function placeOf({ topic, partition }: LogReport): string {
  return `${topic}/${partition}`;
}
