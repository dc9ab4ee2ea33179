import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { Desk } from '../support/cli.js';
import { freePorts } from '../support/kafka/ports.js';
import { kafkaTest } from '../support/kafka.js';
import {
  LEDGER,
  LedgerDesk,
  onBothStreams,
  type ReportDocument,
  uniqueTopic,
  until,
} from '../support/ledger-desk.js';
import { ask, perPartition } from '../support/seal-metrics.js';

const COMMITS = 4;
const NEVER = { every: '1d', records: 1_000_000, heartbeat: '1d' };
const PUBLIC_KEY = ['--public-key', 'keys/sealer.pub.pem'];

/** A repository with COMMITS commits in DIR/history. */
async function makeHistory(desk: Desk): Promise<void> {
  const folder = desk.path('history');
  await mkdir(folder);
  const person = { GIT_AUTHOR_NAME: 'Ada', GIT_AUTHOR_EMAIL: 'ada@example.com' };
  const committer = { GIT_COMMITTER_NAME: 'Ada', GIT_COMMITTER_EMAIL: 'ada@example.com' };
  const environment = { PATH: process.env['PATH'], HOME: folder, GIT_CONFIG_NOSYSTEM: '1' };
  const env = { ...environment, ...person, ...committer };
  const git = (...words: string[]) => execFileSync('git', ['-C', folder, ...words], { env });
  git('init', '-q', '-b', 'main');
  for (let commit = 0; commit < COMMITS; commit += 1) {
    await writeFile(desk.path('history', 'file.txt'), `line ${commit}\n`);
    git('add', 'file.txt');
    git('commit', '-q', '-m', `commit ${commit}`);
  }
}

kafkaTest("the README's session on a Kafka", async (bootstrap) => {
  const desk = await Desk.open();
  try {
    await session(desk, `kafka://${bootstrap}`, uniqueTopic('session'));
  } finally {
    await desk.close();
  }
});

async function session(desk: Desk, url: string, topic: string): Promise<void> {
  const ok = async (...words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await desk.run(words);
    assert.equal(code, 0, `${words.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  };
  await makeHistory(desk);
  await ok('init', '--ledger', LEDGER, '--stream', url, '--replication', '1', '--topic', topic);
  assert.match(await ok('apply'), new RegExp(`${topic}: created, 3 partitions`));
  const published = await ok('publish', '--format', 'git', 'history');
  assert.match(published, new RegExp(`${COMMITS} events published to ${topic}`));
  assert.equal((await desk.run(['verify'])).code, 2);
  await ok('seal', '--once');
  const report = JSON.parse(await ok('verify', '--json', '--memory', 'verified')) as ReportDocument;
  assert.equal(report.verdict, 'intact');
  assert.equal(report.records, String(COMMITS));
  const auditor = ['--stream', url, '--ledger', LEDGER, '--topic', topic, ...PUBLIC_KEY];
  const audited = JSON.parse(await ok('verify', '--json', ...auditor)) as ReportDocument;
  assert.deepEqual([audited.verdict, audited.records], ['intact', String(COMMITS)]);

  const lines = (await ok('replay')).trimEnd().split('\n');
  const events = lines.map((line) => JSON.parse(line) as ReplayedCommit);
  assert.deepEqual(
    events.map(({ event }) => event.attributes.message.trim()).sort(),
    Array.from({ length: COMMITS }, (_, commit) => `commit ${commit}`),
  );
  assert.ok(events.every(({ event }) => event.actor.id === 'ada@example.com'));
  await proveAndCheck(desk, topic, events[0] ?? assert.fail());

  const status = await ok('status');
  assert.equal(status.match(new RegExp(`${topic} `, 'g'))?.length, 3);
  const notes = await ok('checkpoints', '--latest');
  assert.equal(notes.match(/^sealstream\/v1$/gm)?.length, 3);
  const note = await ok('checkpoints', '--latest', '--partition', '1');
  assert.ok(notes.includes(note));
}

interface ReplayedCommit {
  readonly partition: number;
  readonly offset: string;
  readonly event: {
    readonly actor: { readonly id: string };
    readonly attributes: { readonly message: string };
  };
}

async function proveAndCheck(desk: Desk, topic: string, commit: ReplayedCommit): Promise<void> {
  const { partition, offset } = commit;
  const proved = await desk.run(['prove', '--partition', String(partition), '--offset', offset]);
  assert.equal(proved.code, 0, proved.stderr);
  const name = `${topic}-${partition}-${offset}`;
  const words = ['check', `${name}.tlog-proof`, '--record', `${name}.record`, ...PUBLIC_KEY];
  assert.equal((await desk.run(words)).code, 0);
  const record = await readFile(desk.path(`${name}.record`));
  record[record.length - 1] = (record.at(-1) ?? 0) ^ 1;
  await writeFile(desk.path(`${name}.record`), record);
  assert.equal((await desk.run(words)).code, 1);
}

onBothStreams(
  'a running sealer answers /metrics and /healthz; SIGTERM signs the rest',
  (bootstrap) =>
    LedgerDesk.use({ bootstrap, seal: NEVER }, async (desk) => {
      const [port = 0] = await freePorts(1);
      const running = desk.start(['seal', '--metrics', String(port)]);
      const input = '{"action":"test.publish","actor":{"id":"a"}}\n'.repeat(5);
      assert.equal((await desk.run(['publish'], { input })).code, 0);
      await until('it lags by what was published', async () => {
        const lag = await perPartition(port, 'sealstream_lag_records', desk.topic);
        return lag.size === 2 && (lag.get(0) ?? 0) + (lag.get(1) ?? 0) === 5;
      });
      assert.deepEqual(await ask(port, '/healthz'), { status: 200, text: 'ok\n' });
      assert.equal((await ask(port, '/nothing'))?.status, 404);
      const { text = '' } = (await ask(port, '/metrics')) ?? {};
      for (const name of ['sealed_bytes_total', 'lag_seconds', 'checkpoints_total', 'outage']) {
        assert.match(text, new RegExp(`^sealstream_${name}\\{.*partition="1".*\\} \\d`, 'm'));
      }
      assert.match(text, /^sealstream_refused_logs\{reason="record-altered"\} 0$/m);
      running.kill('SIGTERM');
      const { code, stderr } = await running.session;
      assert.equal(code, 0, stderr);
      assert.equal(await ask(port, '/healthz'), null);
      const { code: verified, report } = await desk.verify();
      assert.deepEqual(
        [report.records, report.partitions.map(({ unsealed }) => unsealed.records)],
        ['5', ['0', '0']],
        `${verified}: ${JSON.stringify(report)}`,
      );
    }),
);

onBothStreams('a running sealer that refuses says so, and goes on after adopt', (bootstrap) =>
  LedgerDesk.use({ bootstrap, seal: { every: '300ms', heartbeat: '1s' } }, async (desk) => {
    assert.equal((await desk.run(['seal', '--once'])).code, 0);
    await rm(desk.path('memory'), { recursive: true });
    const [port = 0] = await freePorts(1);
    const running = desk.start(['seal', '--metrics', String(port)]);
    await until('both logs and that of the configuration are refused', async () => {
      const { status, text } = (await ask(port, '/healthz')) ?? { status: 0, text: '' };
      return status === 503 && text.match(/refused: memory-missing/g)?.length === 3;
    });
    const { text = '' } = (await ask(port, '/metrics')) ?? {};
    assert.match(text, /^sealstream_refused_logs\{reason="memory-missing"\} 3$/m);
    assert.match(running.stderr(), /memory-missing/);
    assert.equal((await desk.run(['adopt', '--yes'])).code, 0);
    await until('it goes on', async () => (await ask(port, '/healthz'))?.status === 200);
    running.kill('SIGTERM');
    assert.equal((await running.session).code, 0);
    assert.equal((await desk.verify()).code, 0);
  }),
);
