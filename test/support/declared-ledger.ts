/** A ledger with SCRAM and ACLs, as its ledger.yaml declares it, and one user for each of its roles. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { Desk, type Session } from './cli.js';
import type { KafkaCluster } from './kafka.js';

/** `admin` is a super user of the cluster and has no role; `mallory` has none either. */
export type User =
  | 'admin'
  | 'producer'
  | 'sealer'
  | 'auditor'
  | 'analyst'
  | 'deploy'
  | 'watch'
  | 'mallory';

export interface LedgerFile {
  readonly topic: string;
  readonly partitions?: number;
  readonly replication?: number;
  /** Default: sealing every 10 minutes suffices, for verifiers that accept an hour. */
  readonly every?: string;
  readonly maxAge?: string;
  /** Lines at the end of the file. */
  readonly more?: string;
}

export function ledgerFile(url: string, file: LedgerFile): string {
  const { topic, partitions = 2, replication = 3, every = '10m', maxAge = '1h', more = '' } = file;
  return `version: 1
ledger: audit.example.com/${topic}
stream: ${url}
kafka:
  sasl: { mechanism: scram-sha-512, username: env:KAFKA_USER, password: env:KAFKA_PASSWORD }
  timeout: 20s
topics:
  - name: ${topic}
    partitions: ${partitions}
    replication: ${replication}
    maxRecordBytes: 2097152
    settings: { compression.type: producer }
configuration: { topic: ${topic}.configuration }
principals:
  publisher: [{ principal: 'User:producer', bytesPerSecond: 10485760 }]
  sealer: ['User:sealer']
  verifier: ['User:auditor']
  inspector: ['User:watch']
  replayer: ['User:analyst']
  admin: ['User:deploy']
seal: { key: keys/sealer.pem, memory: ./memory, every: ${every}, heartbeat: ${every} }
verify: { publicKey: keys/sealer.pub.pem, maxAge: ${maxAge} }
${more}`;
}

/** What `doctor --json` finds, as far as these tests look. */
export interface Finding {
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'note';
  readonly subject: string;
  readonly found: string | null;
}

/** What `plan --json` would change. */
export interface Pending {
  readonly code: string;
  readonly subject: string;
  readonly found: string | null;
  readonly wanted: string | null;
}

/** One finding of `verify --json`. */
export interface Evidence {
  readonly code: string;
  readonly message: string;
}

interface Verified {
  readonly partitions: readonly { readonly findings: readonly Evidence[] }[];
  readonly configuration: {
    readonly log: { readonly findings: readonly Evidence[] } | null;
  } | null;
}

export class DeclaredLedger extends Desk {
  readonly topic: string;
  readonly #file: LedgerFile;
  readonly #url: string;

  private constructor(desk: Desk, url: string, file: LedgerFile) {
    super(desk.folder);
    this.topic = file.topic;
    this.#file = file;
    this.#url = url;
  }

  /** With its file and its keys; nothing is on the cluster yet. */
  static async begin(cluster: KafkaCluster, file: LedgerFile): Promise<DeclaredLedger> {
    const url = `kafka://${cluster.scramBootstrap ?? assert.fail('a cluster without SCRAM')}`;
    const ledger = new DeclaredLedger(await Desk.open(), url, file);
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    await mkdir(ledger.path('keys'), { mode: 0o700 });
    const privatePem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    await writeFile(ledger.path('keys', 'sealer.pem'), privatePem, { mode: 0o600 });
    const publicPem = publicKey.export({ type: 'spki', format: 'pem' });
    await writeFile(ledger.path('keys', 'sealer.pub.pem'), publicPem);
    await ledger.declare();
    return ledger;
  }

  /** Applied by the super user, with a few events published and sealed by those who have the roles. */
  static async make(cluster: KafkaCluster, file: LedgerFile): Promise<DeclaredLedger> {
    const ledger = await DeclaredLedger.begin(cluster, file);
    await ledger.ok('admin', 'apply');
    await ledger.publish(8);
    await ledger.ok('sealer', 'seal', '--once');
    return ledger;
  }

  /** Writes ledger.yaml anew. */
  async declare(edit: Partial<LedgerFile> = {}): Promise<void> {
    await writeFile(this.path('ledger.yaml'), ledgerFile(this.#url, { ...this.#file, ...edit }));
  }

  as(user: User, ...words: string[]): Promise<Session> {
    return this.run(words, { environment: credentials(user) });
  }

  /** Its stdout; throws where it does not end with 0. */
  async ok(user: User, ...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.as(user, ...words);
    assert.equal(code, 0, `${user}: ${words.join(' ')} ended with ${code}: ${stdout}${stderr}`);
    return stdout;
  }

  async publish(count: number): Promise<void> {
    const line = (each: number): string =>
      JSON.stringify({ action: 'test.publish', actor: { id: `actor-${each}` } });
    const input = Array.from({ length: count }, (_, each) => `${line(each)}\n`).join('');
    const environment = credentials('producer');
    const { code, stderr } = await this.run(['publish'], { input, environment });
    assert.equal(code, 0, stderr);
  }

  /** Its exit code, and its errors and warnings. */
  async doctor(): Promise<{ code: number; findings: Finding[]; session: Session }> {
    const session = await this.as('watch', 'doctor', '--json');
    const { findings } = documentOf<{ findings: Finding[] }>(session);
    const faults = findings.filter(({ severity }) => severity !== 'note');
    return { code: session.code, findings: faults, session };
  }

  async plan(): Promise<{
    code: number;
    changes: readonly Pending[];
    brokers: readonly Pending[];
  }> {
    const session = await this.as('deploy', 'plan', '--json');
    const { changes, brokers } = documentOf<{
      changes: readonly Pending[];
      brokers: readonly Pending[];
    }>(session);
    return { code: session.code, changes, brokers };
  }

  /** Its exit code, and what it found in the audit topic and in the configuration topic. */
  async verify(): Promise<{ code: number; findings: readonly Evidence[] }> {
    const session = await this.as('auditor', 'verify', '--json');
    const { partitions, configuration } = documentOf<Verified>(session);
    const own = configuration?.log?.findings ?? [];
    return { code: session.code, findings: [...partitions.flatMap((one) => one.findings), ...own] };
  }
}

export function credentials(user: User): { KAFKA_USER: string; KAFKA_PASSWORD: string } {
  return { KAFKA_USER: user, KAFKA_PASSWORD: `${user}-password` };
}

function documentOf<T>({ code, stdout, stderr }: Session): T {
  if (stdout === '') throw new Error(`no document, exit ${code}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

/** Each once, in order. */
export function codesOf(found: readonly { readonly code: string }[]): string[] {
  return [...new Set(found.map(({ code }) => code))].sort();
}
