import { checkpointTopic } from '../../../ledger/checkpoint-record.js';
import { type Comparison, differ, isUnseen, reasonOf } from '../comparison.js';
import type { Difference } from '../difference.js';
import type { RecordedConfiguration } from '../recorded.js';

/** What was recorded last in the configuration topic, against the file. */
export function recordedDifferences(comparison: Comparison): Difference[] {
  const { declared, observed } = comparison;
  const topic = declared.configuration.configuration?.topic;
  if (topic === undefined) return [];
  const { recorded } = observed;
  if (isUnseen(recorded)) {
    return [
      differ(comparison, {
        code: 'configuration-unseen',
        topic,
        subject: `topic ${topic}`,
        field: 'recorded configuration',
        found: reasonOf(recorded),
        wanted: declared.hash,
        effect: 'none',
        by: 'operator',
        remedy:
          recorded.class === 'data'
            ? `${recorded.message}; until another configuration topic is declared nothing is recorded`
            : 'grant Read on the configuration topic to the principal that runs this',
      }),
    ];
  }
  const undeclared =
    recorded === null
      ? []
      : [...renamed(comparison, topic, recorded), ...undeclaredTopics(comparison, recorded)];
  if (recorded?.hash === declared.hash && recorded.named === declared.hash) return undeclared;
  return [
    ...undeclared,
    differ(comparison, {
      code: 'configuration-unrecorded',
      topic,
      subject: 'configuration',
      field: 'recorded',
      found: recorded?.named ?? null,
      wanted: declared.hash,
      effect: 'records',
      by: 'apply',
      remedy: `sealstream apply appends it to ${topic}`,
      change: { kind: 'record', topic, hash: declared.hash },
    }),
  ];
}

function renamed(
  comparison: Comparison,
  topic: string,
  recorded: RecordedConfiguration,
): Difference[] {
  const { ledger } = comparison.declared.configuration;
  if (recorded.ledger === null || recorded.ledger === ledger) return [];
  return [
    differ(comparison, {
      code: 'ledger-renamed',
      topic,
      subject: 'configuration',
      field: 'ledger',
      found: recorded.ledger,
      wanted: ledger,
      effect: 'loosens',
      by: 'apply',
      remedy:
        `declare ledger: ${recorded.ledger}; another ledger has topics, and a configuration ` +
        'topic, of its own',
    }),
  ];
}

function undeclaredTopics(comparison: Comparison, recorded: RecordedConfiguration): Difference[] {
  const { declared, observed } = comparison;
  const names = new Set(comparison.topics.map(({ specification }) => specification.topic));
  return recorded.topics.flatMap((topic) => {
    if (names.has(topic)) return [];
    const there = observed.topics.get(topic) != null;
    return differ(comparison, {
      code: 'topic-undeclared',
      topic,
      subject: `topic ${topic}`,
      field: 'declaration',
      found: there ? 'recorded, and on the cluster' : 'recorded, and gone from the cluster',
      wanted: null,
      effect: 'loosens',
      by: 'apply',
      remedy:
        `declare ${topic} in topics of the ledger ${declared.configuration.ledger}; ` +
        `neither it nor ${checkpointTopic(topic)} is ever deleted`,
    });
  });
}
