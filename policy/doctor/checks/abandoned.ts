import type { CheckResult } from '../finding.js';
import type { Site } from '../prepared.js';

/**
 * Whether what checkpoints name is in the configuration topic of the file: it is not where somebody
 * took the topic out of the file, named another one, or deleted it.
 */
export function abandonedCheck({ cluster, observed, configuration }: Site): CheckResult {
  const topic = configuration.configuration?.topic ?? null;
  if (observed.recorded !== null) return { drafts: [], unseen: [] };
  const named = cluster.logs.flatMap((log) =>
    'error' in log || log.head === null || log.head.configuration === null
      ? []
      : [log.head.configuration],
  );
  const [first] = named;
  if (first === undefined) return { drafts: [], unseen: [] };
  const draft = {
    code: 'configuration-abandoned',
    subject: 'configuration',
    found: `checkpoints name ${first}`,
    expected: topic === null ? 'the topic that holds it' : `a record of it in ${topic}`,
    remedy:
      'declare the configuration topic that was, by the history of ledger.yaml; ' +
      '`sealstream verify --topic` on it says whether it is whole',
    path: topic === null ? ['ledger'] : ['configuration', 'topic'],
  } as const;
  return { drafts: [draft], unseen: [] };
}
