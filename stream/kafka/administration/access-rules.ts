import type { AccessRule } from '../../administration.js';
import { shownByAll, throughController } from '../connection/broker-fanout.js';
import type { Cluster, KafkaApi } from '../connection/cluster.js';
import type { BrokerConnection } from '../connection/connection.js';
import type { ChangeAnswer } from '../protocol/alter-configs.js';
import {
  CREATE_ACLS,
  DELETE_ACLS,
  decodeCreateAcls,
  decodeDeleteAcls,
  encodeAclsRequest,
} from '../protocol/change-acls.js';
import {
  DESCRIBE_ACLS,
  decodeDescribeAcls,
  encodeDescribeAclsRequest,
} from '../protocol/describe-acls.js';
import { KAFKA_ERROR, requestError } from '../protocol/error-codes.js';

/** null: the cluster has no authorizer. */
export async function readAccessRules(cluster: Cluster): Promise<readonly AccessRule[] | null> {
  return cluster.ask(cluster.timeoutMs, (connection, remainingMs) =>
    rulesFrom(cluster, connection, remainingMs),
  );
}

async function rulesFrom(
  cluster: Cluster,
  connection: BrokerConnection,
  timeoutMs: number,
): Promise<readonly AccessRule[] | null> {
  const encode = () => encodeDescribeAclsRequest();
  const response = await cluster.call(connection, DESCRIBE_ACLS, encode, timeoutMs);
  const answer = decodeDescribeAcls(response.bytes, response.what);
  if (answer.errorCode === KAFKA_ERROR.SECURITY_DISABLED) return null;
  if (answer.errorCode === KAFKA_ERROR.NONE) return answer.rules;
  const where = `${connection.name}: the access rules`;
  throw requestError(answer, where, 'Describe on the cluster');
}

export async function addAccessRules(
  cluster: Cluster,
  rules: readonly AccessRule[],
): Promise<void> {
  await change(cluster, rules, {
    api: CREATE_ACLS,
    decode: decodeCreateAcls,
    doing: 'adding access rules',
    done: 'access rules were added',
    present: true,
  });
}

/** A rule that is not there is passed over. */
export async function removeAccessRules(
  cluster: Cluster,
  rules: readonly AccessRule[],
): Promise<void> {
  await change(cluster, rules, {
    api: DELETE_ACLS,
    decode: decodeDeleteAcls,
    doing: 'removing access rules',
    done: 'access rules were removed',
    present: false,
  });
}

interface RuleChange {
  readonly api: KafkaApi;
  readonly decode: (bytes: Uint8Array, asked: number, what: string) => ChangeAnswer[];
  readonly doing: string;
  readonly done: string;
  /** How a rule must show afterwards. */
  readonly present: boolean;
}

async function change(
  cluster: Cluster,
  rules: readonly AccessRule[],
  { api, decode, doing, done, present }: RuleChange,
): Promise<void> {
  if (rules.length === 0) return;
  const deadline = performance.now() + cluster.timeoutMs;
  await throughController(cluster, doing, deadline, async (connection, remainingMs) => {
    const encode = () => encodeAclsRequest(rules);
    const response = await cluster.call(connection, api, encode, remainingMs);
    const answers = decode(response.bytes, rules.length, response.what);
    for (const [index, rule] of rules.entries()) {
      const answer = answers[index];
      if (answer === undefined || answer.errorCode === KAFKA_ERROR.NONE) continue;
      const where = `${connection.name}: ${doing}: ${describeRule(rule)}`;
      throw requestError(answer, where, 'Alter on the cluster');
    }
  });
  await shownByAll(cluster, done, deadline, async (connection, remainingMs) => {
    const found = new Set((await rulesFrom(cluster, connection, remainingMs))?.map(ruleKey));
    return rules.every((rule) => found.has(ruleKey(rule)) === present);
  });
}

function ruleKey(rule: AccessRule): string {
  const { resource, pattern, name, principal, host, operation, permission } = rule;
  return JSON.stringify([resource, pattern, name, principal, host, operation, permission]);
}

function describeRule(rule: AccessRule): string {
  const { resource, pattern, name, principal, host, operation, permission } = rule;
  return `${permission} ${operation} to ${principal} from ${host} on ${pattern} ${resource} ${name}`;
}
