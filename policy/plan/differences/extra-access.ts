import type { AccessRule, Operation } from '../../../stream/administration.js';
import type { DifferenceCode } from '../../catalogue/catalogue.js';
import { type Comparison, differ } from '../comparison.js';
import type { Difference } from '../difference.js';
import { ruleKey, sealerGroups } from '../roles.js';
import { EVERYONE, subjectOf, topicOf } from './rule-names.js';

/** What lets its holder change the cluster itself, and so everything in it. */
const CLUSTER_RIGHTS: ReadonlySet<Operation> = new Set<Operation>([
  'all',
  'alter',
  'alter-configs',
  'cluster-action',
  'create',
  'delete',
]);

/** The gravest of what an operation on a topic lets its holder do. */
function topicCode(operation: Operation): DifferenceCode {
  switch (operation) {
    case 'all':
    case 'delete':
      return 'acl-delete';
    case 'alter':
    case 'alter-configs':
    case 'create':
      return 'acl-alter';
    case 'write':
      return 'acl-write';
    case 'describe':
    case 'describe-configs':
      return 'acl-describe';
    default:
      return 'acl-read';
  }
}

function codeOf({ principal, resource, operation }: AccessRule): DifferenceCode {
  if (principal === EVERYONE) return 'acl-everyone';
  if (resource === 'cluster') return 'acl-cluster';
  return resource === 'group' ? 'acl-group' : topicCode(operation);
}

function matches({ pattern, name }: AccessRule, resourceName: string): boolean {
  if (pattern === 'prefixed') return resourceName.startsWith(name);
  return name === '*' || name === resourceName;
}

/** Whether everything that `rule` allows on the ledger's topics is what a role of its principal allows. */
function isWithinRole(
  rule: AccessRule,
  covered: readonly string[],
  wanted: readonly AccessRule[],
): boolean {
  return covered.every((name) =>
    wanted.some(
      (each) =>
        each.resource === 'topic' &&
        each.name === name &&
        each.principal === rule.principal &&
        each.operation === rule.operation &&
        (each.host === '*' || each.host === rule.host),
    ),
  );
}

/** 'own': on the ledger's own resource, so apply removes it. 'wide': others live by it, too. */
function reachOf(
  rule: AccessRule,
  wanted: readonly AccessRule[],
  topics: readonly string[],
  groups: string,
): 'own' | 'wide' | null {
  switch (rule.resource) {
    case 'topic': {
      const covered = topics.filter((name) => matches(rule, name));
      if (covered.length === 0) return null;
      if (rule.pattern === 'literal' && rule.name !== '*') return 'own';
      return isWithinRole(rule, covered, wanted) ? null : 'wide';
    }
    case 'group':
      return rule.name.startsWith(groups) ? 'own' : null;
    case 'cluster':
      return CLUSTER_RIGHTS.has(rule.operation) ? 'wide' : null;
    default:
      return null;
  }
}

/** Rules that allow more than the roles do: one difference each. */
export function extraDifferences(
  comparison: Comparison,
  wanted: readonly AccessRule[],
  rules: readonly AccessRule[],
): Difference[] {
  const declared = new Set(wanted.map(ruleKey));
  const topics = comparison.topics.map(({ specification }) => specification.topic);
  const groups = sealerGroups(comparison.declared.configuration.ledger);
  return rules.flatMap((rule) => {
    if (rule.permission !== 'allow' || declared.has(ruleKey(rule))) return [];
    const reach = reachOf(rule, wanted, topics, groups);
    if (reach === null) return [];
    const at = {
      code: codeOf(rule),
      ...topicOf(rule),
      subject: subjectOf(rule),
      field: 'acl',
      found: rule.operation,
      wanted: null,
      effect: 'tightens',
    } as const;
    return reach === 'own'
      ? differ(comparison, {
          ...at,
          by: 'apply',
          remedy: 'sealstream apply removes it; or declare the principal in its role',
          change: { kind: 'remove-rules', rules: [rule] },
        })
      : differ(comparison, { ...at, by: 'operator', remedy: removal(rule) });
  });
}

/** Rules that keep a declared principal from its role; they tighten, so they are left to a person. */
export function deniedDifferences(
  comparison: Comparison,
  wanted: readonly AccessRule[],
  rules: readonly AccessRule[],
): Difference[] {
  return rules.flatMap((rule) => {
    if (rule.permission !== 'deny') return [];
    const hindered = wanted.find(
      (each) =>
        each.resource === rule.resource &&
        matches(rule, each.name) &&
        (rule.principal === EVERYONE || rule.principal === each.principal) &&
        (rule.operation === 'all' || rule.operation === each.operation) &&
        (rule.host === '*' || each.host === '*' || rule.host === each.host),
    );
    if (hindered === undefined) return [];
    return differ(comparison, {
      code: 'acl-denied',
      ...topicOf(rule),
      subject: subjectOf(rule),
      field: 'acl',
      found: `deny ${rule.operation}`,
      wanted: `allow ${hindered.operation} to ${hindered.principal}`,
      effect: 'none',
      by: 'operator',
      remedy: `${removal(rule)}, or take the principal out of its role`,
    });
  });
}

/** For a shell: names are Kafka's own, and a principal may hold anything. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

const OPERATIONS: Readonly<Record<Operation, string>> = {
  all: 'All',
  read: 'Read',
  write: 'Write',
  create: 'Create',
  delete: 'Delete',
  alter: 'Alter',
  describe: 'Describe',
  'cluster-action': 'ClusterAction',
  'describe-configs': 'DescribeConfigs',
  'alter-configs': 'AlterConfigs',
  'idempotent-write': 'IdempotentWrite',
  'two-phase-commit': 'TwoPhaseCommit',
  'create-tokens': 'CreateTokens',
  'describe-tokens': 'DescribeTokens',
};

/** The command that takes a rule away. */
export function removal(rule: AccessRule): string {
  const { resource, pattern, name, principal, host, operation, permission } = rule;
  const place = resource === 'cluster' ? '--cluster' : `--${resource} ${quoted(name)}`;
  const kind = pattern === 'prefixed' ? ' --resource-pattern-type prefixed' : '';
  return (
    `kafka-acls.sh --remove --${permission}-principal ${quoted(principal)} ` +
    `--${permission}-host ${quoted(host)} --operation ${OPERATIONS[operation]} ${place}${kind}`
  );
}
