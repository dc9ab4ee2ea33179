import { checkpointTopic } from '../../../ledger/checkpoint-record.js';
import type { Code } from '../../catalogue/catalogue.js';
import type { LogHealth } from '../examined.js';
import type { Draft } from '../finding.js';
import { topicPath } from '../paths.js';
import type { Site } from '../prepared.js';

/** Reasons of a sealer that have a code of their own; every other one is `log-refused`. */
const CODES: ReadonlyMap<string, Code> = new Map([
  ['topic-recreated', 'topic-recreated'],
  ['topic-missing', 'topic-missing'],
  ['checkpoint-topic-missing', 'topic-missing'],
  ['partition-missing', 'partitions-fewer'],
  ['log-start-moved', 'log-start-moved'],
  ['memory-missing', 'log-unknown'],
]);

/** null: what another check says already. */
export function refusalDraft(
  { host, differences, configuration }: Site,
  { topic, partition }: LogHealth,
  { reason, message }: NonNullable<LogHealth['refusal']>,
): Draft | null {
  const code = CODES.get(reason) ?? 'log-refused';
  if (code === 'log-unknown') {
    // Without the folder it knows none; a partition too many is told with what to do about it.
    const added = differences.some(
      (each) => each.code === 'partitions-more' && each.topic === topic,
    );
    if (host.memory?.stat == null || added) return null;
  }
  const lost = reason === 'checkpoint-topic-missing' ? checkpointTopic(topic) : topic;
  return {
    code,
    topic: lost,
    partition: code === 'topic-missing' ? null : partition,
    subject: `topic ${lost}`,
    found: code === 'log-refused' ? `${reason}: ${message}` : message,
    expected: 'a log that continues what was signed',
    remedy:
      code === 'log-unknown'
        ? `sealstream adopt --topic ${topic} --partition ${partition}`
        : `sealstream verify --topic ${topic} --partition ${partition} says what is lost; keep its report`,
    path: topicPath(configuration, topic),
  };
}
