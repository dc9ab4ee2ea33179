import type { Comparison } from '../comparison.js';
import { type Difference, isRefused } from '../difference.js';

/** Waivers whose day is over, but those that a refused difference speaks of already. */
export function waiverDifferences(
  { declared, today }: Comparison,
  others: readonly Difference[],
): Difference[] {
  return declared.configuration.waivers.flatMap((waiver): Difference[] => {
    const { code, topic, until, reason } = waiver;
    const told = (other: Difference): boolean =>
      isRefused(other) && other.code === code && (topic === null || other.topic === topic);
    if (today <= until || others.some(told)) return [];
    const where = topic === null ? '' : ` on topic ${topic}`;
    return [
      {
        code: 'waiver-expired',
        topic,
        partition: null,
        subject: `waiver for ${code}${where}`,
        field: 'until',
        found: until,
        wanted: `${today} or later`,
        effect: 'loosens',
        by: 'operator',
        remedy: `mend what it allowed ("${reason}") and remove it, or decide anew and set a later day`,
        waiver: null,
        change: null,
      },
    ];
  });
}
