/** What may be wrong though the cluster is as declared: one fault, and the one code that tells it. */
import { SealstreamError } from '../../../../ledger/error.js';
import type { Code } from '../../../../policy/catalogue/catalogue.js';
import type { AccessRule } from '../../../../stream/administration.js';
import { brokerSetting, extra, partition, quotasOf, rule, setting } from '../plan/edits.js';
import { TODAY } from '../plan/plan-support.js';
import {
  declared,
  type Fault,
  healthy,
  inFile,
  inLog,
  inObserved,
  inRecord,
  NOW,
  onHost,
} from './doctor-support.js';

const AGO = (milliseconds: number): bigint => BigInt(NOW - milliseconds);
const MINUTE = 60_000;
const MEMORY = { path: '/ledger/memory', field: ['seal', 'memory'] };
const KEY = { path: '/ledger/keys/sealer.pem', field: ['seal', 'key'] };
const stat = (mode: number, user = 1000, group = user) => ({ mode, user, group });

const refused = (reason: string): Fault => inLog({ refusal: { reason, message: 'it says so' } });

const withoutPrincipals =
  (rules: readonly AccessRule[]): Fault =>
  () => {
    const examined = healthy(declared((text) => text.replace(/^principals:\n(?: {2}.*\n)+/m, '')));
    return inObserved((observed) => ({ ...observed, rules }))(examined);
  };

export const FAULTS: readonly [name: string, fault: Fault, code: Code][] = [
  ['no leader', inObserved(partition('audit', { leader: null })), 'partition-offline'],
  ['a follower behind', inObserved(partition('audit', { inSync: [1, 2] })), 'under-replicated'],
  [
    'too few in sync for a write',
    inObserved(partition('audit', { inSync: [1] })),
    'min-insync-unreachable',
  ],
  ['no principals', withoutPrincipals([]), 'acl-unmanaged'],
  [
    'no configuration topic',
    inFile((text) => text.replace(/^configuration:.*\n/m, '')),
    'configuration-untracked',
  ],
  [
    'anonymous super users',
    inObserved(brokerSetting(1, 'super.users', 'User:deploy;User:ANONYMOUS')),
    'super-user-anonymous',
  ],
  [
    'a super user of nobody',
    inObserved(brokerSetting(2, 'super.users', 'User:root; User:deploy')),
    'super-user-undeclared',
  ],
  ['hidden super users', inObserved(brokerSetting(3, 'super.users', null)), 'super-users-unseen'],
  [
    'no TLS to elsewhere',
    inFile((text) =>
      text.replace('tls: true', 'tls: false').replace('127.0.0.1:9092', 'kafka-1.example.com:9092'),
    ),
    'tls-off',
  ],
  [
    'no TLS to this machine',
    inFile((text) => text.replace('tls: true', 'tls: false')),
    'tls-off-local',
  ],
  ['an open key', onHost({ secrets: [{ ...KEY, stat: stat(0o640) }] }), 'key-file-mode'],
  ["another's key", onHost({ secrets: [{ ...KEY, stat: stat(0o600, 1001) }] }), 'key-file-owner'],
  ['an open folder', onHost({ keyFolders: [{ ...KEY, stat: stat(0o777) }] }), 'key-folder-mode'],
  [
    'a folder open to a group of others',
    onHost({ keyFolders: [{ ...KEY, stat: stat(0o775, 1000, 100) }] }),
    'key-folder-mode',
  ],
  [
    'no key',
    onHost({ signing: { ...KEY, publicKey: null, error: 'cannot be read' } }),
    'key-unusable',
  ],
  ['another key', onHost({ signing: { ...KEY, publicKey: 'q', error: null } }), 'key-mismatch'],
  ['no memory', onHost({ memory: { ...MEMORY, stat: null } }), 'memory-missing'],
  ['an open memory', onHost({ memory: { ...MEMORY, stat: stat(0o757) } }), 'memory-mode'],
  [
    'nothing signed of old records',
    inLog({ head: null, oldestUnsealed: AGO(16 * MINUTE) }),
    'not-sealed',
  ],
  ['nothing signed of new ones', inLog({ head: null }), 'not-sealed-yet'],
  [
    'nothing signed of nothing',
    inLog({ head: null, oldestUnsealed: null, unsealed: 0n }),
    'not-sealed-yet',
  ],
  [
    'a stranger among checkpoints',
    inLog({ foreign: { count: 2, offset: 7n } }),
    'checkpoint-foreign',
  ],
  ['a truncated log', refused('log-truncated'), 'log-refused'],
  ['a log that is not known', refused('memory-missing'), 'log-unknown'],
  ['a refusal of another topic', refused('topic-recreated'), 'topic-recreated'],
  ['a refusal of lost records', refused('log-start-moved'), 'log-start-moved'],
  ['a refusal without checkpoints', refused('checkpoint-topic-missing'), 'topic-missing'],
  ['a refusal without a partition', refused('partition-missing'), 'partitions-fewer'],
  [
    'a topic made again, by its checkpoints alone',
    inLog({ memory: null, head: null, other: { topicId: 'old', time: NOW - MINUTE } }),
    'topic-recreated',
  ],
  ['a sealer behind', inLog({ oldestUnsealed: AGO(2 * MINUTE) }), 'sealer-lag'],
  [
    'no sealer',
    inLog({ head: { time: NOW - 16 * MINUTE, configuration: null } }),
    'checkpoint-stale',
  ],
  [
    'a heartbeat too slow',
    inFile((text) => text.replace('/ledger/memory }', '/ledger/memory, heartbeat: 1h }')),
    'checkpoint-slow',
  ],
  ['a broker ahead', inRecord({ timestamp: AGO(-6_000) }), 'clock-skew'],
  ['a sealer ahead', inLog({ head: { time: NOW + 6_000, configuration: null } }), 'clock-skew'],
  [
    'a codec of tomorrow',
    // A default of the brokers, which the plan leaves alone.
    inObserved(setting('audit', 'compression.type', 'brotli', 'cluster')),
    'compression-unknown',
  ],
  [
    'a damaged batch',
    inRecord({ topic: 'audit', partition: 0, error: new SealstreamError('batch-corrupt', 'CRC') }),
    'record-unreadable',
  ],
  ['an unknown schema', inRecord({ kind: 'unknown-schema' }), 'schema-unknown'],
  ['another record', inRecord({ kind: 'foreign' }), 'event-foreign'],
  ['a broken schema', onHost({ schemaProblems: ['version 2 cannot'] }), 'schema-incompatible'],
  [
    'a waiver of nothing',
    inFile(
      (text) =>
        `${text}waivers: [{ code: tls-off, until: ${TODAY}, reason: decided in the review }]\n`,
    ),
    'waiver-unused',
  ],
  [
    'a waiver of yesterday',
    inFile(
      (text) =>
        `${text}waivers: [{ code: tls-off, until: 2026-06-14, reason: decided in the review }]\n`,
    ),
    'waiver-expired',
  ],
  [
    'anybody in every group',
    inObserved(extra({ resource: 'group', name: '*', operation: 'read' })),
    'acl-group',
  ],
  [
    'everyone in groups by a prefix',
    inObserved(
      extra({
        resource: 'group',
        pattern: 'prefixed',
        name: 'sealstream-',
        operation: 'all',
        principal: 'User:*',
      }),
    ),
    'acl-everyone',
  ],
  [
    'a publisher without any quota',
    inObserved((observed) => ({
      ...observed,
      quotas: quotasOf(observed).filter(({ user }) => user !== null),
    })),
    'quota-absent',
  ],
];

/** Its parts cannot be told from each other: a password in clear is also a connection without TLS. */
export const TWOFOLD: readonly [name: string, fault: Fault, codes: readonly Code[]][] = [
  [
    'a password in clear',
    inFile((text) =>
      text
        .replace('127.0.0.1:9092', 'kafka-1.example.com:9092')
        .replace('tls: true', 'sasl: { mechanism: plain, username: "env:U", password: "env:P" }'),
    ),
    ['password-in-clear', 'tls-off'],
  ],
  [
    'a right to delete where no principals are declared',
    withoutPrincipals([rule({ operation: 'delete' })]),
    ['acl-delete', 'acl-unmanaged'],
  ],
  [
    'a configuration topic taken out of the file while checkpoints name what it holds',
    () => {
      const file = declared((text) => text.replace(/^configuration:.*\n/m, ''));
      const head = { time: NOW - 5_000, configuration: `${'A'.repeat(43)}=` };
      return inLog({ head })(healthy(file));
    },
    ['configuration-abandoned', 'configuration-untracked'],
  ],
];
