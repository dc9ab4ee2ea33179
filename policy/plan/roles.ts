/** Least privilege: the access rules of each role. No role may delete anything. */
import { checkpointTopic } from '../../ledger/checkpoint-record.js';
import type { AccessRule, Operation, ResourceType } from '../../stream/administration.js';
import type { Configuration } from '../file/configuration.js';
import { type Grant, ROLES, type Role } from '../file/principals.js';

const OBSERVE: readonly Operation[] = ['describe', 'describe-configs'];
const READ: readonly Operation[] = ['read', ...OBSERVE];
const WRITE: readonly Operation[] = ['write', ...OBSERVE];
const READ_WRITE: readonly Operation[] = ['read', 'write', ...OBSERVE];
const MANAGE: readonly Operation[] = ['create', 'alter', 'alter-configs', ...OBSERVE];

/** Name of the cluster resource in Kafka's rules. */
const CLUSTER = 'kafka-cluster';

interface Topics {
  readonly audit: readonly string[];
  /** None or one. */
  readonly configuration: readonly string[];
}

/** By resource name; the role's rights on the ledger's topics. */
function topicRights(
  role: Role,
  { audit, configuration }: Topics,
): [readonly string[], readonly Operation[]][] {
  const checkpoints = audit.map(checkpointTopic);
  const configurationCheckpoints = configuration.map(checkpointTopic);
  const all = [...audit, ...checkpoints, ...configuration, ...configurationCheckpoints];
  switch (role) {
    case 'publisher':
      return [[audit, WRITE]];
    case 'sealer':
      return [
        [[...audit, ...configuration], READ],
        [[...checkpoints, ...configurationCheckpoints], READ_WRITE],
      ];
    case 'verifier':
    case 'inspector':
      return [[all, READ]];
    case 'replayer':
      return [
        [
          [...audit, ...checkpoints],
          ['read', 'describe'],
        ],
      ];
    case 'admin':
      return [
        [all, MANAGE],
        [configuration, ['read', 'write']],
      ];
  }
}

/** Access rules are shown to Describe; settings of brokers, and quotas, to DescribeConfigs. */
function clusterRights(role: Role): readonly Operation[] {
  switch (role) {
    case 'inspector':
      return OBSERVE;
    case 'admin':
      return [...OBSERVE, 'alter', 'alter-configs'];
    default:
      return [];
  }
}

/** Names of the groups by which this ledger's sealers share partitions begin with it. */
export function sealerGroups(ledger: string): string {
  return `sealstream-sealer/${ledger}/`;
}

function rulesOf(role: Role, grant: Grant, configuration: Configuration): AccessRule[] {
  const { principal, host } = grant;
  const rule = (
    resource: ResourceType,
    pattern: AccessRule['pattern'],
    name: string,
    operation: Operation,
  ): AccessRule => ({ resource, pattern, name, principal, host, operation, permission: 'allow' });
  const topics = {
    audit: grant.topics ?? configuration.topics.map(({ name }) => name),
    configuration:
      configuration.configuration === undefined ? [] : [configuration.configuration.topic],
  };
  const rules = topicRights(role, topics).flatMap(([names, operations]) =>
    names.flatMap((name) => operations.map((each) => rule('topic', 'literal', name, each))),
  );
  if (role === 'sealer') {
    const prefix = sealerGroups(configuration.ledger);
    for (const each of ['read', 'describe'] as const) {
      rules.push(rule('group', 'prefixed', prefix, each));
    }
  }
  for (const each of clusterRights(role)) rules.push(rule('cluster', 'literal', CLUSTER, each));
  return rules;
}

/** One text for one rule: two rules are the same where it is. */
export function ruleKey(rule: AccessRule): string {
  const { resource, pattern, name, principal, host, operation, permission } = rule;
  return JSON.stringify([resource, pattern, name, principal, host, operation, permission]);
}

/** Every rule that the declared roles need, each once; null: ledger.yaml declares no principals. */
export function desiredRules(configuration: Configuration): AccessRule[] | null {
  const { principals } = configuration;
  if (principals === undefined) return null;
  const rules = new Map<string, AccessRule>();
  for (const role of ROLES) {
    for (const grant of principals[role]) {
      for (const rule of rulesOf(role, grant, configuration)) rules.set(ruleKey(rule), rule);
    }
  }
  return [...rules.values()];
}
