import { type Absent, type Contender, runOnce } from './contender.js';
import type { Measurement } from './measurement.js';
import type { ContenderResult } from './result.js';
import { summarise } from './statistics.js';

/**
 * A B C, A B C, …: what disturbs the machine for a while disturbs all of them. `tell` hears of every
 * run.
 */
export async function alternate(
  contenders: readonly (Contender | Absent)[],
  runs: number,
  tell: (line: string) => void,
): Promise<ContenderResult[]> {
  const measured = new Map<Contender | Absent, Measurement[]>();
  for (let run = 1; run <= runs; run += 1) {
    for (const contender of contenders) {
      if ('skip' in contender) continue;
      const measurement = await runOnce(contender);
      const rate = Math.round(measurement.records / measurement.seconds);
      const seconds = measurement.seconds.toFixed(3);
      tell(`  run ${run} of ${runs}: ${contender.name}: ${seconds} s, ${rate} records/s`);
      measured.set(contender, [...(measured.get(contender) ?? []), measurement]);
    }
  }
  return contenders.map((contender) => ({
    name: contender.name,
    ours: 'ours' in contender && contender.ours,
    summary: 'skip' in contender ? null : summarise(measured.get(contender) ?? []),
    skipped: 'skip' in contender ? contender.skip : null,
    measurements: measured.get(contender) ?? [],
  }));
}
