import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { DeclaredLedger, ledgerFile } from '../support/declared-ledger.js';
import { freePorts } from '../support/kafka/ports.js';
import { clusterTest, type KafkaCluster } from '../support/kafka.js';

/** `kafka.timeout` where no answer ever comes. */
const SILENT = '4s';
/** Where the broker answers, but with nothing that ends the asking. */
const UNCLEAR = '6s';
const ANSWERED = '20s';
/** A program asks several times, and all of them start slowly on a machine that is busy. */
const LIMIT_MS = 300_000;
const FILE = { topic: 'audit', partitions: 1, replication: 1 };
const EVENT = '{"action":"test.publish","actor":{"id":"a"}}\n';

interface Command {
  readonly words: readonly string[];
  /** Where the brokers cannot be asked. */
  readonly exit: number;
  /** Where the certificates that the file names do not fit. */
  readonly mistaken: number;
  /** Its report on stdout says why, with a line for each log. */
  readonly reports?: boolean;
}

const COMMANDS: readonly Command[] = [
  { words: ['plan'], exit: 70, mistaken: 64 },
  { words: ['apply', '--yes'], exit: 70, mistaken: 64 },
  { words: ['doctor'], exit: 3, mistaken: 64 },
  { words: ['smoke'], exit: 3, mistaken: 64, reports: true },
  { words: ['verify'], exit: 3, mistaken: 3, reports: true },
  { words: ['replay'], exit: 3, mistaken: 3 },
  { words: ['publish'], exit: 70, mistaken: 64 },
  { words: ['seal', '--once'], exit: 70, mistaken: 64 },
];

interface Fault {
  readonly name: string;
  readonly says: RegExp;
  /** Of `kafka://`; and what else is changed in the file. */
  readonly bootstrap: string;
  /** Default: ANSWERED. */
  readonly timeout?: string;
  readonly edit?: (file: string) => string;
  readonly password?: string;
  /** A mistake in the file, and no outage. */
  readonly mistake?: boolean;
}

function faultsOf(cluster: KafkaCluster, closedPort: number): Fault[] {
  const scram = cluster.scramBootstrap ?? assert.fail('no SCRAM listener');
  const secure = cluster.secure ?? assert.fail('no TLS listener');
  const { authority, client } = secure.certificates;
  const tls = (lines: string): ((file: string) => string) => {
    return (file) => file.replace('kafka:\n', `kafka:\n  tls: ${lines}\n`);
  };
  const mutual = `{ ca: ${authority}, cert: ${client.certificate}, key: ${client.key} }`;
  return [
    {
      name: 'no broker',
      bootstrap: `127.0.0.1:${closedPort}`,
      timeout: SILENT,
      says: /refused|ECONNREFUSED/,
    },
    { name: 'wrong password', bootstrap: scram, password: 'not-the-password', says: /SASL|auth/i },
    {
      name: 'TLS, and the broker has none',
      bootstrap: scram,
      timeout: UNCLEAR,
      edit: tls(mutual),
      says: /TLS|SSL/i,
    },
    {
      name: 'no TLS, and the broker wants it',
      bootstrap: secure.bootstrap,
      timeout: UNCLEAR,
      says: /TLS/,
    },
    {
      name: 'an authority that did not sign',
      bootstrap: secure.bootstrap,
      edit: tls('true'),
      says: /certificate/,
      mistake: true,
    },
  ];
}

function declared(bootstrap: string, timeout = ANSWERED): string {
  const text = ledgerFile(`kafka://${bootstrap}`, FILE);
  assert.match(text, /^ {2}timeout: 20s$/m);
  return text.replace('timeout: 20s', `timeout: ${timeout}`);
}

async function assertOneLine(
  ledger: DeclaredLedger,
  { says, mistake, password = 'producer-password' }: Pick<Fault, 'says' | 'mistake' | 'password'>,
  { words, exit, mistaken, reports }: Command,
): Promise<void> {
  const environment = { KAFKA_USER: 'producer', KAFKA_PASSWORD: password };
  const began = performance.now();
  const { code, stdout, stderr } = await ledger.run(words, { environment, input: EVENT });
  const took = performance.now() - began;
  const told = `${words.join(' ')}: exit ${code} after ${took} ms\n${stdout}\n--\n${stderr}`;
  assert.equal(code, mistake === true ? mistaken : exit, told);
  const lines = stderr.split('\n').filter((line) => line !== '');
  if (reports === true && lines.length === 0) {
    const reasons = stdout.split('\n').filter((line) => line.startsWith('  unreachable'));
    assert.equal(reasons.length, words[0] === 'verify' ? 2 : 1, told);
    for (const reason of reasons) assert.match(reason, says, told);
  } else {
    assert.equal(lines.length, 1, told);
    assert.match(lines[0] ?? '', /^sealstream: /, told);
    assert.match(lines[0] ?? '', says, told);
  }
  assert.ok(!(stdout + stderr).includes(password), told);
  assert.ok(took < LIMIT_MS, told);
}

clusterTest(
  'a faulty connection: one line, the right exit code, in time',
  { scram: true, secure: { sessionMs: 60_000 } },
  async (cluster, context) => {
    const ledger = await DeclaredLedger.make(cluster, FILE);
    try {
      const [port = 0] = await freePorts(1);
      for (const fault of faultsOf(cluster, port)) {
        const text = declared(fault.bootstrap, fault.timeout);
        await writeFile(ledger.path('ledger.yaml'), fault.edit?.(text) ?? text);
        await context.test(`${fault.name}: validate does not ask`, async () => {
          await ledger.ok('producer', 'validate');
        });
        const all = COMMANDS.map((command) =>
          context.test(`${fault.name}: ${command.words.join(' ')}`, () =>
            assertOneLine(ledger, fault, command),
          ),
        );
        await Promise.all(all);
      }
      await context.test('a broker that does not answer', async () => {
        const text = declared(cluster.scramBootstrap ?? assert.fail(), SILENT);
        await writeFile(ledger.path('ledger.yaml'), text);
        cluster.node(1).freeze();
        try {
          const fault = { says: /no answer|within/ };
          await Promise.all(COMMANDS.map((command) => assertOneLine(ledger, fault, command)));
        } finally {
          cluster.node(1).thaw();
        }
      });
    } finally {
      await ledger.close();
    }
  },
);
