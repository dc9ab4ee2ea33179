/** What a client may try on the cluster of a ledger, as requests of its own, past the program. */
import assert from 'node:assert/strict';
import kafkajs, { type Admin } from 'kafkajs';
import { SealstreamError } from '../../ledger/error.js';
import type { Administration } from '../../stream/administration.js';
import { BatchEncoder } from '../../stream/batch/encode.js';
import { FramedSockets } from '../../stream/kafka/connection/framed-sockets.js';
import { openAdministration, openStream } from '../../stream/open.js';
import type { Stream, TopicDescription } from '../../stream/stream.js';
import { credentials, type User } from './declared-ledger.js';
import type { KafkaCluster } from './kafka.js';

/** One user's connections. */
export interface Client {
  readonly stream: Stream;
  readonly administration: Administration;
  readonly admin: Admin;
  close(): Promise<void>;
}

export async function clientOf(cluster: KafkaCluster, user: User): Promise<Client> {
  const { KAFKA_USER: username, KAFKA_PASSWORD: password } = credentials(user);
  const sasl = { mechanism: 'scram-sha-512', username, password } as const;
  const bootstrap = cluster.scramBootstrap ?? assert.fail('a cluster without SCRAM');
  const options = { kafka: { sasl }, timeoutMs: 10_000 };
  const stream = await openStream(`kafka://${bootstrap}`, options);
  const administration = await openAdministration(`kafka://${bootstrap}`, options);
  const admin = new kafkajs.Kafka({
    brokers: bootstrap.split(','),
    sasl,
    logLevel: kafkajs.logLevel.NOTHING,
    socketFactory: new FramedSockets().factory,
    retry: { retries: 1 },
  }).admin();
  await admin.connect();
  const close = async (): Promise<void> => {
    await admin.disconnect();
    await administration.close();
    await stream.close();
  };
  return { stream, administration, admin, close };
}

/** Throws what the cluster answers where it is refused. */
export type Attempt = (client: Client) => Promise<unknown>;

/** By name, the deletion of the topic last. `topic`: as a super user sees it. */
export function topicAttempts(name: string, topic: TopicDescription): [string, Attempt][] {
  const cleanup = topic.settings.get('cleanup.policy') ?? assert.fail('no settings');
  return [
    [`see ${name}`, ({ administration }) => administration.topic(topic.topic)],
    [`see settings of ${name}`, (client) => seeSettings(client, topic)],
    [`read ${name}`, (client) => read(client, topic)],
    [`write ${name}`, (client) => write(client, topic)],
    [
      `alter ${name}`,
      ({ administration }) =>
        administration.changeSettings(topic.topic, new Map([['cleanup.policy', cleanup]])),
    ],
    [
      `add partitions to ${name}`,
      ({ admin }) =>
        admin.createPartitions({
          validateOnly: true,
          topicPartitions: [{ topic: topic.topic, count: topic.partitions + 1 }],
        }),
    ],
    [`delete records of ${name}`, (client) => deleteRecords(client, topic)],
    [`delete ${name}`, ({ admin }) => admin.deleteTopics({ topics: [topic.topic] })],
  ];
}

async function seeSettings({ administration }: Client, { topic }: TopicDescription): Promise<void> {
  const state = await administration.topic(topic);
  if (state?.settings === null) throw new SealstreamError('unauthorized', 'settings are hidden');
}

async function seeBrokers({ administration }: Client): Promise<void> {
  const { brokers } = await administration.cluster();
  if (brokers.some(({ settings }) => settings === null)) {
    throw new SealstreamError('unauthorized', 'settings are hidden');
  }
}

async function read({ stream }: Client, topic: TopicDescription): Promise<void> {
  const reader = await stream.reader(topic);
  try {
    reader.seek({ partition: 0, offset: 0n });
    for (;;) {
      for (const { error } of await reader.poll(500)) {
        if (error === null) return;
        if (error.class !== 'retry') throw error;
      }
    }
  } finally {
    await reader.close();
  }
}

async function write({ stream }: Client, topic: TopicDescription): Promise<void> {
  const appender = await stream.appender(topic);
  try {
    const encoder = new BatchEncoder();
    const text = Buffer.from('an attempt');
    encoder.add({ key: text, value: text, headers: [] }, BigInt(Date.now()));
    const outcome = await appender.append(0, encoder.finish());
    if (outcome.kind !== 'acknowledged') throw outcome.error;
  } finally {
    await appender.close();
  }
}

async function deleteRecords({ admin }: Client, { topic }: TopicDescription): Promise<void> {
  // Loads the metadata that deleteTopicRecords expects to be there.
  await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '0' }] });
}

/** On the cluster; `ledger` and its audit topic. */
export function clusterAttempts(ledger: string, topic: TopicDescription): [string, Attempt][] {
  const rule = {
    resource: 'topic',
    pattern: 'literal',
    name: topic.topic,
    principal: 'User:producer',
    host: '*',
    operation: 'write',
    permission: 'allow',
  } as const;
  const never = { ...rule, principal: 'User:nobody' } as const;
  const limits = new Map([['producer_byte_rate', 10_485_760]]);
  const unclean = { name: 'unclean.leader.election.enable', value: 'false' };
  return [
    [
      'create another topic',
      ({ admin }) =>
        admin.createTopics({
          validateOnly: true,
          waitForLeaders: false,
          topics: [{ topic: `${topic.topic}-other` }],
        }),
    ],
    ['see the access rules', ({ administration }) => administration.accessRules()],
    ['add an access rule', ({ administration }) => administration.addAccessRules([rule])],
    ['remove an access rule', ({ administration }) => administration.removeAccessRules([never])],
    ['see the quotas', ({ administration }) => administration.quotas()],
    ['see settings of the brokers', seeBrokers],
    ['set a quota', ({ administration }) => administration.setQuota({ user: 'producer', limits })],
    [
      'alter the brokers',
      ({ admin }) =>
        admin.alterConfigs({
          validateOnly: true,
          resources: [
            { type: kafkajs.ConfigResourceTypes.BROKER, name: '1', configEntries: [unclean] },
          ],
        }),
    ],
    [
      'move replicas',
      ({ admin }) =>
        admin.alterPartitionReassignments({
          topics: [
            {
              topic: topic.topic,
              partitionAssignment: [{ partition: 0, replicas: [1, 2, 3] }],
            },
          ],
        }),
    ],
    ['join the sealers', (client) => join(client, topic, `sealstream-sealer/${ledger}/attempt`)],
  ];
}

async function join({ stream }: Client, topic: TopicDescription, group: string): Promise<void> {
  const joined = new Promise<void>((resolve, reject) => {
    const onChange = (): void => resolve();
    stream.own(topic, { group, onChange, onError: reject }).then((own) => own.close(), reject);
  });
  await joined.catch((error: unknown) => {
    // kafkajs hides that a broker refuses to name the coordinator.
    const hidden =
      error instanceof SealstreamError && /grant Read on the group/.test(error.message);
    throw hidden ? new SealstreamError('unauthorized', error.message, { cause: error }) : error;
  });
}

/** Whether the cluster lets it be done. Throws on every other failure. */
export async function isAllowed(attempt: Attempt, client: Client): Promise<boolean> {
  try {
    await attempt(client);
    return true;
  } catch (error) {
    const reasons = reasonsOf(error);
    if (reasons.some((reason) => /^unauthorized$|AUTHORIZATION_FAILED$/.test(reason))) return false;
    // Past the authorizer: compacted topics have no records to delete.
    if (reasons.includes('POLICY_VIOLATION')) return true;
    throw error;
  }
}

/** kafkajs wraps what a broker answered, once or twice. */
function reasonsOf(error: unknown): string[] {
  if (typeof error !== 'object' || error === null) return [];
  const { code, type, errors, partitions, cause } = error as Readonly<Record<string, unknown>>;
  const own = [code, type].filter((each) => typeof each === 'string');
  const inner = [errors, partitions].flatMap((each) => (Array.isArray(each) ? each : []));
  const wrapped = inner.flatMap((each: object) => ('error' in each ? [each, each.error] : [each]));
  return [...own, ...[...wrapped, cause].flatMap(reasonsOf)];
}
