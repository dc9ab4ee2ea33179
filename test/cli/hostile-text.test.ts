/** Whatever text a topic, a file or a caller brings, no command writes it so that a terminal obeys it. */
import assert from 'node:assert/strict';
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import type { RecordParts } from '../../ledger/records.js';
import { BatchEncoder } from '../../stream/batch/encode.js';
import { readCheckpointRecords } from '../../stream/checkpoint-topic.js';
import { openStream } from '../../stream/open.js';
import type { Stream } from '../../stream/stream.js';
import { Desk, type RunOptions, type Session } from '../support/cli.js';
import { until } from '../support/ledger-desk.js';

const BIDIRECTIONAL = '\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069';
/** C0, DEL, C1, bidirectional controls, separators; and SGR that would hide what follows. */
const HOSTILE = `x\u0001\u0007\u0008\r\u001b[8m\u001b]0;t\u007f\u0085\u009b2J${BIDIRECTIONAL}\u2028\u2029y`;
const ACTS = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;
/** Of a key: no C0, no space. */
const NAME = `x\u007f\u009b2J${BIDIRECTIONAL}y`;
/** Of a file: no NUL, no slash. */
const FOLDER = `ledger ${HOSTILE}`;

const EVENT = {
  event_id: '0190a0b0-0000-7000-8000-000000000001',
  tenant_id: HOSTILE,
  action: 'test.publish',
  actor: { type: 'USER', id: HOSTILE, display: HOSTILE, roles: [HOSTILE] },
  resources: [{ type: HOSTILE, id: HOSTILE }],
  attributes: { note: HOSTILE },
};

/** Everything that a command wrote, without the line feeds and tabs that are text. */
function written({ stdout, stderr }: Session): string {
  return `${stdout}${stderr}`.replaceAll(/[\n\t]/g, '');
}

async function append(stream: Stream, topic: string, records: readonly RecordParts[]) {
  const description = await stream.describe(topic);
  assert.ok(description !== null);
  const encoder = new BatchEncoder();
  for (const record of records) encoder.add(record, BigInt(Date.now()));
  const appender = await stream.appender(description);
  const outcome = await appender.append(0, encoder.finish());
  await appender.close();
  assert.equal(outcome.kind, 'acknowledged');
}

describe('hostile text', () => {
  let desk: Desk;
  const file = (name: string): string => `${FOLDER}/${name}`;
  const config = ['--config', file('ledger.yaml')];

  /** Its session, which must not have written anything that acts. */
  async function quiet(words: readonly string[], options: RunOptions = {}): Promise<Session> {
    const session = await desk.run(words, options);
    const found = ACTS.exec(written(session));
    const about = `${words[0]}: ${JSON.stringify(written(session).slice(0, 3_000))}`;
    assert.equal(found, null, about);
    return session;
  }

  async function quietWith(code: number, words: readonly string[], options: RunOptions = {}) {
    const session = await quiet(words, options);
    assert.equal(session.code, code, `${words[0]}: ${session.stdout}${session.stderr}`);
    return session;
  }

  before(async () => {
    desk = await Desk.open();
    await mkdir(desk.path(FOLDER));
  });
  after(() => desk.close());

  it('in the names of files and folders: init, validate, apply', async () => {
    const ledger = ['--ledger', 'audit.example.com/test', '--partitions', '1'];
    await quietWith(0, ['init', ...ledger, ...config]);
    await quietWith(64, ['init', ...ledger, ...config]);
    for (const command of ['validate', 'apply', 'validate', 'apply']) {
      await quietWith(0, [command, ...config]);
      await quietWith(0, [command, '--json', ...config]);
    }
  });

  it('in events, good and bad, and in their files: publish', async () => {
    const names = ['a', 'b', 'c'].map((name) => file(`${name}${HOSTILE}.ndjson`));
    const [good = '', bad = '', missing = ''] = names;
    await writeFile(desk.path(good), `${JSON.stringify(EVENT)}\n`);
    const others = [
      { ...EVENT, [HOSTILE]: 1 },
      { ...EVENT, action: HOSTILE },
      { ...EVENT, category: HOSTILE },
      { ...EVENT, event_id: HOSTILE },
      { ...EVENT, attributes: { [HOSTILE]: HOSTILE } },
    ];
    const lines = others.map((event) => JSON.stringify(event));
    await writeFile(desk.path(bad), `${[...lines, HOSTILE, `{"a${HOSTILE}`].join('\n')}\n`);
    await quietWith(0, ['publish', ...config, good]);
    await quietWith(65, ['publish', ...config, bad]);
    const { stdout } = await quietWith(65, ['publish', '--json', ...config, bad]);
    const { refused } = JSON.parse(stdout) as { refused: { place: string }[] };
    assert.ok(refused.length >= others.length);
    assert.ok(refused[0]?.place.startsWith(bad), 'the JSON means what it meant');
    await quietWith(65, ['publish', ...config, missing]);
    await quiet(['publish', '--format', 'git', ...config, missing]);
    await quiet(['publish', '--format', 'cloudtrail', ...config, bad]);
  });

  it('in records that are no events, checkpoints that are none, and signature lines', async () => {
    await quietWith(0, ['seal', '--once', ...config]);
    const stream = await openStream(`file:${desk.path(FOLDER, 'data')}`);
    const bytes = Buffer.from(HOSTILE);
    const headers = [{ key: bytes, value: bytes }];
    await append(stream, 'audit', [{ key: bytes, value: bytes, headers }]);
    const named = [{ key: Buffer.from('sealstream-config'), value: bytes }];
    const short = Buffer.from(HOSTILE.slice(0, 44).padEnd(44, '\u202e')).subarray(0, 44);
    const marked = [{ key: Buffer.from('sealstream-config'), value: short }];
    await append(stream, 'audit.configuration', [
      { key: bytes, value: bytes, headers: named },
      { key: bytes, value: bytes, headers: marked },
    ]);
    const checkpoints = await stream.describe('audit.checkpoints');
    assert.ok(checkpoints !== null);
    for await (const { key, value, headers: own } of readCheckpointRecords(stream, checkpoints)) {
      assert.ok(key !== null && value !== null);
      const line = `— ${NAME} ${'AAAA'.repeat(24)}\n`;
      await append(stream, 'audit.checkpoints', [
        { key: bytes, value: bytes, headers },
        { key, value: bytes, headers: own },
        { key: bytes, value: null, headers },
        { key: Buffer.concat([bytes, Buffer.from('@2026-01-01T00')]), value, headers },
        { key, value: Buffer.concat([value, Buffer.from(line)]), headers: own },
      ]);
      break;
    }
    await stream.close();
    const { stdout } = await quietWith(0, ['checkpoints', ...config]);
    assert.match(stdout, /^— .*\\u202e.* AAAA/m, 'the line is shown');
    const { stdout: json } = await quietWith(0, ['checkpoints', '--json', ...config]);
    assert.match(json, /\\u202e/);
    assert.match((JSON.parse(json) as { note: string }[]).at(-1)?.note ?? '', /\u202e/);
  });

  it('in what seal, status, verify, replay, prove and doctor say of it', async () => {
    const environment = { SEALSTREAM_LOG: 'trace' };
    for (const command of [['seal', '--once'], ['status'], ['verify'], ['replay'], ['doctor']]) {
      for (const more of [[], ['--json']]) {
        await quiet([...command, ...more, ...config], { environment });
      }
    }
    await quiet(['plan', ...config]);
    await quiet(['plan', '--json', ...config]);
    await quiet(['doctor', '--sarif', '-', ...config]);
    await quiet(['doctor', '--sarif', file('out.sarif'), ...config]);
    assert.doesNotMatch(
      (await readFile(desk.path(file('out.sarif')), 'utf8')).replaceAll('\n', ''),
      ACTS,
    );
    await quiet(['adopt', '--yes', ...config]);
    const { stdout } = await quiet(['replay', '--unsealed', ...config]);
    const lines = stdout.trimEnd().split('\n');
    const replayed = lines.map((line) => JSON.parse(line) as { event?: typeof EVENT });
    assert.equal(replayed[0]?.event?.actor.id, HOSTILE);
    const out = ['--partition', '0', '--offset', '0', '--out', file('out')];
    await quiet(['prove', ...out, ...config]);
    await quiet(['smoke', '--timeout', '1s', ...config]);
  });

  it('in a running sealer’s log and answers', async () => {
    const words = ['seal', '--metrics', '0', ...config];
    const running = desk.start(words, { environment: { SEALSTREAM_LOG: 'trace' } });
    let port = '';
    await until('it says where it serves', () => {
      port = /"port":(\d+)/.exec(running.stderr())?.[1] ?? '';
      return port !== '';
    });
    for (const path of ['metrics', 'healthz', encodeURIComponent(HOSTILE)]) {
      const text = await (await fetch(`http://127.0.0.1:${port}/${path}`)).text();
      assert.doesNotMatch(text.replaceAll('\n', ''), ACTS);
    }
    running.kill('SIGTERM');
    assert.equal(ACTS.exec(written(await running.session)), null);
  });

  it('in a receipt, and in the words of the command line', async () => {
    await writeFile(desk.path('proof'), `c2sp.org/tlog-proof@v1\nextra ${HOSTILE}\n`);
    const key = ['--public-key', file('keys/sealer.pub.pem')];
    await quietWith(1, ['check', 'proof', '--record', 'proof', ...key]);
    await quietWith(1, ['check', 'proof', '--record', 'proof', '--json', ...key]);
    await quietWith(64, ['check', HOSTILE, '--record', HOSTILE, ...key]);
    for (const words of [
      [HOSTILE],
      [`--${HOSTILE}`],
      ['verify', `--${HOSTILE}`],
      ['verify', HOSTILE],
      ['publish', '--format', HOSTILE],
      ['verify', '--topic', HOSTILE, ...config],
      ['verify', '--stream', HOSTILE, '--ledger', HOSTILE, '--topic', 'a', '--public-key', 'b'],
      ['verify', '--stream', `file:${HOSTILE}`, '--ledger', 'a', '--topic', HOSTILE, ...key],
      ['init', '--ledger', HOSTILE],
      ['init', '--ledger', 'a', '--topic', HOSTILE],
      ['seal', '--metrics', HOSTILE],
      ['seal', '--once', '--config', HOSTILE],
    ]) {
      await quietWith(64, words);
    }
    await quietWith(64, ['validate', ...config], { environment: { SEALSTREAM_NATIVE: HOSTILE } });
    await quiet(['status', ...config], { environment: { SEALSTREAM_LOG: HOSTILE } });
  });

  it('in ledger.yaml', async () => {
    const quoted = JSON.stringify(HOSTILE);
    const until = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10);
    const reason = JSON.stringify(`a reason that is ${HOSTILE} long`);
    await appendFile(
      desk.path(file('ledger.yaml')),
      `waivers: [{ code: key-file-mode, until: ${until}, reason: ${reason} }]\n`,
    );
    for (const command of ['validate', 'plan', 'doctor', 'apply', 'verify']) {
      await quiet([command, ...config]);
      await quiet([command, '--json', ...config]);
    }
    for (const line of [`${quoted}: 1`, `kafka: { ${quoted}: 1 }`, `verify: ${quoted}`, HOSTILE]) {
      await writeFile(desk.path('bad.yaml'), `version: 1\n${line}\n`);
      await quietWith(64, ['validate', '--config', 'bad.yaml']);
    }
  });
});
