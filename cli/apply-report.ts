import type { Configuration } from '../policy/file/configuration.js';
import type { Difference } from '../policy/plan/difference.js';
import type { TopicDescription } from '../stream/stream.js';
import type { AppliedLog } from './apply-logs.js';
import { counted, printLine, tell, toJson } from './output.js';
import { plainDifference } from './plan-report.js';

export interface AppliedTopic {
  readonly description: TopicDescription;
  /** By this very call. */
  readonly created: boolean;
  readonly logs: readonly AppliedLog[];
}

export interface AppliedConfiguration extends AppliedTopic {
  readonly hash: string;
  /** By this very call; null: it was the last one already, or the last one cannot be read. */
  readonly offset: bigint | null;
}

export interface ApplyReport {
  readonly stream: string;
  readonly topics: readonly AppliedTopic[];
  /** null: no configuration topic is declared. */
  readonly configuration: AppliedConfiguration | null;
  readonly changed: readonly Difference[];
  /** Pending, and not for `apply` to do. */
  readonly remaining: readonly Difference[];
}

function plainTopic({ description, created }: AppliedTopic): object {
  const { topic, topicId, partitions } = description;
  return { topic, topicId, partitions, created };
}

/** `topics` and `logs` are of audit topics only; the configuration's own stand apart. */
export function applyJson(report: ApplyReport): string {
  const { stream, topics, configuration, changed, remaining } = report;
  return toJson({
    stream,
    topics: topics.map(plainTopic),
    logs: topics.flatMap(({ logs }) => logs),
    configuration: configuration && {
      ...plainTopic(configuration),
      logs: configuration.logs,
      hash: configuration.hash,
      recorded: configuration.offset,
    },
    changes: changed.map(plainDifference),
    remaining: remaining.map(plainDifference),
  });
}

export async function printApplied(
  report: ApplyReport,
  seal: Configuration['seal'],
): Promise<void> {
  const { topics, configuration } = report;
  const all = configuration === null ? topics : [...topics, configuration];
  for (const { description, created } of all) {
    const { topic, partitions, topicId } = description;
    const what = created ? 'created' : 'exists';
    await printLine(`${topic}: ${what}, ${counted(partitions, 'partition')}, id ${topicId}`);
  }
  for (const { topic, partition, state, reason } of all.flatMap(({ logs }) => logs)) {
    if (state !== 'refused') await printLine(`${topic}/${partition}: ${state}`);
    else tell(`${topic}/${partition}: not started: ${reason}`);
  }
  if (configuration !== null) {
    const { hash, offset, description } = configuration;
    const isUnseen = report.remaining.some(({ code }) => code === 'configuration-unseen');
    const known = isUnseen ? 'not recorded, since what was recorded last cannot be read' : 'known';
    const where = offset === null ? known : `recorded at ${description.topic}/0 offset ${offset}`;
    await printLine(`configuration ${hash}: ${where}`);
  }
  if (seal === undefined) {
    tell('No `seal:` in ledger.yaml: start these logs with `sealstream adopt` where one seals.');
  }
}
