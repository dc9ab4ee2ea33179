import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { generateKeyPair, signingKeyFromPem } from '../../ledger/keys.js';
import { openStream } from '../../stream/open.js';
import type { Stream } from '../../stream/stream.js';
import { Desk } from '../support/cli.js';
import { clusterTest, type KafkaCluster } from '../support/kafka.js';
import { deleteRecords, deleteTopic } from '../support/kafka-reading.js';
import { MadeLedger, newKey } from '../support/made-ledger.js';
import { tamper } from '../support/tamper.js';

const LEDGER = 'audit.example.com/made';
const KEY = generateKeyPair();
/** Of `--timeout`: for brokers that answer, and for those that do not. */
const PATIENT = '60s';
const HASTY = '5s';

interface Subject {
  readonly made: MadeLedger;
  readonly stream: Stream;
  readonly bootstrap: string;
}

interface Expectation {
  readonly exit: number;
  /** Of partition 0, with their range. */
  readonly findings: readonly string[];
}

interface Case {
  readonly title: string;
  readonly live?: (subject: Subject) => Promise<void>;
  readonly offline?: (root: string, made: MadeLedger) => void;
  readonly expected: Expectation;
  /** Where a verifier that accepted the ledger before sees more. */
  readonly remembered?: Expectation;
}

const CASES: readonly Case[] = [
  {
    title: 'nothing',
    expected: { exit: 0, findings: [] },
    remembered: { exit: 0, findings: [] },
  },
  {
    title: 'one byte changed',
    offline: (root, { topic }) => tamper(root, topic, 0, (log) => log.changeByte(13n)),
    expected: { exit: 1, findings: ['record-altered 10 19'] },
  },
  {
    title: 'the tail cut off',
    offline: (root, { topic }) => tamper(root, topic, 0, (log) => log.truncate(15n)),
    expected: { exit: 1, findings: ['log-truncated 15 20'] },
  },
  {
    title: 'a batch damaged',
    offline: (root, { topic }) => tamper(root, topic, 0, (log) => log.corrupt(3n)),
    expected: { exit: 1, findings: ['batch-corrupt 0 10'] },
  },
  {
    title: 'records deleted',
    live: ({ bootstrap, made }) => deleteRecords(bootstrap, made.topic, 0, 4n),
    expected: { exit: 1, findings: ['log-start-moved 0 4'] },
  },
  {
    title: 'signed with another key',
    live: async ({ made }) => made.publish(await made.sign(0, {}, newKey())),
    expected: { exit: 1, findings: ['checkpoint-unsigned null null'] },
  },
  {
    title: 'two checkpoints of one size',
    live: async ({ made }) => made.publish(await made.signOtherHistory(0, 20)),
    expected: { exit: 1, findings: ['checkpoint-conflict null null'] },
  },
  {
    title: 'the topic deleted and made anew',
    live: async ({ bootstrap, stream, made }) => {
      await deleteTopic(bootstrap, stream, made.topic);
      await made.createTopic();
    },
    expected: { exit: 1, findings: ['topic-recreated null null', 'no-checkpoint null null'] },
  },
  {
    title: 'both topics deleted',
    live: async ({ bootstrap, stream, made }) => {
      await deleteTopic(bootstrap, stream, made.topic);
      await deleteTopic(bootstrap, stream, made.checkpointTopic);
    },
    expected: { exit: 2, findings: ['topic-missing null null', 'topic-missing null null'] },
    remembered: {
      exit: 1,
      findings: ['topic-missing null null', 'topic-missing null null', 'rolled-back 0 20'],
    },
  },
  {
    title: 'the checkpoint topic emptied',
    offline: (root, { checkpointTopic }) =>
      tamper(root, checkpointTopic, 0, (log) => log.deleteBefore(2n)),
    expected: { exit: 2, findings: ['no-checkpoint null null'] },
    remembered: { exit: 1, findings: ['no-checkpoint null null', 'rolled-back 0 20'] },
  },
  {
    title: 'the newest checkpoint withheld',
    offline: (root, { checkpointTopic }) =>
      tamper(root, checkpointTopic, 0, (log) => log.truncate(1n)),
    expected: { exit: 0, findings: [] },
    remembered: { exit: 1, findings: ['rolled-back 10 20'] },
  },
];

interface ReportDocument {
  readonly partitions: readonly {
    readonly findings: readonly {
      readonly code: string;
      readonly from: string | null;
      readonly to: string | null;
    }[];
  }[];
}

function verifyWords(bootstrap: string, topic: string): string[] {
  const subject = ['--ledger', LEDGER, '--topic', topic, '--public-key', 'key.pub.pem'];
  return ['verify', '--stream', `kafka://${bootstrap}`, ...subject, '--timeout', PATIENT, '--json'];
}

function hasty(words: readonly string[]): string[] {
  assert.ok(words.includes(PATIENT));
  return words.map((word) => (word === PATIENT ? HASTY : word));
}

async function outcome(desk: Desk, words: readonly string[]): Promise<Expectation> {
  const { code, stdout, stderr } = await desk.run(words);
  assert.ok(stdout.startsWith('{'), `${words.join(' ')}: exit ${code}: ${stdout}${stderr}`);
  const { partitions } = JSON.parse(stdout) as ReportDocument;
  const findings = partitions[0]?.findings ?? [];
  return { exit: code, findings: findings.map(({ code, from, to }) => `${code} ${from} ${to}`) };
}

interface Prepared extends Case {
  readonly made: MadeLedger;
  readonly words: readonly string[];
  /** The same with a memory, which accepted the ledger where that is of interest. */
  readonly memory: readonly string[];
}

function prepare(desk: Desk, stream: Stream, bootstrap: string): Promise<Prepared[]> {
  const key = signingKeyFromPem(KEY.privatePem);
  return Promise.all(
    CASES.map(async (each, index) => {
      const topic = `case-${index}`;
      const made = await MadeLedger.create(stream, { topic, partitions: 1, key });
      for (let size = 10; size <= 20; size += 10) await made.appendAndSeal(0, 10);
      const words = verifyWords(bootstrap, topic);
      const memory = [...words, '--memory', `memory-${index}`];
      if (each.remembered !== undefined) assert.equal((await outcome(desk, memory)).exit, 0);
      return { ...each, made, words, memory };
    }),
  );
}

async function tamperAll(cluster: KafkaCluster, stream: Stream, all: Prepared[]): Promise<void> {
  const { bootstrap } = cluster;
  const node = cluster.node(1);
  for (const { made, live } of all) await live?.({ made, stream, bootstrap });
  await stream.close();
  await node.stop();
  for (const { made, offline } of all) offline?.(node.logDir, made);
  await node.start();
}

clusterTest('what verify exits with, over a real Kafka', {}, async (cluster, context) => {
  const node = cluster.node(1);
  const desk = await Desk.open();
  await writeFile(desk.path('key.pub.pem'), KEY.publicPem);
  await writeFile(desk.path('other.pub.pem'), generateKeyPair().publicPem);
  await writeFile(desk.path('junk.pub.pem'), 'no key');
  const stream = await openStream(`kafka://${cluster.bootstrap}`);
  const all = await prepare(desk, stream, cluster.bootstrap);
  await tamperAll(cluster, stream, all);

  // Together: verify takes its time before it says that something has gone back.
  const outcomes = await Promise.all(
    all.map(async ({ words, memory, remembered }) => {
      const shown = await outcome(desk, words);
      return { shown, held: remembered === undefined ? undefined : await outcome(desk, memory) };
    }),
  );
  for (const [index, { title, expected, remembered }] of all.entries()) {
    await context.test(title, () => {
      assert.deepEqual(outcomes[index], { shown: expected, held: remembered });
    });
  }
  const [intact] = all;
  assert.ok(intact);
  for (const file of ['other.pub.pem', 'junk.pub.pem', 'absent.pub.pem']) {
    await context.test(`the key in ${file}`, async () => {
      const words = intact.words.map((word) => (word === 'key.pub.pem' ? file : word));
      const expected = { exit: 3, findings: ['wrong-key null null'] };
      assert.deepEqual(await outcome(desk, words), expected);
    });
  }
  const unreachable = { exit: 3, findings: ['unreachable null null'] };
  await context.test('a broker that does not answer', async () => {
    node.freeze();
    try {
      assert.deepEqual(await outcome(desk, hasty(intact.memory)), unreachable);
    } finally {
      node.thaw();
    }
    assert.deepEqual(await outcome(desk, intact.memory), intact.expected);
  });
  await context.test('a broker that is stopped', async () => {
    await node.stop();
    assert.deepEqual(await outcome(desk, hasty(intact.words)), unreachable);
    assert.deepEqual(await outcome(desk, hasty(intact.memory)), unreachable);
  });
  await desk.close();
});
