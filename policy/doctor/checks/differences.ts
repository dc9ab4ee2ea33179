/** The plan's differences as findings, each in the check that looks for it. */
import { type DifferenceCode, UNSEEN } from '../../catalogue/catalogue.js';
import type { Configuration } from '../../file/configuration.js';
import type { Path } from '../../file/yaml.js';
import type { Difference } from '../../plan/difference.js';
import type { CheckResult, Draft } from '../finding.js';
import { principalPath, topicPath } from '../paths.js';
import type { Site } from '../prepared.js';

export type Group =
  | 'topics'
  | 'log-starts'
  | 'partitions'
  | 'settings'
  | 'brokers'
  | 'access'
  | 'quotas'
  | 'recorded-configuration'
  | 'waivers';

const GROUPS: Readonly<Record<DifferenceCode, Group>> = {
  'topic-missing': 'topics',
  'topic-unseen': 'topics',
  'topic-undeclared': 'topics',
  'topic-recreated': 'topics',
  'log-start-moved': 'log-starts',
  'bounds-unseen': 'log-starts',
  'partitions-fewer': 'partitions',
  'partitions-more': 'partitions',
  'replication-lower': 'partitions',
  'replication-higher': 'partitions',
  'retention-time': 'settings',
  'retention-bytes': 'settings',
  'cleanup-policy': 'settings',
  'timestamp-type': 'settings',
  'min-insync': 'settings',
  'unclean-election': 'settings',
  'record-size': 'settings',
  'topic-setting': 'settings',
  'setting-inherited': 'settings',
  'settings-unseen': 'settings',
  'auto-create': 'brokers',
  'delete-topic-enabled': 'brokers',
  'broker-unclean-election': 'brokers',
  'allow-everyone': 'brokers',
  'allow-everyone-unseen': 'brokers',
  'broker-settings-unseen': 'brokers',
  'authorizer-missing': 'access',
  'acl-unseen': 'access',
  'acl-missing': 'access',
  'acl-everyone': 'access',
  'acl-delete': 'access',
  'acl-alter': 'access',
  'acl-write': 'access',
  'acl-read': 'access',
  'acl-describe': 'access',
  'acl-group': 'access',
  'acl-cluster': 'access',
  'acl-denied': 'access',
  'quota-unseen': 'quotas',
  'quota-absent': 'quotas',
  'quota-differs': 'quotas',
  'ledger-renamed': 'recorded-configuration',
  'configuration-unrecorded': 'recorded-configuration',
  'configuration-unseen': 'recorded-configuration',
  'waiver-expired': 'waivers',
};

function isDifferenceCode(code: string): code is DifferenceCode {
  return Object.hasOwn(GROUPS, code);
}

/** The differences of one group; what could not be seen is no finding unless a waiver lets it be. */
export function differenceCheck(group: Group): (site: Site) => CheckResult {
  return ({ differences, configuration }) => resultOf(differences, group, configuration);
}

function resultOf(
  differences: readonly Difference[],
  group: Group,
  configuration: Configuration,
): CheckResult {
  const own = differences.filter(({ code }) => isDifferenceCode(code) && GROUPS[code] === group);
  const isUnseen = ({ code, waiver }: Difference): boolean => UNSEEN.has(code) && waiver === null;
  return {
    drafts: own.filter((each) => !isUnseen(each)).map((each) => draftOf(each, configuration)),
    unseen: own.filter(isUnseen).map(({ subject, field, found, remedy }) => ({
      subject,
      message: `${field}${found === null ? ' cannot be seen' : `: ${found}`}`,
      remedy,
    })),
  };
}

export function draftOf(difference: Difference, configuration: Configuration): Draft {
  const { code, topic, partition, subject, field, found, wanted, remedy, waiver } = difference;
  const named = (value: string | null): string | null =>
    value === null ? null : `${field} ${value}`;
  return {
    code,
    topic,
    partition,
    subject,
    found: named(found),
    expected: named(wanted),
    remedy,
    waiver,
    path: pathOf(difference, configuration),
  };
}

function pathOf({ code, topic, subject, field }: Difference, configuration: Configuration): Path {
  const group = isDifferenceCode(code) ? GROUPS[code] : 'topics';
  switch (group) {
    case 'brokers':
      return ['stream'];
    case 'access':
    case 'quotas':
      return principalPath(configuration, subject.split(/ on | from /)[0] ?? '');
    case 'recorded-configuration':
      return ['configuration', 'topic'];
    case 'waivers': {
      const named = (waiver: { code: string; topic: string | null }): boolean =>
        subject ===
        `waiver for ${waiver.code}${waiver.topic === null ? '' : ` on topic ${waiver.topic}`}`;
      const index = configuration.waivers.findIndex(named);
      return index < 0 ? ['waivers'] : ['waivers', index];
    }
    default:
      return topicPath(configuration, topic, field);
  }
}
