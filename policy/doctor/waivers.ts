import type { CheckOutcome, Draft } from './finding.js';
import type { Premises } from './prepared.js';

/**
 * Waivers in force that cover nothing that was found. Nothing is said while a check
 * could not look at everything: what it did not see may be what is covered.
 */
export function unusedWaivers(
  { configuration, today }: Premises,
  outcomes: readonly CheckOutcome[],
): Draft[] {
  if (outcomes.some(({ ran }) => !ran)) return [];
  const findings = outcomes.flatMap((outcome) => outcome.findings);
  const used = new Set(findings.map(({ waiver }) => waiver));
  return configuration.waivers.flatMap((waiver, index): Draft[] => {
    if (today > waiver.until || used.has(waiver)) return [];
    const { code, topic, until } = waiver;
    return [
      {
        code: 'waiver-unused',
        topic,
        subject: `waiver for ${code}${topic === null ? '' : ` on topic ${topic}`}`,
        found: `in force until ${until}`,
        expected: null,
        remedy: 'remove it from waivers in ledger.yaml',
        path: ['waivers', index],
      },
    ];
  });
}
