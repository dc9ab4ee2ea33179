import { type Declared as DeclaredFile, parseDeclared } from '../../../../policy/file/parse.js';
import type { Declared } from '../../../../policy/plan/desired.js';
import { desiredTopics } from '../../../../policy/plan/desired.js';
import type { Observed } from '../../../../policy/plan/observed.js';
import { desiredRules } from '../../../../policy/plan/roles.js';
import type { Setting, TopicState } from '../../../../stream/administration.js';
import type { TopicSpecification } from '../../../../stream/stream.js';

export const TODAY = '2026-06-15';

const KAFKA = `version: 1
ledger: audit.example.com/payments
stream: kafka://127.0.0.1:9092
topics:
  - { name: audit, partitions: 3, replication: 3, maxRecordBytes: 2097152 }
  - { name: trail, partitions: 2, replication: 3, settings: { segment.bytes: 1073741824 } }
configuration: { topic: audit.configuration }
principals:
  publisher: [ 'User:payments', { principal: 'User:orders', topics: [trail], bytesPerSecond: 1048576 } ]
  sealer: [ 'User:sealer' ]
  verifier: [ 'User:auditor' ]
  inspector: [ 'User:pipeline' ]
  replayer: [ { principal: 'User:analytics', host: 10.0.0.7 } ]
  admin: [ 'User:deploy' ]
`;

/** The file of these tests, with `more` at its end or `edit` of its text. */
export function declaration(edit: (text: string) => string = (text) => text): DeclaredFile {
  return parseDeclared(edit(KAFKA), 'ledger.yaml');
}

export function waiver(code: string, topic: string | null, until = TODAY): string {
  const where = topic === null ? '' : `, topic: ${topic}`;
  return `waivers: [{ code: ${code}${where}, until: ${until}, reason: decided in the review }]\n`;
}

function idOf(topic: string): string {
  return Buffer.from(topic.padEnd(16, '.').slice(-16)).toString('base64url');
}

export function stateOf({
  topic,
  partitions,
  replication,
  settings,
}: TopicSpecification): TopicState {
  const replicas = Array.from({ length: replication }, (_, index) => index + 1);
  const own = [...settings].map(([name, value]): [string, Setting] => [
    name,
    { value, source: 'topic' },
  ]);
  return {
    topic,
    topicId: idOf(topic),
    partitions: Array.from({ length: partitions }, (_, partition) => {
      return { partition, leader: 1, replicas, inSync: replicas, offline: [] };
    }),
    settings: new Map(own),
  };
}

/** A cluster that is exactly what `declared` declares. */
export function asDeclared(declared: Declared): Observed {
  const { configuration, text, hash } = declared;
  const states = desiredTopics(configuration).map(({ specification }) => stateOf(specification));
  const off: Setting = { value: 'false', source: 'file' };
  return {
    cluster: {
      clusterId: 'cluster',
      controller: 1,
      brokers: [1, 2, 3].map((id) => ({
        id,
        address: `kafka-${id}:9092`,
        settings: new Map([
          ['auto.create.topics.enable', off],
          ['delete.topic.enable', off],
          ['unclean.leader.election.enable', off],
        ]),
      })),
    },
    topics: new Map(states.map((state) => [state.topic, state])),
    unseen: new Map(),
    bounds: new Map(
      states.map(({ topic, partitions }) => [
        topic,
        partitions.map(({ partition }) => ({ partition, logStart: 0n, highWatermark: 7n })),
      ]),
    ),
    rules: desiredRules(configuration),
    quotas: (configuration.principals?.publisher ?? []).flatMap(({ principal, bytesPerSecond }) =>
      bytesPerSecond === null
        ? []
        : {
            user: principal.slice('User:'.length),
            limits: new Map([['producer_byte_rate', bytesPerSecond]]),
          },
    ),
    recorded:
      configuration.configuration === undefined
        ? null
        : {
            offset: 3n,
            timestamp: 0n,
            hash,
            named: hash,
            text,
            ledger: configuration.ledger,
            topics: configuration.topics.map(({ name }) => name),
            topicIds: new Map(states.map(({ topic, topicId }) => [topic, topicId])),
          },
  };
}
