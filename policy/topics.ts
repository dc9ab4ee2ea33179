/** The topics that ledger.yaml declares, as the stream is asked for them. */
import { checkpointTopic } from '../ledger/checkpoint-record.js';
import { SealstreamError } from '../ledger/error.js';
import type { Stream, TopicDescription, TopicSpecification } from '../stream/stream.js';
import type { Configuration, TopicDeclaration } from './configuration.js';

const DEFAULT_REPLICATION = 3;

function durable(replication: number): [string, string][] {
  return [
    ['min.insync.replicas', String(Math.min(2, replication))],
    ['unclean.leader.election.enable', 'false'],
  ];
}

/** An audit topic keeps everything and bears the broker's time; see DESIGN's list of topics. */
function auditSpecification(topic: TopicDeclaration, embedded: boolean): TopicSpecification {
  const replication = embedded ? 1 : (topic.replication ?? DEFAULT_REPLICATION);
  return {
    topic: topic.name,
    partitions: topic.partitions,
    replication,
    settings: new Map([
      ['cleanup.policy', 'delete'],
      ['retention.ms', '-1'],
      ['retention.bytes', '-1'],
      ['message.timestamp.type', 'LogAppendTime'],
      ...durable(replication),
    ]),
  };
}

/** FORMAT §6: compacted, one partition, replicated as the audit topic is. */
function checkpointSpecification(audit: TopicSpecification): TopicSpecification {
  return {
    topic: checkpointTopic(audit.topic),
    partitions: 1,
    replication: audit.replication,
    settings: new Map([['cleanup.policy', 'compact'], ...durable(audit.replication)]),
  };
}

export interface AppliedTopic {
  readonly declaration: TopicDeclaration;
  readonly description: TopicDescription;
  /** This call created the audit topic; only then may its logs be started without an operator. */
  readonly created: boolean;
  readonly checkpointsCreated: boolean;
}

const DESCRIBE_ATTEMPTS = 50;

/** A topic just created may take a moment until every broker knows it. */
async function describeCreated(stream: Stream, topic: string): Promise<TopicDescription> {
  for (let attempt = 0; attempt < DESCRIBE_ATTEMPTS; attempt += 1) {
    const description = await stream.describe(topic);
    if (description !== null) return description;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new SealstreamError(
    'timeout',
    `${topic} on ${stream.url} was created but does not show; run apply again`,
  );
}

/** Differences that make an existing topic unfit for what ledger.yaml declares. */
function unfit(description: TopicDescription, wanted: TopicSpecification): string[] {
  const faults: string[] = [];
  if (description.partitions !== wanted.partitions) {
    faults.push(`it has ${description.partitions} partitions, not ${wanted.partitions}`);
  }
  if (description.timestampType === null) {
    faults.push('its settings cannot be seen: grant DescribeConfigs on it');
  }
  for (const [name, value] of wanted.settings) {
    const actual = description.settings.get(name);
    if (actual !== undefined && actual !== value) faults.push(`${name} is ${actual}, not ${value}`);
  }
  return faults;
}

/**
 * Creates what is declared and missing. An existing topic is left as it is; where it is unfit,
 * nothing at all is created and the error (`topic-unfit`) says what differs.
 */
export async function applyTopics(
  stream: Stream,
  configuration: Configuration,
): Promise<AppliedTopic[]> {
  const embedded = configuration.stream.startsWith('file:');
  const wanted = configuration.topics.map((declaration) => {
    const audit = auditSpecification(declaration, embedded);
    return { declaration, audit, checkpoints: checkpointSpecification(audit) };
  });
  for (const specification of wanted.flatMap(({ audit, checkpoints }) => [audit, checkpoints])) {
    const existing = await describeIfReachable(stream, specification.topic, embedded);
    const faults = existing === null ? [] : unfit(existing, specification);
    if (faults.length > 0) {
      throw new SealstreamError(
        'topic-unfit',
        `${specification.topic} on ${stream.url} exists and differs from ledger.yaml: ` +
          `${faults.join('; ')}. Nothing was changed: alter the topic or the file.`,
      );
    }
  }
  const applied: AppliedTopic[] = [];
  for (const { declaration, audit, checkpoints } of wanted) {
    const checkpointsCreated = await stream.createTopic(checkpoints);
    const created = await stream.createTopic(audit);
    const description = await describeCreated(stream, audit.topic);
    await describeCreated(stream, checkpoints.topic);
    applied.push({ declaration, description, created, checkpointsCreated });
  }
  return applied;
}

/** An embedded stream has no folder before its first topic: there that is a beginning, no outage. */
async function describeIfReachable(
  stream: Stream,
  topic: string,
  embedded: boolean,
): Promise<TopicDescription | null> {
  try {
    return await stream.describe(topic);
  } catch (error) {
    if (embedded && error instanceof SealstreamError && error.code === 'unreachable') return null;
    throw error;
  }
}
