/** What no field of ledger.yaml can say alone. */
import { MAX_ORIGIN_LENGTH } from '../../ledger/origin.js';
import {
  type Configuration,
  DEFAULT_REPLICATION,
  defaultMinInSync,
  isEmbedded,
} from './configuration.js';
import { type Grant, ROLES } from './principals.js';
import type { Source } from './yaml.js';

const TOPIC_ID_LENGTH = 22;
const ONLY_KAFKA = 'only for a kafka:// stream; this one is a file: stream';

type Topic = Configuration['topics'][number];

/** Throws `configuration`, at the field that does not go with the others. */
export function checkTogether(configuration: Configuration, source: Source): void {
  const embedded = isEmbedded(configuration);
  if (embedded && configuration.kafka !== undefined) {
    source.fail(source.of(['kafka']), `kafka: ${ONLY_KAFKA}`);
  }
  const seen = new Set<string>();
  for (const [index, topic] of configuration.topics.entries()) {
    if (seen.has(topic.name)) {
      source.fail(
        source.of(['topics', index, 'name']),
        `topics[${index}].name: "${topic.name}" is there twice`,
      );
    }
    seen.add(topic.name);
    checkOrigin(configuration, topic.name, topic.partitions, `topics[${index}].name`, source);
    if (embedded) refuseKafkaFields(topic, index, source);
    else checkInSync(topic, index, source);
  }
  checkConfigurationTopic(configuration, seen, source);
  checkPrincipals(configuration, embedded, seen, source);
}

/** Its logs' origins (FORMAT §1) have a greatest length. */
function checkOrigin(
  { ledger }: Configuration,
  topic: string,
  partitions: number,
  field: string,
  source: Source,
): void {
  const longest = `${ledger}/${topic}//${partitions - 1}`.length + TOPIC_ID_LENGTH;
  if (longest <= MAX_ORIGIN_LENGTH) return;
  const limit = `at most ${MAX_ORIGIN_LENGTH} characters with topic id and partition`;
  source.fail(source.of(['ledger']), `ledger: with ${field} it is too long: ${limit}`);
}

function refuseKafkaFields(topic: Topic, index: number, source: Source): void {
  for (const field of ['replication', 'minInSync', 'maxRecordBytes'] as const) {
    if (topic[field] === undefined) continue;
    source.fail(source.of(['topics', index, field]), `topics[${index}].${field}: ${ONLY_KAFKA}`);
  }
  if (Object.keys(topic.settings).length === 0) return;
  source.fail(source.of(['topics', index, 'settings']), `topics[${index}].settings: ${ONLY_KAFKA}`);
}

function checkInSync(topic: Topic, index: number, source: Source): void {
  const { replication = DEFAULT_REPLICATION, minInSync = defaultMinInSync(replication) } = topic;
  if (minInSync <= replication) return;
  source.fail(
    source.of(['topics', index, 'minInSync']),
    `topics[${index}].minInSync: expected at most the replication, ${replication}`,
  );
}

function checkConfigurationTopic(
  configuration: Configuration,
  topics: ReadonlySet<string>,
  source: Source,
): void {
  const topic = configuration.configuration?.topic;
  if (topic === undefined) return;
  if (topics.has(topic)) {
    source.fail(
      source.of(['configuration', 'topic']),
      `configuration.topic: "${topic}" is an audit topic; expected a topic of its own`,
    );
  }
  checkOrigin(configuration, topic, 1, 'configuration.topic', source);
}

function checkPrincipals(
  { principals }: Configuration,
  embedded: boolean,
  topics: ReadonlySet<string>,
  source: Source,
): void {
  if (principals === undefined) return;
  if (embedded) source.fail(source.of(['principals']), `principals: ${ONLY_KAFKA}`);
  const quotas = new Map<string, number>();
  for (const role of ROLES) {
    for (const [index, grant] of principals[role].entries()) {
      const path = ['principals', role, index] as const;
      const field = `principals.${role}[${index}]`;
      const unknown = grant.topics?.findIndex((topic) => !topics.has(topic)) ?? -1;
      if (unknown >= 0) {
        source.fail(
          source.of([...path, 'topics', unknown]),
          `${field}.topics[${unknown}]: expected one of topics, by its name`,
        );
      }
      checkQuota(grant, quotas, (message) =>
        source.fail(source.of([...path, 'bytesPerSecond']), `${field}.bytesPerSecond: ${message}`),
      );
    }
  }
}

/** Kafka has one quota for a user, whatever the topic or the role. */
function checkQuota(
  { principal, bytesPerSecond }: Grant,
  quotas: Map<string, number>,
  fail: (message: string) => never,
): void {
  if (bytesPerSecond === null) return;
  if (!principal.startsWith('User:')) fail('only for a principal of type User');
  const other = quotas.get(principal);
  if (other !== undefined && other !== bytesPerSecond) {
    fail(`expected ${other}, as the same user has elsewhere in this file`);
  }
  quotas.set(principal, bytesPerSecond);
}

/** With what Kafka's topics have where the file leaves it out. */
export function fillDefaults(configuration: Configuration): Configuration {
  if (isEmbedded(configuration)) return configuration;
  const topics = configuration.topics.map((topic) => {
    const { replication = DEFAULT_REPLICATION } = topic;
    const { minInSync = defaultMinInSync(replication) } = topic;
    return { ...topic, replication, minInSync };
  });
  return { ...configuration, topics };
}
