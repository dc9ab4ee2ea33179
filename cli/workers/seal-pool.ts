import { countPartitions, estimateUnsealed } from '../../sealer/count.js';
import { compareLogs, type LogReport } from '../../sealer/log-report.js';
import { MergedReports } from '../../sealer/merged-reports.js';
import type { SealerOptions, Settings } from '../../sealer/options.js';
import { mergeSealed } from '../../sealer/plain.js';
import { type Sealer, sealer } from '../../sealer/sealer.js';
import type { SealJob } from './seal-job.js';
import { SealThread, type SealThreadEnd } from './seal-thread.js';

/** A thread reports every second: after this long without, it hangs. */
const SILENCE_MS = 15_000;

/**
 * As one sealer, over threads: each runs a whole sealer of its own. While sealing goes on each is a
 * member of the group, which divides the partitions; for `sealOnce` they are dealt out here. Where
 * one thread would do, none is started.
 *
 * `recordsEach`: `sealOnce` starts only as many as have about this many records each to seal; 0:
 * however few there are.
 */
export async function sealPool(
  options: SealerOptions,
  job: SealJob,
  workers: number,
  recordsEach = 0n,
): Promise<Sealer> {
  const alone = await sealer(options);
  return workers === 1 ? alone : new SealPool(options, job, { workers, recordsEach }, alone);
}

interface Size {
  readonly workers: number;
  readonly recordsEach: bigint;
}

class SealPool implements Sealer {
  readonly #options: SealerOptions;
  readonly #job: SealJob;
  readonly #size: Size;
  readonly #alone: Sealer;
  #reports: MergedReports | null = null;
  #isUncheckedSaid = false;

  constructor(options: SealerOptions, job: SealJob, size: Size, alone: Sealer) {
    this.#options = options;
    this.#job = job;
    this.#size = size;
    this.#alone = alone;
  }

  get settings(): Settings {
    return this.#alone.settings;
  }

  async run(signal: AbortSignal): Promise<readonly LogReport[]> {
    let counts: ReadonlyMap<string, number>;
    try {
      counts = await countPartitions(this.#options, signal, true);
    } catch (error) {
      if (signal.aborted) return [];
      throw error;
    }
    const threads = this.#threadsFor(counts);
    if (threads === 1) return this.#alone.run(signal);
    const ends = await this.#work(counts, threads, false, signal);
    return ends.flatMap(({ logs }) => logs).sort(compareLogs);
  }

  async sealOnce(signal: AbortSignal = new AbortController().signal) {
    const counts = await countPartitions(this.#options, signal, false);
    const threads = await this.#threadsOnce(counts);
    if (threads === 1) return this.#alone.sealOnce(signal);
    const ends = await this.#work(counts, threads, true, signal);
    const shares = ends.map(({ results }) => results);
    return mergeSealed(shares, this.#options.topics);
  }

  report(): readonly LogReport[] {
    return this.#reports?.logs(this.#monotonic()) ?? this.#alone.report();
  }

  problems(): readonly string[] {
    const silences = this.#reports?.silences(this.#monotonic()) ?? new Map<number, number>();
    const silent = [...silences]
      .filter(([, silence]) => silence > SILENCE_MS)
      .map(([thread, silence]) => {
        return `sealing thread ${thread} has not answered for ${Math.round(silence / 1000)} s`;
      });
    // What troubles several threads alike is said once.
    const found = new Set([...this.#alone.problems(), ...(this.#reports?.problems() ?? [])]);
    return [...found, ...silent];
  }

  #threadsFor(counts: ReadonlyMap<string, number>): number {
    let partitions = 0;
    for (const [topic, count] of counts) {
      // Its few records are no work for a thread of their own.
      if (topic !== this.#options.configuration) partitions += count;
    }
    return Math.max(1, Math.min(this.#size.workers, partitions));
  }

  async #threadsOnce(counts: ReadonlyMap<string, number>): Promise<number> {
    const most = this.#threadsFor(counts);
    const { recordsEach } = this.#size;
    if (most === 1 || recordsEach === 0n) return most;
    const unsealed = await estimateUnsealed(this.#options, counts);
    if (unsealed === null || unsealed >= BigInt(most) * recordsEach) return most;
    return Math.max(1, Number(unsealed / recordsEach));
  }

  /** Once one thread fails the others are stopped: they publish last checkpoints first. */
  async #work(
    counts: ReadonlyMap<string, number>,
    threads: number,
    once: boolean,
    signal: AbortSignal,
  ): Promise<readonly SealThreadEnd[]> {
    const reports = new MergedReports();
    this.#reports = reports;
    const running = Array.from({ length: threads }, (_, index) => {
      reports.take(index, [], this.#monotonic());
      const share = { job: this.#job, once, index, threads, counts };
      return new SealThread(
        share,
        ({ logs, problems }) => reports.take(index, logs, this.#monotonic(), problems),
        (why) => this.#sayUnchecked(why),
      );
    });
    const stop = () => {
      for (const thread of running) thread.stop();
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const ends = await Promise.allSettled(
      running.map(async (thread, index) => {
        try {
          return await thread.ended;
        } catch (error) {
          stop();
          throw error;
        } finally {
          reports.end(index);
        }
      }),
    );
    signal.removeEventListener('abort', stop);
    this.#reports = null;
    return ends.map((end) => {
      if (end.status === 'rejected') throw end.reason;
      return end.value;
    });
  }

  /** What is so for one thread is for all. */
  #sayUnchecked(why: string): void {
    if (!this.#isUncheckedSaid) this.settings.unchecked(why);
    this.#isUncheckedSaid = true;
  }

  #monotonic(): number {
    return this.settings.clock.monotonic();
  }
}
