import { percentile } from './statistics.js';

const WARM_UP = 50;

/** Does one thing after the other, `count` times: the mean in seconds, percentiles in milliseconds. */
export async function latencies(
  count: number,
  once: (index: number) => Promise<void>,
): Promise<{ readonly seconds: number; readonly details: Readonly<Record<string, number>> }> {
  for (let index = 0; index < WARM_UP; index += 1) await once(index);
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const before = performance.now();
    await once(index);
    times.push(performance.now() - before);
  }
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
  times.sort((a, b) => a - b);
  const details = {
    'p50 ms': percentile(times, 0.5),
    'p99 ms': percentile(times, 0.99),
    'most ms': percentile(times, 1),
  };
  return { seconds: mean / 1000, details };
}
