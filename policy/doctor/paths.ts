/** Which field of ledger.yaml a finding is about, so that code scanning can show it there. */
import { checkpointTopic } from '../../ledger/checkpoint-record.js';
import type { Configuration } from '../file/configuration.js';
import { ROLES } from '../file/principals.js';
import type { Path } from '../file/yaml.js';

/** Of a topic's declaration, or of its `field` (`minInSync`) where the file has it. */
export function topicPath(configuration: Configuration, topic: string | null, field = ''): Path {
  const { topics } = configuration;
  const index = topics.findIndex(
    ({ name }) => topic !== null && (name === topic || checkpointTopic(name) === topic),
  );
  if (index < 0) {
    return topic !== null && configuration.configuration !== undefined
      ? ['configuration', 'topic']
      : ['topics'];
  }
  const declaration = topics[index];
  const own = declaration?.name === topic;
  if (own && Object.hasOwn(declaration.settings, field))
    return ['topics', index, 'settings', field];
  const member = own ? MEMBERS.get(field) : undefined;
  return member === undefined ? ['topics', index] : ['topics', index, member];
}

const MEMBERS: ReadonlyMap<string, string> = new Map([
  ['partitions', 'partitions'],
  ['replication', 'replication'],
  ['min.insync.replicas', 'minInSync'],
  ['max.message.bytes', 'maxRecordBytes'],
]);

/** Of the first entry of a principal; of all of them where it is in none. */
export function principalPath(configuration: Configuration, principal: string): Path {
  const { principals } = configuration;
  if (principals === undefined) return ['stream'];
  for (const role of ROLES) {
    const index = principals[role].findIndex((grant) => grant.principal === principal);
    if (index >= 0) return ['principals', role, index];
  }
  return ['principals'];
}
