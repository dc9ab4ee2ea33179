import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { generateKeyPair } from '../../ledger/keys.js';
import { parseDeclared } from '../../policy/file/parse.js';
import { Desk } from '../support/cli.js';
import { WHOLE as SAMPLE } from '../unit/policy/file/configuration-support.js';

const day = (days: number): string =>
  new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
const WHOLE = SAMPLE.replace('2026-12-31', day(30));

const HASH = parseDeclared(WHOLE, 'ledger.yaml').hash;
const SECRET = 'hunter2marker';

describe('sealstream validate', () => {
  let desk: Desk;
  before(async () => {
    desk = await Desk.open();
  });
  after(() => desk.close());

  const validate = async (text: string, ...words: string[]) => {
    await writeFile(desk.path('ledger.yaml'), text);
    return desk.run(['validate', '--config', 'ledger.yaml', ...words]);
  };

  it('prints the hash and what is declared, and asks no broker and for no secret', async () => {
    const { code, stdout, stderr } = await validate(WHOLE);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^ledger\.yaml: valid\n/);
    assert.ok(stdout.includes(HASH));
    assert.match(stdout, /topic +audit: 6 partitions, replication 3, in sync at least 2\n/);
    assert.match(stdout, /waiver +retention-time on audit until [0-9-]{10}: a reason/);
  });

  it('prints one JSON document, the same wherever the file lies', async () => {
    const { code, stdout } = await validate(WHOLE, '--json');
    assert.equal(code, 0);
    const printed: unknown = JSON.parse(stdout);
    assert.ok(typeof printed === 'object' && printed !== null && 'waivers' in printed);
    const { waivers, ...rest } = printed;
    assert.ok(Array.isArray(waivers) && waivers.length === 1);
    assert.deepEqual(rest, {
      hash: HASH,
      ledger: 'audit.example.com/payments',
      stream: 'kafka://a:1,b:2',
      topics: [{ topic: 'audit', partitions: 6, replication: 3, minInSync: 2 }],
      configuration: { topic: 'audit.configuration' },
      principals: { publisher: 1, sealer: 1, verifier: 0, inspector: 0, replayer: 0, admin: 0 },
    });
    assert.ok(!stdout.includes(desk.folder));
  });

  it('takes what `init` writes', async () => {
    const made = await desk.run(['init', 'made', '--ledger', 'audit.example.com/test']);
    assert.equal(made.code, 0);
    const { code, stdout } = await desk.run([
      'validate',
      '--config',
      desk.path('made/ledger.yaml'),
    ]);
    assert.equal(code, 0);
    assert.match(stdout, /stream +file:\.\/data\n/);
  });

  it('refuses a waiver that does not run out', async () => {
    const { code, stdout, stderr } = await validate(WHOLE.replace(day(30), '9999-12-31'));
    assert.deepEqual([code, stdout], [64, '']);
    assert.match(
      stderr,
      /ledger\.yaml:22:\d+: waivers\[0\]\.until: expected a day within 366 days/,
    );
  });

  it('names everything that loosens the ledger without a waiver', async () => {
    const loose = WHOLE.replace('segment.bytes: 1073741824', 'cleanup.policy: compact').replace(
      "'User:payments'",
      "'User:*'",
    );
    const { code, stdout, stderr } = await validate(loose);
    assert.deepEqual([code, stdout], [64, '']);
    assert.match(
      stderr,
      /^sealstream: ledger\.yaml:16:\d+: topics\[0\]\.settings\.cleanup\.policy: expected delete, not compact; or a waiver in force, \{ code: cleanup-policy, topic: audit, .*\n/,
    );
    assert.match(stderr, /\nsealstream: ledger\.yaml:19:16: principals\.publisher\[0\]: expected/);
  });

  const REFUSED: [string, string, RegExp][] = [
    ['a mistake', WHOLE.replace('partitions: 6', 'partitions: six'), /ledger\.yaml:12:17: topics/],
    [
      'a password in the file',
      WHOLE.replace('file:keys/password', SECRET),
      /ledger\.yaml:8:15: kafka\.sasl\.password: expected env:NAME or file:PATH/,
    ],
    [
      'a password in the URL',
      WHOLE.replace('a:1', `bob:${SECRET}@a:1`),
      /ledger\.yaml:3:9: stream: expected/,
    ],
    [
      'a bomb of aliases',
      `${WHOLE}a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n`,
      /ledger\.yaml:25:\d+: (aliases|anchors) are not allowed/,
    ],
  ];
  for (const [name, text, expected] of REFUSED) {
    it(`refuses ${name} in one line, with exit 64`, async () => {
      for (const words of [[], ['--json']]) {
        const { code, stdout, stderr } = await validate(text, ...words);
        assert.deepEqual([code, stdout], [64, '']);
        assert.match(stderr, expected);
        assert.equal(stderr.split('\n').length, 2, stderr);
        assert.ok(!stderr.includes(SECRET));
      }
    });
  }
});

/** The milliseconds after which one request was given up: a part of the whole. */
function waited(text: string): number {
  const [, milliseconds] = /no answer within ([0-9]+) ms/.exec(text) ?? assert.fail(text);
  return Number(milliseconds);
}

describe('kafka.timeout', () => {
  it('holds for a broker that does not answer, unless --timeout is given', async () => {
    const desk = await Desk.open();
    const silent = createServer().listen(0, '127.0.0.1');
    try {
      await once(silent, 'listening');
      const address = silent.address();
      assert.ok(typeof address === 'object' && address !== null);
      const text = WHOLE.replace('kafka://a:1,b:2', `kafka://127.0.0.1:${address.port}`);
      const short = text.replace('timeout: 30s', 'timeout: 700ms');
      await writeFile(desk.path('ledger.yaml'), short.replace(/ {2}sasl:\n( {4}.*\n)+/, ''));
      const apply = await desk.run(['apply']);
      assert.equal(apply.code, 70, apply.stderr);
      assert.match(apply.stderr, /^sealstream: [^\n]+\n$/);
      assert.ok(waited(apply.stderr) <= 700, apply.stderr);
      const { publicPem } = generateKeyPair();
      await writeFile(desk.path('key.pem'), publicPem);
      const verify = ['verify', '--public-key', 'key.pem', '--json'];
      const impatient = await desk.run(verify);
      assert.equal(impatient.code, 3);
      assert.ok(waited(impatient.stdout) <= 700, impatient.stdout);
      const patient = await desk.run([...verify, '--timeout', '4s']);
      assert.ok(waited(patient.stdout) > 700, patient.stdout);
    } finally {
      silent.close();
      await desk.close();
    }
  });
});

describe('a reference of kafka: that leads nowhere', () => {
  let desk: Desk;
  before(async () => {
    desk = await Desk.open();
  });
  after(() => desk.close());

  it('is named with its line by whoever needs it', async () => {
    await writeFile(desk.path('ledger.yaml'), WHOLE);
    const unset = await desk.run(['apply'], { environment: { USER_NAME: '' } });
    assert.deepEqual([unset.code, unset.stdout], [64, '']);
    assert.equal(
      unset.stderr,
      'sealstream: ./ledger.yaml:7:15: kafka.sasl.username: the environment variable USER_NAME is ' +
        'not set\n',
    );
    const absent = await desk.run(['status'], { environment: { USER_NAME: SECRET } });
    assert.deepEqual([absent.code, absent.stdout], [64, '']);
    assert.match(absent.stderr, /^sealstream: \.\/ledger\.yaml:8:15: kafka\.sasl\.password: .*\n$/);
    assert.ok(!absent.stderr.includes(SECRET));
  });

  it('shows no secret that a URL, an option or a variable holds', async () => {
    const text = WHOLE.replace('file:keys/password', 'env:PASS_WORD');
    await writeFile(
      desk.path('ledger.yaml'),
      text.replace('kafka://a:1,b:2', 'kafka://127.0.0.1:9'),
    );
    const environment = { USER_NAME: `user-${SECRET}`, PASS_WORD: SECRET };
    const words = ['verify', '--timeout', '1s', '--public-key', 'none.pem'];
    for (const command of [
      words,
      ['init', 'x', '--ledger', 'a', '--stream', `kafka://a:${SECRET}@b`],
    ]) {
      const { code, stdout, stderr } = await desk.run(command, { environment });
      assert.notEqual(code, 0);
      assert.ok(!`${stdout}${stderr}`.includes(SECRET), stderr);
    }
  });
});
