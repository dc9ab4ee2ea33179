import type { SealstreamError } from '../../../ledger/error.js';
import type { TopicSpecification } from '../../../stream/stream.js';
import { type Comparison, differ, isUnseen, reasonOf } from '../comparison.js';
import type { Difference } from '../difference.js';

/** Topics that are not there, were made again, or have lost their first records. */
export function topicDifferences(comparison: Comparison): Difference[] {
  return comparison.topics.flatMap(({ specification }) => {
    const { topic } = specification;
    const state = comparison.observed.topics.get(topic) ?? null;
    if (state === null) {
      const error = comparison.observed.unseen.get(topic);
      return [error ? unseen(comparison, topic, error) : missing(comparison, specification)];
    }
    return [...recreated(comparison, topic, state.topicId), ...lostStart(comparison, topic)];
  });
}

export function partitionsOf(count: number): string {
  return `${count} ${count === 1 ? 'partition' : 'partitions'}`;
}

function missing(comparison: Comparison, specification: TopicSpecification): Difference {
  const { topic, partitions, replication } = specification;
  const copies = comparison.embedded ? '' : `, replication ${replication}`;
  return differ(comparison, {
    code: 'topic-missing',
    topic,
    subject: `topic ${topic}`,
    field: 'topic',
    found: null,
    wanted: `${partitionsOf(partitions)}${copies}`,
    effect: 'adds',
    by: 'apply',
    remedy: 'sealstream apply creates it',
    change: { kind: 'create-topic', specification },
  });
}

/** `apply` run by an admin of the file may give itself the right, and then goes on. */
function unseen(comparison: Comparison, topic: string, error: SealstreamError): Difference {
  return differ(comparison, {
    code: 'topic-unseen',
    topic,
    subject: `topic ${topic}`,
    field: 'topic',
    found: reasonOf(error),
    wanted: 'to be seen',
    effect: 'none',
    by: 'operator',
    remedy: 'grant Describe on the topic to the principal that runs this',
  });
}

/** By the id that was recorded with the last configuration. */
function recreated(comparison: Comparison, topic: string, topicId: string): Difference[] {
  const { recorded } = comparison.observed;
  if (recorded === null || isUnseen(recorded)) return [];
  const before = recorded.topicIds.get(topic);
  if (before === undefined || before === topicId) return [];
  return [
    differ(comparison, {
      code: 'topic-recreated',
      topic,
      subject: `topic ${topic}`,
      field: 'topic id',
      found: topicId,
      wanted: before,
      effect: 'none',
      by: 'nobody',
      remedy:
        'find out who deleted it, and restore its records from elsewhere; `sealstream adopt` seals ' +
        'the new topic and keeps the loss on record, and the next recorded configuration names it',
    }),
  ];
}

function lostStart(comparison: Comparison, topic: string): Difference[] {
  const bounds = comparison.observed.bounds.get(topic) ?? [];
  return bounds.flatMap((answer, partition) => {
    const at = { topic, subject: `topic ${topic}`, effect: 'none', partition } as const;
    if (isUnseen(answer)) {
      return differ(comparison, {
        ...at,
        code: 'bounds-unseen',
        field: `log start of partition ${partition}`,
        found: reasonOf(answer),
        wanted: '0',
        by: 'operator',
        remedy: 'grant Describe on the topic, and see that every partition has a leader',
      });
    }
    if (answer.logStart === 0n) return [];
    return differ(comparison, {
      ...at,
      code: 'log-start-moved',
      partition: answer.partition,
      field: `log start of partition ${answer.partition}`,
      found: answer.logStart.toString(),
      wanted: '0',
      by: 'nobody',
      remedy:
        'find out who deleted the records, by DeleteRecords or a shorter retention; ' +
        '`sealstream verify` says which sealed ones are missing',
    });
  });
}
