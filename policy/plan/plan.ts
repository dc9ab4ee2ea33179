import { compare } from './comparison.js';
import type { Declared } from './desired.js';
import type { Difference } from './difference.js';
import { accessDifferences } from './differences/access.js';
import { brokerDifferences } from './differences/brokers.js';
import { partitionDifferences } from './differences/partitions.js';
import { quotaDifferences } from './differences/quotas.js';
import { recordedDifferences } from './differences/recorded.js';
import { settingDifferences } from './differences/settings.js';
import { topicDifferences } from './differences/topics.js';
import { waiverDifferences } from './differences/waivers.js';
import type { Observed } from './observed.js';

/**
 * Every place where the cluster is not what ledger.yaml declares, on `today` (`YYYY-MM-DD`, UTC);
 * those that a waiver lets stand are among them, with the waiver.
 */
export function plan(declared: Declared, observed: Observed, today: string): Difference[] {
  const comparison = compare(declared, observed, today);
  const differences = [
    ...topicDifferences(comparison),
    ...settingDifferences(comparison),
    ...partitionDifferences(comparison),
    ...brokerDifferences(comparison),
    ...accessDifferences(comparison),
    ...quotaDifferences(comparison),
    ...recordedDifferences(comparison),
  ];
  return [...waiverDifferences(comparison, differences), ...differences];
}
