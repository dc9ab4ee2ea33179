/** What ledger.yaml asks of the cluster's topics and brokers. roles.ts has the access rules. */
import { checkpointTopic } from '../../ledger/checkpoint-record.js';
import type { TopicSpecification } from '../../stream/stream.js';
import {
  type Configuration,
  DEFAULT_REPLICATION,
  defaultMinInSync,
  isEmbedded,
  type TopicDeclaration,
} from '../file/configuration.js';

/** ledger.yaml as `loadDeclared` reads it. */
export interface Declared {
  /** With absolute paths. */
  readonly configuration: Configuration;
  /** Canonical text, paths as written. */
  readonly text: string;
  /** Base64 SHA-256 of `text`. */
  readonly hash: string;
}

type TopicRole = 'audit' | 'configuration' | 'checkpoints';

export interface DesiredTopic {
  readonly role: TopicRole;
  /** Every setting that is required or declared. */
  readonly specification: TopicSpecification;
  /** The loosest settings with which the ledger keeps everything; without a waiver none is looser. */
  readonly required: ReadonlyMap<string, string>;
}

/** What every broker needs; see the catalogue for why. */
export const BROKER_SETTINGS = [
  { code: 'auto-create', setting: 'auto.create.topics.enable', wanted: 'false' },
  { code: 'delete-topic-enabled', setting: 'delete.topic.enable', wanted: 'false' },
  { code: 'broker-unclean-election', setting: 'unclean.leader.election.enable', wanted: 'false' },
  { code: 'allow-everyone', setting: 'allow.everyone.if.no.acl.found', wanted: 'false' },
] as const;

type Settings = ReadonlyMap<string, string>;

const BROKERS_TIME = ['message.timestamp.type', 'LogAppendTime'] as const;

const KEEPS_EVERYTHING: Settings = new Map([
  ['cleanup.policy', 'delete'],
  ['retention.ms', '-1'],
  ['retention.bytes', '-1'],
  BROKERS_TIME,
]);

/** By the broker's time of its own checkpoints a sealer finds its clock to be ahead. */
const CHECKPOINTS: Settings = new Map([['cleanup.policy', 'compact'], BROKERS_TIME]);

/** Two of three replicas: what one broker alone acknowledges is lost with it. */
function durable(replication: number): [string, string][] {
  return [
    ['min.insync.replicas', replication >= 3 ? '2' : '1'],
    ['unclean.leader.election.enable', 'false'],
  ];
}

function desired(
  role: TopicRole,
  topic: Pick<TopicSpecification, 'topic' | 'partitions' | 'replication'>,
  minInSync: number,
  declared: Iterable<readonly [string, string]> = [],
): DesiredTopic {
  const kept = role === 'checkpoints' ? CHECKPOINTS : KEEPS_EVERYTHING;
  const required = new Map([...kept, ...durable(topic.replication)]);
  const settings = new Map([
    ...required,
    ['min.insync.replicas', String(minInSync)] as const,
    ...declared,
  ]);
  return { role, specification: { ...topic, settings }, required };
}

/** FORMAT §6: compacted, one partition, replicated as its audit topic is. */
function withCheckpoints(audit: DesiredTopic, minInSync: number): [DesiredTopic, DesiredTopic] {
  const { topic, replication } = audit.specification;
  const checkpoints = { topic: checkpointTopic(topic), partitions: 1, replication };
  return [desired('checkpoints', checkpoints, minInSync), audit];
}

function auditTopic(
  declaration: TopicDeclaration,
  embedded: boolean,
): [DesiredTopic, DesiredTopic] {
  const { name: topic, partitions, maxRecordBytes } = declaration;
  const replication = replicationOf(declaration, embedded);
  const minInSync = declaration.minInSync ?? defaultMinInSync(replication);
  const declared = Object.entries(declaration.settings);
  if (maxRecordBytes !== undefined) declared.push(['max.message.bytes', String(maxRecordBytes)]);
  const audit = desired('audit', { topic, partitions, replication }, minInSync, declared);
  return withCheckpoints(audit, minInSync);
}

function replicationOf(declaration: TopicDeclaration, embedded: boolean): number {
  return embedded ? 1 : (declaration.replication ?? DEFAULT_REPLICATION);
}

/**
 * Every topic of the ledger, in the order in which they are made: the checkpoint topic first, so that
 * no audit topic is ever there without one.
 */
export function desiredTopics(configuration: Configuration): DesiredTopic[] {
  const embedded = isEmbedded(configuration);
  const topics = configuration.topics.flatMap((topic) => auditTopic(topic, embedded));
  if (configuration.configuration === undefined) return topics;
  const { topic } = configuration.configuration;
  const replications = configuration.topics.map((each) => replicationOf(each, embedded));
  const replication = Math.max(...replications);
  const minInSync = defaultMinInSync(replication);
  const own = desired('configuration', { topic, partitions: 1, replication }, minInSync);
  return [...topics, ...withCheckpoints(own, minInSync)];
}
