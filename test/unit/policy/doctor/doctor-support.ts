import type { Code } from '../../../../policy/catalogue/catalogue.js';
import { diagnose } from '../../../../policy/doctor/diagnose.js';
import type {
  ClusterView,
  Examined,
  FileState,
  HostState,
  LogHealth,
  NewestRecord,
} from '../../../../policy/doctor/examined.js';
import type { Diagnosis } from '../../../../policy/doctor/finding.js';
import { type Declared, parseDeclared } from '../../../../policy/file/parse.js';
import type { Observed } from '../../../../policy/plan/observed.js';
import { quotasOf } from '../plan/edits.js';
import { asDeclared, declaration, TODAY } from '../plan/plan-support.js';

export const NOW = Date.parse(`${TODAY}T12:00:00Z`);
const US = 1000;
const AUDIT_LOGS = [
  ['audit', 0],
  ['audit', 1],
  ['audit', 2],
  ['trail', 0],
  ['trail', 1],
  ['audit.configuration', 0],
] as const;

/** The plan's file, with all that a check may want: TLS, a sealer, a verifier. */
export function declared(edit: (text: string) => string = (text) => text): Declared {
  const more = `kafka: { tls: true }
seal: { key: /ledger/keys/sealer.pem, memory: /ledger/memory }
verify: { publicKey: /ledger/keys/sealer.pub.pem }
`;
  return declaration((text) => edit(text + more));
}

function file(path: string, field: readonly string[], mode: number): FileState {
  return { path, field, stat: { mode, user: US, group: US } };
}

const HOST: HostState = {
  user: US,
  secrets: [file('/ledger/keys/sealer.pem', ['seal', 'key'], 0o600)],
  keyFolders: [file('/ledger/keys', ['seal', 'key'], 0o755)],
  memory: file('/ledger/memory', ['seal', 'memory'], 0o700),
  signing: { path: '/ledger/keys/sealer.pem', field: ['seal', 'key'], publicKey: 'k', error: null },
  verifying: {
    path: '/ledger/keys/sealer.pub.pem',
    field: ['verify', 'publicKey'],
    publicKey: 'k',
    error: null,
  },
  schemaProblems: [],
};

export const LOG: LogHealth = {
  topic: 'audit',
  partition: 0,
  head: { time: NOW - 5_000, configuration: null },
  first: 0n,
  other: null,
  foreign: null,
  memory: { origin: 'o', first: 0n },
  refusal: null,
  unsealed: 1n,
  oldestUnsealed: BigInt(NOW) - 1_000n,
};

export const RECORD: NewestRecord = {
  topic: 'audit',
  partition: 0,
  offset: 6n,
  timestamp: BigInt(NOW) - 1_000n,
  timestampType: 1,
  kind: 'event',
};

/** Everyone has a quota, so that the plan's file has no publisher without one. */
function observedOf(declaredFile: Declared): Observed {
  const observed = asDeclared(declaredFile);
  const everyone = { user: null, limits: new Map([['producer_byte_rate', 1e7]]) };
  return { ...observed, quotas: [...quotasOf(observed), everyone] };
}

export interface Healthy extends Examined {
  readonly declared: Declared;
  readonly cluster: ClusterView;
}

/** Nothing is wrong with it. */
export function healthy(declaredFile: Declared = declared()): Healthy {
  return {
    declared: declaredFile,
    today: TODAY,
    now: NOW,
    host: HOST,
    cluster: {
      observed: observedOf(declaredFile),
      logs: AUDIT_LOGS.map(([topic, partition]) => ({ ...LOG, topic, partition })),
      newest: AUDIT_LOGS.map(([topic, partition]) => ({ ...RECORD, topic, partition })),
    },
  };
}

export function diagnosed(examined: Examined & { readonly declared: Declared }): Diagnosis {
  return diagnose(examined, examined.declared.places);
}

export function codesOf({ findings }: Diagnosis): Code[] {
  return [...new Set(findings.map(({ code }) => code))];
}

export type Fault = (examined: Healthy) => Examined & { readonly declared: Declared };

export const inFile =
  (edit: (text: string) => string): Fault =>
  () =>
    healthy(declared(edit));

export const onHost =
  (change: Partial<HostState>): Fault =>
  (examined) => ({ ...examined, host: { ...examined.host, ...change } });

export const inObserved =
  (drift: (observed: Observed) => Observed): Fault =>
  (examined) => {
    const { cluster } = examined;
    return { ...examined, cluster: { ...cluster, observed: drift(cluster.observed) } };
  };

export const inLog =
  (change: Partial<LogHealth>): Fault =>
  (examined) => {
    const { cluster } = examined;
    const [, ...others] = cluster.logs;
    return { ...examined, cluster: { ...cluster, logs: [{ ...LOG, ...change }, ...others] } };
  };

export const inRecord =
  (change: ClusterView['newest'][number] | Partial<NewestRecord>): Fault =>
  (examined) => {
    const { cluster } = examined;
    const [, ...others] = cluster.newest;
    const first = 'error' in change ? change : { ...RECORD, ...change };
    return { ...examined, cluster: { ...cluster, newest: [first, ...others] } };
  };

export const EMBEDDED = parseDeclared(
  `version: 1
ledger: audit.example.com/payments
stream: file:/ledger/data
topics: [{ name: audit, partitions: 3 }]
configuration: { topic: audit.configuration }
`,
  'ledger.yaml',
);
