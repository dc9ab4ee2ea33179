import type { AccessRule, Operation } from '../../../stream/administration.js';
import { isUnseen } from '../../plan/comparison.js';
import type { Difference } from '../../plan/difference.js';
import { extraDifferences, removal } from '../../plan/differences/extra-access.js';
import { subjectOf } from '../../plan/differences/rule-names.js';
import { sealerGroups } from '../../plan/roles.js';
import type { CheckResult, Draft } from '../finding.js';
import { principalPath } from '../paths.js';
import type { Site } from '../prepared.js';
import { differenceCheck, draftOf } from './differences.js';

const declaredRoles = differenceCheck('access');

/** Rights on the ledger's topics and groups, whether or not the file declares principals. */
export function accessCheck(site: Site): CheckResult {
  const { configuration, observed } = site;
  if (configuration.principals !== undefined) {
    const { drafts, unseen } = declaredRoles(site);
    return { drafts: [...drafts, ...wideGroups(site)], unseen };
  }
  const { rules } = observed;
  if (isUnseen(rules)) {
    const remedy = 'grant Describe on the cluster to the principal that runs this';
    return { drafts: [], unseen: [{ subject: 'cluster', message: rules.message, remedy }] };
  }
  if (rules === null) return { drafts: [noAuthorizer()], unseen: [] };
  return { drafts: [unmanaged(), ...dangerous(site, rules), ...wideGroups(site)], unseen: [] };
}

function noAuthorizer(): Draft {
  return {
    code: 'authorizer-missing',
    subject: 'cluster',
    found: null,
    expected: 'authorizer.class.name org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    remedy: 'set authorizer.class.name and super.users in the file of every broker',
    path: ['stream'],
  };
}

function unmanaged(): Draft {
  return {
    code: 'acl-unmanaged',
    subject: 'principals',
    found: null,
    expected: 'principals by role',
    remedy: "principals: { publisher: ['User:NAME'], sealer: ['User:NAME'], admin: ['User:NAME'] }",
    path: ['stream'],
  };
}

/** What no ledger can allow, whoever its principals are. */
const ALWAYS: ReadonlySet<string> = new Set([
  'acl-everyone',
  'acl-delete',
  'acl-alter',
  'acl-cluster',
]);

function dangerous(site: Site, rules: readonly AccessRule[]): Draft[] {
  return extraDifferences(site.comparison, [], rules)
    .filter(({ code }) => ALWAYS.has(code))
    .map((difference) => ({
      ...draftOf(difference, site.configuration),
      remedy: byHand(difference),
    }));
}

/** `apply` manages no rules where the file declares no principals. */
function byHand({ change, remedy }: Difference): string {
  const rule = change?.kind === 'remove-rules' ? change.rules[0] : undefined;
  return rule === undefined ? remedy : removal(rule);
}

const JOINS: ReadonlySet<Operation> = new Set<Operation>(['all', 'read', 'delete']);

/** Rules on every group, or on more than the sealers', by which someone joins theirs. */
function wideGroups({ configuration, observed }: Site): Draft[] {
  const { rules } = observed;
  if (rules === null || isUnseen(rules)) return [];
  const groups = sealerGroups(configuration.ledger);
  const sealers = new Set(configuration.principals?.sealer.map(({ principal }) => principal));
  return rules.flatMap((rule): Draft[] => {
    const { resource, pattern, name, principal, operation, permission } = rule;
    if (resource !== 'group' || permission !== 'allow' || !JOINS.has(operation)) return [];
    const wide = pattern === 'prefixed' ? groups.startsWith(name) && name !== groups : name === '*';
    if (!wide || (sealers.has(principal) && operation === 'read')) return [];
    return [
      {
        code: principal === 'User:*' ? 'acl-everyone' : 'acl-group',
        subject: subjectOf(rule),
        found: `acl ${operation}`,
        expected: null,
        remedy: removal(rule),
        path: principalPath(configuration, principal),
      },
    ];
  });
}
