import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { type PublicKey, publicKeyFromPem } from '../../ledger/keys.js';
import { openStream } from '../../stream/open.js';
import type { Stream } from '../../stream/stream.js';
import { Desk } from './cli.js';
import { kafkaTest } from './kafka.js';

export const LEDGER = 'audit.example.com/end-to-end';

export interface LedgerDeskOptions {
  /** host:port[,…]; null: the embedded stream in the desk's folder. */
  readonly bootstrap: string | null;
  /** Default: one topic of a name that nobody else uses. */
  readonly topics?: readonly string[];
  readonly partitions?: number;
  /** On Kafka; default 1. */
  readonly replication?: number;
  /** Added to `seal:` of ledger.yaml. */
  readonly seal?: Readonly<Record<string, string | number>>;
}

/** What `verify --json` prints, as far as these tests look. */
export interface ReportDocument {
  readonly verdict: string;
  readonly records: string;
  readonly partitions: readonly {
    readonly partition: number;
    readonly verdict: string;
    readonly sealed: { readonly size: string; readonly next: string } | null;
    readonly unsealed: { readonly records: string };
    readonly findings: readonly {
      readonly code: string;
      readonly message: string;
      readonly from: string | null;
      readonly to: string | null;
    }[];
  }[];
}

/** One line of `replay`. */
export interface ReplayedLine {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly timestamp: string;
  readonly event?: Readonly<Record<string, unknown>> & { readonly event_id: string };
  readonly key?: string | null;
  readonly value?: string | null;
  readonly headers?: readonly (readonly [string, string | null])[];
}

/** A ledger made and driven by the built program: a folder with ledger.yaml, keys and a memory. */
export class LedgerDesk extends Desk {
  readonly url: string;
  readonly topics: readonly string[];

  private constructor(desk: Desk, url: string, topics: readonly string[]) {
    super(desk.folder);
    this.url = url;
    this.topics = topics;
  }

  /** After init and apply. */
  static async make(options: LedgerDeskOptions): Promise<LedgerDesk> {
    const desk = await Desk.open();
    const embedded = options.bootstrap === null;
    const url = embedded ? `file:${desk.path('data')}` : `kafka://${options.bootstrap}`;
    const topics = options.topics ?? [uniqueTopic()];
    const made = new LedgerDesk(desk, url, topics);
    await made.init(options);
    await made.json(['apply']);
    return made;
  }

  /** Makes one for `body`, and removes it however that ends. */
  static async use(
    options: LedgerDeskOptions,
    body: (desk: LedgerDesk) => Promise<void>,
  ): Promise<void> {
    const desk = await LedgerDesk.make(options);
    try {
      await body(desk);
    } finally {
      await desk.close();
    }
  }

  async init(options: LedgerDeskOptions): Promise<void> {
    const { partitions = 2, seal = {} } = options;
    const copies = options.replication ?? 1;
    const onKafka = ['--stream', this.url, '--replication', String(copies)];
    const place = options.bootstrap === null ? [] : onKafka;
    await this.json(['init', '--ledger', LEDGER, ...place]);
    const path = this.path('ledger.yaml');
    const document = parse(await readFile(path, 'utf8')) as Record<string, object>;
    const replication = options.bootstrap === null ? {} : { replication: copies };
    const topics = this.topics.map((name) => ({ name, partitions, ...replication }));
    const configuration = { topic: `${this.topic}.configuration` };
    const changed = {
      ...document,
      topics,
      configuration,
      seal: { ...document['seal'], ...seal },
    };
    await writeFile(path, stringify(changed));
  }

  /** The one topic. */
  get topic(): string {
    return this.topics[0] ?? '';
  }

  openStream(): Promise<Stream> {
    return openStream(this.url);
  }

  async publicKey(): Promise<PublicKey> {
    return publicKeyFromPem(await readFile(this.path('keys', 'sealer.pub.pem'), 'utf8'));
  }

  /** Whatever it says. */
  async verify(...words: string[]): Promise<{ code: number; report: ReportDocument }> {
    const { code, stdout, stderr } = await this.run(['verify', '--json', ...words]);
    if (stdout === '') throw new Error(`verify ended with ${code}: ${stderr}`);
    return { code, report: JSON.parse(stdout) as ReportDocument };
  }

  /** Everything that replay delivers; throws where it does not end well. */
  async replay(...words: string[]): Promise<ReplayedLine[]> {
    const { code, stdout, stderr } = await this.run(['replay', ...words]);
    if (code !== 0) throw new Error(`replay ended with ${code}: ${stderr}`);
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as ReplayedLine);
  }

  /** The signed notes of the topic, verbatim; empty where there is none. */
  async notes(): Promise<string> {
    const { code, stdout, stderr } = await this.run(['checkpoints']);
    if (code === 0 || stderr.includes('no checkpoint found')) return stdout;
    throw new Error(`checkpoints ended with ${code}: ${stderr}`);
  }
}

export function uniqueTopic(prefix = 'audit'): string {
  return `${prefix}-${randomBytes(6).toString('hex')}`;
}

/** One test on the embedded stream (bootstrap null), and the same on a real Kafka. */
export function onBothStreams(
  name: string,
  body: (bootstrap: string | null, context: TestContext) => Promise<void>,
): void {
  void test(`${name}, on the embedded stream`, (context) => body(null, context));
  kafkaTest(`${name}, on Kafka`, body);
}

/** Waits until `condition` holds; `what` says what did not in time. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patienceMs = 120_000,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${patienceMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
