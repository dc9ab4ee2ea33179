import type { PartitionState } from '../../../stream/administration.js';
import type { CheckResult, Draft } from '../finding.js';
import { topicPath } from '../paths.js';
import type { Site } from '../prepared.js';
import { perTopic } from './merged.js';

/** Whether every partition has a leader, all its replicas in sync, and enough of them for a write. */
export function replicaCheck({ observed, configuration, embedded }: Site): CheckResult {
  const drafts = [...observed.topics].flatMap(([topic, state]) => {
    if (state === null) return [];
    const at = { topic, subject: `topic ${topic}`, path: topicPath(configuration, topic) };
    const least = Number(state.settings?.get('min.insync.replicas')?.value ?? 1);
    return state.partitions.flatMap((partition) => {
      const draft = ofPartition(partition, least, embedded);
      return draft === null ? [] : [{ ...at, ...draft, partition: partition.partition }];
    });
  });
  return { drafts: perTopic(drafts), unseen: [] };
}

type Fault = Pick<Draft, 'code' | 'found' | 'expected' | 'remedy'>;

/** The gravest. */
function ofPartition(
  { leader, replicas, inSync }: PartitionState,
  least: number,
  embedded: boolean,
): Fault | null {
  const behind = replicas.filter((replica) => !inSync.includes(replica));
  if (leader === null) {
    return {
      code: 'partition-offline',
      found: 'no leader',
      expected: 'a leader',
      remedy: embedded
        ? 'bring the folder of the partition back, from the disk or a backup'
        : `start one of its brokers: ${replicas.join(', ')}`,
    };
  }
  const at = { found: `${inSync.length} of ${replicas.length} in sync` };
  const remedy =
    behind.length === 0
      ? 'give it more replicas by kafka-reassign-partitions.sh'
      : `start or repair broker ${behind.join(', ')}`;
  if (inSync.length < least) {
    const expected = `at least ${least} in sync`;
    return { ...at, code: 'min-insync-unreachable', expected, remedy };
  }
  if (behind.length === 0) return null;
  const expected = `${replicas.length} in sync`;
  return { ...at, code: 'under-replicated', expected, remedy };
}
