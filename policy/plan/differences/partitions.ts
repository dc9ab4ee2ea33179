import type { TopicState } from '../../../stream/administration.js';
import type { TopicSpecification } from '../../../stream/stream.js';
import { type Comparison, differ } from '../comparison.js';
import type { Difference } from '../difference.js';
import { partitionsOf } from './topics.js';

/** The number of partitions and of their replicas. */
export function partitionDifferences(comparison: Comparison): Difference[] {
  return comparison.topics.flatMap(({ specification }) => {
    const state = comparison.observed.topics.get(specification.topic) ?? null;
    if (state === null) return [];
    return [
      ...numberOf(comparison, specification, state),
      ...(comparison.embedded ? [] : replicasOf(comparison, specification, state)),
    ];
  });
}

function numberOf(
  comparison: Comparison,
  { topic, partitions: wanted }: TopicSpecification,
  { partitions: { length: found } }: TopicState,
): Difference[] {
  if (found === wanted) return [];
  const at = {
    topic,
    subject: `topic ${topic}`,
    field: 'partitions',
    found: String(found),
    wanted: String(wanted),
  } as const;
  if (found < wanted) {
    return [
      differ(comparison, {
        ...at,
        code: 'partitions-fewer',
        effect: 'adds',
        ...(comparison.embedded
          ? {
              by: 'operator',
              remedy: `a file: stream cannot add partitions: declare partitions: ${found}`,
            }
          : {
              by: 'apply',
              remedy: `sealstream apply adds ${partitionsOf(wanted - found)}`,
              change: { kind: 'partitions', topic, total: wanted },
            }),
      }),
    ];
  }
  return [
    differ(comparison, {
      ...at,
      code: 'partitions-more',
      effect: 'loosens',
      by: 'operator',
      remedy:
        `Kafka cannot take a partition away: declare partitions: ${found}, and seal the new ` +
        `${found - wanted === 1 ? 'one' : 'ones'} by \`sealstream adopt --topic ${topic}\``,
    }),
  ];
}

function replicasOf(
  comparison: Comparison,
  { topic, replication: wanted }: TopicSpecification,
  state: TopicState,
): Difference[] {
  const counts = state.partitions.map(({ replicas }) => replicas.length);
  const [fewest, most] = [Math.min(...counts), Math.max(...counts)];
  const at = { topic, subject: `topic ${topic}`, field: 'replication' } as const;
  if (fewest < wanted) {
    const few = state.partitions.filter(({ replicas }) => replicas.length < wanted);
    const names = few.map(({ partition }) => partition);
    const shown = names.slice(0, 10).join(', ') + (names.length > 10 ? ', …' : '');
    return [
      differ(comparison, {
        ...at,
        code: 'replication-lower',
        found: String(fewest),
        wanted: String(wanted),
        effect: 'tightens',
        by: 'operator',
        remedy: `give partition ${shown} ${wanted} replicas by kafka-reassign-partitions.sh`,
      }),
    ];
  }
  if (most <= wanted) return [];
  return [
    differ(comparison, {
      ...at,
      code: 'replication-higher',
      found: String(most),
      wanted: String(wanted),
      effect: 'loosens',
      by: 'operator',
      remedy: `declare replication: ${most}`,
    }),
  ];
}
