/** What an administrator may do to a cluster, one at a time, and how `plan` tells it. */
import assert from 'node:assert/strict';
import { SealstreamError } from '../../../../ledger/error.js';
import type { Code } from '../../../../policy/catalogue/catalogue.js';
import type { Difference } from '../../../../policy/plan/difference.js';
import type { Observed } from '../../../../policy/plan/observed.js';
import {
  brokerSetting,
  type Drift,
  editTopic,
  extra,
  logStart,
  partition,
  quotasOf,
  recorded,
  rulesOf,
  setting,
} from './edits.js';
import { asDeclared, declaration } from './plan-support.js';

export const DECLARED = declaration();

const UNAUTHORIZED = new SealstreamError('unauthorized', 'no right');
const C = 'audit.checkpoints';
const K = 'audit.configuration';

/** Code, effect and who mends it. */
export const DRIFTS: [string, Drift, Code, Difference['effect'], Difference['by']][] = [
  ['a topic deleted', editTopic(C, () => null), 'topic-missing', 'adds', 'apply'],
  [
    'a topic hidden',
    (observed) => ({
      ...editTopic(C, () => null)(observed),
      unseen: new Map([[C, UNAUTHORIZED]]),
    }),
    'topic-unseen',
    'none',
    'operator',
  ],
  [
    'a topic made again',
    editTopic('audit', (state) => ({ ...state, topicId: 'AAAAAAAAAAAAAAAAAAAAAA' })),
    'topic-recreated',
    'none',
    'nobody',
  ],
  ['DeleteRecords', logStart('audit', 5n), 'log-start-moved', 'none', 'nobody'],
  ['DeleteRecords on checkpoints', logStart(C, 1n), 'log-start-moved', 'none', 'nobody'],
  ['bounds hidden', logStart('audit', UNAUTHORIZED), 'bounds-unseen', 'none', 'operator'],
  ['retention', setting('audit', 'retention.ms', '1000'), 'retention-time', 'tightens', 'apply'],
  [
    'retention by size',
    setting('trail', 'retention.bytes', '1000'),
    'retention-bytes',
    'tightens',
    'apply',
  ],
  [
    'compaction',
    setting('audit', 'cleanup.policy', 'compact,delete'),
    'cleanup-policy',
    'tightens',
    'apply',
  ],
  [
    'checkpoints that expire',
    setting(C, 'cleanup.policy', 'delete'),
    'cleanup-policy',
    'tightens',
    'apply',
  ],
  [
    'CreateTime',
    setting('audit', 'message.timestamp.type', 'CreateTime'),
    'timestamp-type',
    'tightens',
    'apply',
  ],
  [
    'one in-sync replica',
    setting('audit', 'min.insync.replicas', '1'),
    'min-insync',
    'tightens',
    'apply',
  ],
  [
    'more in-sync replicas than declared',
    setting('audit', 'min.insync.replicas', '3'),
    'min-insync',
    'loosens',
    'apply',
  ],
  [
    'unclean election',
    setting(K, 'unclean.leader.election.enable', 'true'),
    'unclean-election',
    'tightens',
    'apply',
  ],
  ['record size', setting('audit', 'max.message.bytes', '4096'), 'record-size', 'adds', 'apply'],
  [
    'a declared setting',
    setting('trail', 'segment.bytes', '1048576'),
    'topic-setting',
    'adds',
    'apply',
  ],
  [
    'a setting removed that the default happens to equal',
    setting('audit', 'cleanup.policy', 'delete', 'default'),
    'setting-inherited',
    'tightens',
    'apply',
  ],
  [
    'an undeclared setting',
    setting('audit', 'max.compaction.lag.ms', '1'),
    'topic-setting',
    'none',
    'operator',
  ],
  [
    'an undeclared setting of a checkpoint topic',
    setting('audit.checkpoints', 'max.message.bytes', '100'),
    'topic-setting',
    'none',
    'operator',
  ],
  [
    'settings hidden',
    editTopic('audit', (state) => ({ ...state, settings: null })),
    'settings-unseen',
    'none',
    'operator',
  ],
  [
    'a partition added',
    editTopic('audit', (state) => {
      const [first = assert.fail()] = state.partitions;
      return { ...state, partitions: [...state.partitions, { ...first, partition: 3 }] };
    }),
    'partitions-more',
    'loosens',
    'operator',
  ],
  [
    'a partition too few',
    editTopic('audit', (state) => ({ ...state, partitions: state.partitions.slice(1) })),
    'partitions-fewer',
    'adds',
    'apply',
  ],
  ['fewer replicas', partition(C, { replicas: [1] }), 'replication-lower', 'tightens', 'operator'],
  [
    'more replicas',
    partition(C, { replicas: [1, 2, 3, 4], inSync: [1, 2, 3, 4] }),
    'replication-higher',
    'loosens',
    'operator',
  ],
  [
    'auto-create',
    brokerSetting(1, 'auto.create.topics.enable', 'true'),
    'auto-create',
    'tightens',
    'broker',
  ],
  [
    'delete.topic.enable',
    brokerSetting(2, 'delete.topic.enable', 'true'),
    'delete-topic-enabled',
    'tightens',
    'broker',
  ],
  [
    'unclean election of a broker',
    brokerSetting(3, 'unclean.leader.election.enable', 'true'),
    'broker-unclean-election',
    'tightens',
    'broker',
  ],
  [
    'unclean election of brokers, set while they run',
    brokerSetting(3, 'unclean.leader.election.enable', 'true', 'cluster'),
    'broker-unclean-election',
    'tightens',
    'operator',
  ],
  [
    'everyone where no rule is',
    brokerSetting(1, 'allow.everyone.if.no.acl.found', 'true'),
    'allow-everyone',
    'tightens',
    'broker',
  ],
  [
    'a hidden value',
    brokerSetting(1, 'allow.everyone.if.no.acl.found', null),
    'allow-everyone-unseen',
    'none',
    'broker',
  ],
  [
    'a broker whose settings are hidden',
    (observed) => ({
      ...observed,
      cluster: {
        ...observed.cluster,
        brokers: observed.cluster.brokers.map((broker) =>
          broker.id === 1 ? { ...broker, settings: null } : broker,
        ),
      },
    }),
    'broker-settings-unseen',
    'none',
    'operator',
  ],
  [
    'no authorizer',
    (observed) => ({ ...observed, rules: null }),
    'authorizer-missing',
    'none',
    'operator',
  ],
  [
    'rules hidden',
    (observed) => ({ ...observed, rules: UNAUTHORIZED }),
    'acl-unseen',
    'none',
    'operator',
  ],
  [
    'a rule removed',
    (observed) => ({ ...observed, rules: rulesOf(observed).slice(1) }),
    'acl-missing',
    'adds',
    'apply',
  ],
  ['a writer added', extra({}), 'acl-write', 'tightens', 'apply'],
  [
    'a declared writer from elsewhere',
    extra({ principal: 'User:payments', host: '10.1.1.1' }),
    'acl-write',
    'tightens',
    'apply',
  ],
  ['a reader added', extra({ name: C, operation: 'read' }), 'acl-read', 'tightens', 'apply'],
  ['describing', extra({ operation: 'describe' }), 'acl-describe', 'tightens', 'apply'],
  ['deletion allowed', extra({ operation: 'delete' }), 'acl-delete', 'tightens', 'apply'],
  ['everything allowed', extra({ operation: 'all' }), 'acl-delete', 'tightens', 'apply'],
  [
    'deletion allowed to an admin',
    extra({ principal: 'User:deploy', operation: 'delete' }),
    'acl-delete',
    'tightens',
    'apply',
  ],
  ['altering', extra({ operation: 'alter-configs', name: K }), 'acl-alter', 'tightens', 'apply'],
  [
    'everyone',
    extra({ principal: 'User:*', operation: 'read' }),
    'acl-everyone',
    'tightens',
    'apply',
  ],
  ['a wildcard', extra({ name: '*' }), 'acl-write', 'tightens', 'operator'],
  [
    'a prefix',
    extra({ pattern: 'prefixed', name: 'aud', operation: 'delete' }),
    'acl-delete',
    'tightens',
    'operator',
  ],
  [
    'the empty prefix of everyone',
    extra({ pattern: 'prefixed', name: '', principal: 'User:*' }),
    'acl-everyone',
    'tightens',
    'operator',
  ],
  [
    'the cluster',
    extra({ resource: 'cluster', name: 'kafka-cluster', operation: 'alter' }),
    'acl-cluster',
    'tightens',
    'operator',
  ],
  [
    'the group',
    extra({
      resource: 'group',
      pattern: 'prefixed',
      name: 'sealstream-sealer/audit.example.com/payments/',
      operation: 'read',
    }),
    'acl-group',
    'tightens',
    'apply',
  ],
  [
    'a sealer denied',
    extra({ principal: 'User:sealer', operation: 'read', permission: 'deny' }),
    'acl-denied',
    'none',
    'operator',
  ],
  [
    'a quota removed',
    (observed) => ({ ...observed, quotas: [] }),
    'quota-absent',
    'tightens',
    'apply',
  ],
  [
    'a quota raised',
    (observed) => ({
      ...observed,
      quotas: quotasOf(observed).map((quota) =>
        quota.user === 'orders'
          ? { ...quota, limits: new Map([['producer_byte_rate', 2 ** 30]]) }
          : quota,
      ),
    }),
    'quota-differs',
    'tightens',
    'apply',
  ],
  [
    'quotas hidden',
    (observed) => ({ ...observed, quotas: UNAUTHORIZED }),
    'quota-unseen',
    'none',
    'operator',
  ],
  [
    'another configuration',
    recorded({ hash: 'x' }),
    'configuration-unrecorded',
    'records',
    'apply',
  ],
  [
    'a hash that its record does not hold',
    recorded({ named: 'x' }),
    'configuration-unrecorded',
    'records',
    'apply',
  ],
  [
    'the configuration hidden',
    (observed) => ({ ...observed, recorded: UNAUTHORIZED }),
    'configuration-unseen',
    'none',
    'operator',
  ],
  [
    'a ledger of another name',
    recorded({ ledger: 'audit.example.com/other' }),
    'ledger-renamed',
    'loosens',
    'apply',
  ],
  [
    'a topic taken out of the file',
    recorded({ topics: ['audit', 'trail', 'old'] }),
    'topic-undeclared',
    'loosens',
    'apply',
  ],
];

/** `asDeclared`, with the named drifts as far as they go together. */
export function drifted(names: readonly string[]): Observed {
  return DRIFTS.filter(([name]) => names.includes(name)).reduce((observed, [, drift]) => {
    try {
      return drift(observed);
    } catch (error) {
      if (error instanceof assert.AssertionError) return observed;
      throw error;
    }
  }, asDeclared(DECLARED));
}
