/**
 * What somebody with every right may do to a running ledger, one thing at a time: the code by which
 * `doctor` and `plan` tell it, and what makes it good. docs/doctor.md says of each code why it matters.
 */
import { chmod, rename } from 'node:fs/promises';
import type { Code } from '../../policy/catalogue/catalogue.js';
import type { AccessRule, Administration } from '../../stream/administration.js';
import type { DeclaredLedger } from '../support/declared-ledger.js';
import type { KafkaCluster } from '../support/kafka.js';
import { allInSync, alterBrokers, reassign, removeQuota } from '../support/super-user.js';

export interface Scene {
  readonly cluster: KafkaCluster;
  readonly ledger: DeclaredLedger;
  /** As the super user. */
  readonly administration: Administration;
}

type Deed = (scene: Scene) => Promise<void>;

export interface Drift {
  readonly what: string;
  /** The only new error or warning of `doctor`. */
  readonly code: Code;
  /** false: nothing that differs from the file, so that `plan` is empty. */
  readonly planned: boolean;
  readonly make: Deed;
  /** `apply`, by the admin that ledger.yaml declares; else by hand. */
  readonly mend: 'apply' | Deed;
}

const T = 'audit';
const CHECKPOINTS = `${T}.checkpoints`;
const CONFIGURATION = `${T}.configuration`;
const TOPICS = [T, CHECKPOINTS, CONFIGURATION, `${CONFIGURATION}.checkpoints`];

/** Found by both, mended by `apply`. */
function mended(what: string, code: Code, make: Deed): Drift {
  return { what, code, planned: true, make, mend: 'apply' };
}

/** Found by both; a person takes it back. */
function byHand(what: string, code: Code, make: Deed, mend: Deed): Drift {
  return { what, code, planned: true, make, mend };
}

/** Found by `doctor` alone: the ledger is as declared, and yet weak. */
function unhealthy(what: string, code: Code, make: Deed, mend: Deed): Drift {
  return { what, code, planned: false, make, mend };
}

function set(topic: string, setting: string, value: string | null): Deed {
  return ({ administration }) => administration.changeSettings(topic, new Map([[setting, value]]));
}

type Rule = Partial<AccessRule> & Pick<AccessRule, 'operation'>;

/** On the audit topic, for User:mallory, who is in no role, unless said otherwise. */
function rule(edit: Rule): AccessRule {
  return {
    resource: 'topic',
    pattern: 'literal',
    name: T,
    principal: 'User:mallory',
    host: '*',
    permission: 'allow',
    ...edit,
  };
}

const allow =
  (edit: Rule): Deed =>
  ({ administration }) =>
    administration.addAccessRules([rule(edit)]);
const take =
  (edit: Rule): Deed =>
  ({ administration }) =>
    administration.removeAccessRules([rule(edit)]);

/** A rule that reaches further than the ledger, or that denies: `apply` leaves it to a person. */
function foreignRule(what: string, code: Code, edit: Rule): Drift {
  return byHand(what, code, allow(edit), take(edit));
}

function quota(bytesPerSecond: number): Deed {
  const limits = new Map([['producer_byte_rate', bytesPerSecond]]);
  return ({ administration }) => administration.setQuota({ user: 'producer', limits });
}

function mode(path: readonly string[], bits: number): Deed {
  return ({ ledger }) => chmod(ledger.path(...path), bits);
}

const CLUSTER = { resource: 'cluster', name: 'kafka-cluster' } as const;
const GROUPS = {
  resource: 'group',
  pattern: 'prefixed',
  name: 'sealstream-sealer/audit.example.com/audit/',
} as const;
const UNCLEAN = 'unclean.leader.election.enable';

export const SETTINGS: readonly Drift[] = [
  mended('retention of a day', 'retention-time', set(T, 'retention.ms', '86400000')),
  mended('retention left to the brokers', 'retention-time', set(T, 'retention.ms', null)),
  mended('retention of a gigabyte', 'retention-bytes', set(T, 'retention.bytes', '1073741824')),
  mended('compaction', 'cleanup-policy', set(T, 'cleanup.policy', 'compact')),
  mended('compaction too', 'cleanup-policy', set(T, 'cleanup.policy', 'compact,delete')),
  mended(
    'publishers choose the time',
    'timestamp-type',
    set(T, 'message.timestamp.type', 'CreateTime'),
  ),
  mended('one replica acknowledges', 'min-insync', set(T, 'min.insync.replicas', '1')),
  mended('a replica that lags may lead', 'unclean-election', set(T, UNCLEAN, 'true')),
  mended('smaller records only', 'record-size', set(T, 'max.message.bytes', '1000')),
  mended('another compression', 'topic-setting', set(T, 'compression.type', 'zstd')),
  byHand(
    'a setting that no file declares',
    'record-size',
    set(`${T}.configuration`, 'max.message.bytes', '1024'),
    set(`${T}.configuration`, 'max.message.bytes', null),
  ),
  mended('a setting left to chance', 'setting-inherited', set(T, 'cleanup.policy', null)),
  mended('checkpoints expire', 'cleanup-policy', set(CHECKPOINTS, 'cleanup.policy', 'delete')),
  mended('checkpoints on one replica', 'min-insync', set(CHECKPOINTS, 'min.insync.replicas', '1')),
  mended('configurations expire', 'retention-time', set(CONFIGURATION, 'retention.ms', '3600000')),
];

export const ACCESS: readonly Drift[] = [
  mended('a stranger writes events', 'acl-write', allow({ operation: 'write' })),
  mended(
    'a publisher writes checkpoints',
    'acl-write',
    allow({ name: CHECKPOINTS, principal: 'User:producer', operation: 'write' }),
  ),
  mended(
    'a sealer writes configurations',
    'acl-write',
    allow({ name: CONFIGURATION, principal: 'User:sealer', operation: 'write' }),
  ),
  mended(
    'a publisher deletes',
    'acl-delete',
    allow({ principal: 'User:producer', operation: 'delete' }),
  ),
  mended(
    'an admin deletes',
    'acl-delete',
    allow({ principal: 'User:deploy', operation: 'delete' }),
  ),
  mended(
    'a verifier alters',
    'acl-alter',
    allow({ principal: 'User:auditor', operation: 'alter-configs' }),
  ),
  mended('a stranger reads', 'acl-read', allow({ operation: 'read' })),
  mended('everyone reads', 'acl-everyone', allow({ principal: 'User:*', operation: 'read' })),
  mended('a stranger joins the sealers', 'acl-group', allow({ ...GROUPS, operation: 'read' })),
  mended(
    'a sealer cannot read any more',
    'acl-missing',
    take({ principal: 'User:sealer', operation: 'read' }),
  ),
  foreignRule('a stranger has all rights everywhere', 'acl-delete', {
    name: '*',
    operation: 'all',
  }),
  foreignRule('a stranger alters by prefix', 'acl-alter', {
    name: 'aud',
    pattern: 'prefixed',
    operation: 'alter',
  }),
  foreignRule('a stranger sets what brokers do', 'acl-cluster', {
    ...CLUSTER,
    operation: 'alter-configs',
  }),
  foreignRule('a sealer is denied', 'acl-denied', {
    principal: 'User:sealer',
    operation: 'read',
    permission: 'deny',
  }),
  mended('no quota', 'quota-absent', (scene) => removeQuota(scene, 'producer')),
  mended('a larger quota', 'quota-differs', quota(1_073_741_824)),
];

export const BROKERS: readonly Drift[] = [
  byHand(
    'a default of the brokers',
    'broker-unclean-election',
    (scene) => alterBrokers(scene, UNCLEAN, 'true'),
    (scene) => alterBrokers(scene, UNCLEAN, null),
  ),
  byHand(
    'a replica taken away',
    'replication-lower',
    (scene) => reassign(scene, T, 0, [1, 2]),
    (scene) => reassign(scene, T, 0, [1, 2, 3]),
  ),
  unhealthy(
    'a broker that is down',
    'under-replicated',
    ({ cluster }) => cluster.node(3).stop(),
    async (scene) => {
      await scene.cluster.node(3).start();
      await allInSync(scene, TOPICS);
    },
  ),
];

export const MACHINE: readonly Drift[] = [
  unhealthy(
    'the signing key is open to others',
    'key-file-mode',
    mode(['keys', 'sealer.pem'], 0o644),
    mode(['keys', 'sealer.pem'], 0o600),
  ),
  unhealthy(
    'others may replace the keys',
    'key-folder-mode',
    mode(['keys'], 0o777),
    mode(['keys'], 0o700),
  ),
  unhealthy(
    'others may change the memory',
    'memory-mode',
    mode(['memory'], 0o777),
    mode(['memory'], 0o700),
  ),
  unhealthy(
    'the memory is gone',
    'memory-missing',
    ({ ledger }) => rename(ledger.path('memory'), ledger.path('elsewhere')),
    ({ ledger }) => rename(ledger.path('elsewhere'), ledger.path('memory')),
  ),
];
