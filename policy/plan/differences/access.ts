import type { AccessRule } from '../../../stream/administration.js';
import { type Comparison, differ, isUnseen, reasonOf } from '../comparison.js';
import type { Difference } from '../difference.js';
import { desiredRules, ruleKey } from '../roles.js';
import { deniedDifferences, extraDifferences } from './extra-access.js';
import { EVERYONE, subjectOf, topicOf } from './rule-names.js';

/** Access rules, where ledger.yaml declares principals. */
export function accessDifferences(comparison: Comparison): Difference[] {
  const wanted = desiredRules(comparison.declared.configuration);
  if (wanted === null || comparison.embedded) return [];
  const { rules } = comparison.observed;
  const cluster = { subject: 'cluster', effect: 'none', by: 'operator' } as const;
  if (rules === null) {
    return [
      differ(comparison, {
        ...cluster,
        code: 'authorizer-missing',
        field: 'authorizer.class.name',
        found: null,
        wanted: 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        remedy: 'set authorizer.class.name and super.users in the file of every broker',
      }),
    ];
  }
  if (isUnseen(rules)) {
    return [
      differ(comparison, {
        ...cluster,
        code: 'acl-unseen',
        field: 'acl',
        found: reasonOf(rules),
        wanted: 'to be seen',
        remedy: 'grant Describe on the cluster to the principal that runs this',
      }),
    ];
  }
  return [
    ...missingDifferences(comparison, wanted, rules),
    ...extraDifferences(comparison, wanted, rules),
    ...deniedDifferences(comparison, wanted, rules),
  ];
}

/** One for each principal and resource, however many of its rights are missing. */
function missingDifferences(
  comparison: Comparison,
  wanted: readonly AccessRule[],
  rules: readonly AccessRule[],
): Difference[] {
  const present = new Set(rules.map(ruleKey));
  const groups = new Map<string, AccessRule[]>();
  for (const rule of wanted) {
    const subject = subjectOf(rule);
    groups.set(subject, [...(groups.get(subject) ?? []), rule]);
  }
  return [...groups].flatMap(([subject, group]) => {
    const missing = group.filter((rule) => !present.has(ruleKey(rule)));
    const [first] = group;
    if (first?.principal === EVERYONE) return everyone(comparison, subject, group, missing);
    if (missing.length === 0) return [];
    const there = group.filter((rule) => present.has(ruleKey(rule)));
    return differ(comparison, {
      code: 'acl-missing',
      ...topicOf(missing[0]),
      subject,
      field: 'acl',
      found: there.length === 0 ? null : operations(there),
      wanted: operations(group),
      effect: 'adds',
      by: 'apply',
      remedy: `sealstream apply adds ${operations(missing)}`,
      change: { kind: 'add-rules', rules: missing },
    });
  });
}

function operations(rules: readonly AccessRule[]): string {
  return rules.map(({ operation }) => operation).join(', ');
}

/** Declared, and yet a loosening: also where the cluster has it already, since a waiver may have run out. */
function everyone(
  comparison: Comparison,
  subject: string,
  group: readonly AccessRule[],
  missing: readonly AccessRule[],
): Difference[] {
  const there = group.filter((rule) => !missing.includes(rule));
  const loosening = differ(comparison, {
    code: 'acl-everyone',
    subject,
    field: 'acl',
    found: there.length === 0 ? null : operations(there),
    wanted: operations(group),
    effect: 'loosens',
    by: 'apply',
    remedy: 'declare each principal by its name',
    ...(missing.length === 0 ? {} : { change: { kind: 'add-rules', rules: missing } }),
  });
  return missing.length === 0 && loosening.waiver !== null ? [] : [loosening];
}
