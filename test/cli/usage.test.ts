import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { Desk } from '../support/cli.js';

const INIT = ['init', '--ledger', 'audit.example.com/test'];

describe('the command line', () => {
  let desk: Desk;
  before(async () => {
    desk = await Desk.open();
  });
  after(() => desk.close());

  const COMMANDS = [
    'init',
    'validate',
    'plan',
    'apply',
    'doctor',
    'adopt',
    'publish',
    'seal',
    'status',
    'checkpoints',
    'verify',
    'replay',
    'prove',
    'check',
    'smoke',
  ];
  for (const command of COMMANDS) {
    it(`explains ${command} with an example`, async () => {
      const { code, stdout } = await desk.run([command, '--help']);
      assert.equal(code, 0);
      assert.match(stdout, /Examples?:\n/);
      assert.match(stdout, /--json/);
      assert.match(stdout, command === 'init' ? /--ledger/ : /--config/);
    });
  }

  const MISTAKES: [string, string[], RegExp][] = [
    ['no such command', ['frobnicate'], /unknown command 'frobnicate'/],
    [
      'a URL that is none of a stream, whose password is not repeated',
      'verify --stream https://bob:secret@h --ledger a --topic b --public-key c'.split(' '),
      /--stream https:\/\/h: expected/,
    ],
    [
      'an option with a control character, which is not repeated as it is',
      ['verify', '--timeout', '\u001b[2J\u009b'],
      /--timeout \\u001b\[2J\\u009b: expected/,
    ],
    ['an unknown option', ['verify', '--frobnicate'], /unknown option '--frobnicate'/],
    ['a missing option', ['init'], /required option '--ledger <name>' not specified/],
    ['a bad number', ['verify', '--partition', '-1'], /--partition -1: expected a whole number/],
    ['a bad duration', ['verify', '--timeout', 'soon'], /--timeout soon: expected a duration/],
    ['a bad offset', ['prove', '--partition', '0', '--offset', '1e3'], /--offset 1e3: expected/],
    [
      'metrics without a port',
      ['seal', '--metrics', '203.0.113.1'],
      /--metrics 203\.0\.113\.1: expected PORT, HOST:PORT/,
    ],
    ['a bad format', ['publish', '--format', 'xml'], /Allowed choices are event, cloudtrail, git/],
    ['no configuration', ['apply'], /ledger\.yaml: cannot be read/],
    ['half an auditor', ['verify', '--stream', 'file:x'], /--stream and --ledger go together/],
    [
      'a stream of another scheme',
      ['verify', '--stream', 'http://x', '--ledger', 'a', '--topic', 't', '--public-key', 'k'],
      /--stream http:\/\/x: expected file:PATH or kafka/,
    ],
    ['a bad ledger name', ['init', '--ledger', '../x'], /ledger/],
    ['a bad topic name', [...INIT, '--topic', 'a b'], /topics\[0\]\.name/],
    ['replication on a file stream', [...INIT, '--replication', '3'], /--replication/],
  ];
  for (const [name, words, expected] of MISTAKES) {
    it(`refuses ${name} with exit 64`, async () => {
      const { code, stdout, stderr } = await desk.run(words);
      assert.equal(code, 64, stdout + stderr);
      assert.match(stderr, expected);
      assert.equal(stdout, '');
      assert.doesNotMatch(stderr, /\n\s+at /);
    });
  }

  it('says that it cannot hash as it is told before it looks at any log', async () => {
    const environment = { SEALSTREAM_NATIVE: 'junk' };
    for (const words of [['verify'], ['seal', '--once'], ['status'], ['replay']]) {
      const { code, stdout, stderr } = await desk.run(words, { environment });
      assert.equal(code, 64, stdout + stderr);
      assert.equal(stdout, '');
      assert.equal(
        stderr,
        'sealstream: SEALSTREAM_NATIVE is "junk": set it to off or required, or not at all\n',
      );
    }
  });
});

describe('init', () => {
  let desk: Desk;
  before(async () => {
    desk = await Desk.open();
  });
  after(() => desk.close());

  it('writes a configuration and a key that only its owner reads', async () => {
    const { code } = await desk.run(INIT);
    assert.equal(code, 0);
    assert.equal((await stat(desk.path('keys/sealer.pem'))).mode & 0o777, 0o600);
    assert.match(await readFile(desk.path('keys/sealer.pub.pem'), 'utf8'), /BEGIN PUBLIC KEY/);
    assert.match(await readFile(desk.path('ledger.yaml'), 'utf8'), /stream: file:\.\/data/);
  });

  const LONG: [string, string, string][] = [
    ['the longest topic name', 'audit.example.com/test', 'a'.repeat(200)],
    ['one that is its own configuration', 'a.example', `${'a'.repeat(186)}.configuration`],
    ['names that leave an origin just enough room', 'l'.repeat(100), 'a'.repeat(125)],
  ];
  for (const [name, ledger, topic] of LONG) {
    it(`makes a ledger that can be applied and sealed of ${name}`, async () => {
      const long = await Desk.open();
      try {
        await long.json(['init', '--ledger', ledger, '--topic', topic, '--partitions', '2']);
        await long.json(['apply']);
        await long.json(['seal', '--once']);
        const { configuration } = (await long.json(['verify'])) as {
          configuration: { log: { verdict: string } | null } | null;
        };
        assert.equal(configuration?.log?.verdict, 'intact');
      } finally {
        await long.close();
      }
    });
  }

  it('overwrites nothing', async () => {
    const before = await readFile(desk.path('keys/sealer.pem'), 'utf8');
    const { code, stderr } = await desk.run(INIT);
    assert.equal(code, 64);
    assert.match(stderr, /ledger\.yaml is there already/);
    assert.equal(await readFile(desk.path('keys/sealer.pem'), 'utf8'), before);
  });

  it('shows where a mistake in the configuration is', async () => {
    const text = await readFile(desk.path('ledger.yaml'), 'utf8');
    await writeFile(desk.path('bad.yaml'), text.replace('partitions: 3', 'partitions: three'));
    for (const command of ['apply', 'verify', 'seal', 'status', 'checkpoints']) {
      const { code, stderr } = await desk.run([command, '--config', 'bad.yaml']);
      assert.equal(code, 64, command);
      assert.match(stderr, /bad\.yaml:\d+:\d+: topics\[0\]\.partitions: expected a whole number/);
    }
  });
});
