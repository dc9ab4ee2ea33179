/** The inside of a contender: a process of its own, its parameters as JSON in argument 1. */
import type { Measurement } from './measurement.js';
import { useOf } from './process-use.js';

const MICRO = 1e-6;
const KIB = 1024;

/** Runs from `start` to `stop`; by itself from the beginning of the work to its end. */
export class Stopwatch {
  #startedAt = performance.now();
  #cpuAtStart = process.cpuUsage();
  #seconds: number | null = null;
  #cpuSeconds = 0;

  start(): void {
    this.#startedAt = performance.now();
    this.#cpuAtStart = process.cpuUsage();
    this.#seconds = null;
  }

  stop(): void {
    if (this.#seconds !== null) return;
    const { user, system } = process.cpuUsage(this.#cpuAtStart);
    this.#seconds = (performance.now() - this.#startedAt) / 1000;
    this.#cpuSeconds = (user + system) * MICRO;
  }

  get seconds(): number {
    this.stop();
    return this.#seconds ?? 0;
  }

  get cpuSeconds(): number {
    this.stop();
    return this.#cpuSeconds;
  }
}

/** What the work says of itself; what it says of time and memory replaces what was measured. */
export type Work = Pick<Measurement, 'records'> & Partial<Measurement>;

/** Does the work and prints its Measurement. */
export async function contend<P extends { readonly bytes: number }>(
  work: (parameters: P, watch: Stopwatch) => Promise<Work>,
): Promise<void> {
  const parameters = JSON.parse(process.argv[2] ?? '') as P;
  // Handlers of `exit` then end what was started here.
  process.once('SIGTERM', () => process.exit(1));
  const watch = new Stopwatch();
  const done = await work(parameters, watch);
  const measured: Measurement = {
    bytes: parameters.bytes,
    seconds: watch.seconds,
    cpuSeconds: watch.cpuSeconds,
    // maxRSS of a process that another one has started begins with what that one used.
    peakRssBytes: useOf('self')?.peakRssBytes ?? process.resourceUsage().maxRSS * KIB,
    ...done,
  };
  process.stdout.write(`${JSON.stringify(measured)}\n`);
}
