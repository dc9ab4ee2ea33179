import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SealstreamError } from '../../../../ledger/error.js';
import { parseDuration } from '../../../../policy/file/fields.js';
import { loadConfiguration, parseConfiguration } from '../../../../policy/file/parse.js';
import { resolveStreamUrl } from '../../../../policy/file/paths.js';
import { ROLES } from '../../../../policy/file/principals.js';
import { resolveSecurity } from '../../../../policy/file/secrets.js';

const GOOD = `version: 1
ledger: audit.example.com/payments
stream: file:./data
topics:
  - name: audit
    partitions: 3
seal: { key: keys/sealer.pem, memory: ./memory, every: 5s }
verify: { publicKey: keys/sealer.pub.pem, maxAge: 15m }
`;

function refusal(text: string): string {
  try {
    parseConfiguration(text, 'ledger.yaml');
  } catch (error) {
    assert.ok(error instanceof SealstreamError);
    assert.equal(error.code, 'configuration');
    return error.message;
  }
  return assert.fail('it was accepted');
}

describe('ledger.yaml', () => {
  it('gives durations in milliseconds and fills the defaults', () => {
    const configuration = parseConfiguration(GOOD, 'ledger.yaml');
    assert.equal(configuration.seal?.every, 5_000);
    assert.equal(configuration.seal?.records, 100_000);
    assert.equal(configuration.seal?.heartbeat, 600_000);
    assert.equal(configuration.verify?.maxAge, 900_000);
  });

  const cases: [string, string, RegExp][] = [
    [
      'a wrong type',
      GOOD.replace('partitions: 3', 'partitions: six'),
      /^ledger\.yaml:6:17: topics\[0\]\.partitions: expected a whole number from 1 to 10000$/,
    ],
    [
      'an unknown field',
      GOOD.replace('partitions: 3', 'partition: 3'),
      /^ledger\.yaml:6:5: topics\[0\]: unknown field "partition"$/,
    ],
    [
      'an unknown field at the top',
      `${GOOD}retention: 3\n`,
      /^ledger\.yaml:9:1: unknown field "retention"$/,
    ],
    ['a missing field', GOOD.replace(/^ledger:.*\n/m, ''), /^ledger\.yaml:1:1: ledger: .*missing/],
    ['a duplicate key', `${GOOD}version: 1\n`, /^ledger\.yaml:9:1: this field is there twice$/],
    ['no YAML', 'topics: [', /^ledger\.yaml:1:\d+: /],
    [
      'too deep a nesting',
      `version: 1\nx: ${'['.repeat(20_000)}`,
      /^ledger\.yaml:\d+:\d+: nested too deeply$/,
    ],
    ['a list', '- 1\n', /^ledger\.yaml:1:1: /],
    ['nothing', '', /^ledger\.yaml:1:1: /],
    [
      'another version',
      GOOD.replace('version: 1', 'version: 2'),
      /^ledger\.yaml:1:10: version: expected 1/,
    ],
    [
      'a bad ledger name',
      GOOD.replace('audit.example.com/payments', '../x'),
      /^ledger\.yaml:2:9: ledger: /,
    ],
    [
      'a topic that is a checkpoint topic',
      GOOD.replace('name: audit', 'name: audit.checkpoints'),
      /^ledger\.yaml:5:11: topics\[0\]\.name: /,
    ],
    [
      'a topic twice',
      GOOD.replace(
        '    partitions: 3\n',
        '    partitions: 3\n  - { name: audit, partitions: 1 }\n',
      ),
      /^ledger\.yaml:7:13: topics\[1\]\.name: "audit" is there twice$/,
    ],
    [
      'a bad duration',
      GOOD.replace('every: 5s', 'every: 5'),
      /^ledger\.yaml:7:\d+: seal\.every: expected a duration/,
    ],
    [
      'a secret in the file',
      GOOD.replace('file:./data', 'kafka://a:1').concat(
        'kafka: { sasl: { mechanism: plain, username: env:U, password: hunter2 } }\n',
      ),
      /^ledger\.yaml:9:\d+: kafka\.sasl\.password: expected env:NAME or file:PATH/,
    ],
    [
      'replication without Kafka',
      GOOD.replace('partitions: 3', 'partitions: 3\n    replication: 3'),
      /^ledger\.yaml:7:18: topics\[0\]\.replication: only for a kafka/,
    ],
    [
      'an alias',
      GOOD.replace('partitions: 3', 'partitions: &a 3').concat('x: *a\n'),
      /(anchors|aliases) are not allowed/,
    ],
    [
      'a stream of another scheme',
      GOOD.replace('file:./data', 'http://x'),
      /^ledger\.yaml:3:9: stream: expected file:PATH or kafka/,
    ],
  ];
  for (const [name, text, expected] of cases) {
    it(`names line, column and field of ${name}`, () => assert.match(refusal(text), expected));
  }

  it('never shows a secret that stands in the file by mistake', () => {
    const text = GOOD.replace('file:./data', 'kafka://a:1').concat(
      'kafka: { sasl: { mechanism: plain, username: env:U, password: hunter2 } }\n',
    );
    assert.doesNotMatch(refusal(text), /hunter2/);
  });

  it('refuses a bomb of aliases at once', () => {
    const levels = Array.from({ length: 30 }, (_, level) =>
      level === 0 ? 'a0: &a0 [x, x]' : `a${level}: &a${level} [*a${level - 1}, *a${level - 1}]`,
    );
    assert.match(refusal(`${GOOD}${levels.join('\n')}\n`), /not allowed/);
  });

  it('answers any text with a configuration or one error', () => {
    const lines = GOOD.split('\n');
    fc.assert(
      fc.property(fc.nat(lines.length - 1), fc.string({ unit: 'grapheme' }), (at, text) => {
        const changed = lines.with(at, text).join('\n');
        try {
          parseConfiguration(changed, 'ledger.yaml');
        } catch (error) {
          assert.ok(error instanceof SealstreamError, String(error));
          assert.match(error.message, /^ledger\.yaml:\d+:\d+: /);
        }
      }),
    );
  });

  it('makes paths absolute, from the folder of the file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sealstream-configuration-'));
    try {
      await writeFile(join(folder, 'ledger.yaml'), GOOD);
      const configuration = await loadConfiguration(join(folder, 'ledger.yaml'));
      assert.equal(configuration.stream, `file:${join(folder, 'data')}`);
      assert.equal(configuration.seal?.key, join(folder, 'keys/sealer.pem'));
      assert.equal(configuration.verify?.publicKey, join(folder, 'keys/sealer.pub.pem'));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('makes the files of secrets absolute too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sealstream-configuration-'));
    try {
      const sasl = 'sasl: { mechanism: plain, username: file:user, password: file:/run/password }';
      const text = GOOD.replace('file:./data', 'kafka://a:1').concat(`kafka: { ${sasl} }\n`);
      await writeFile(join(folder, 'ledger.yaml'), text);
      const { kafka } = await loadConfiguration(join(folder, 'ledger.yaml'));
      assert.deepEqual(kafka?.sasl, {
        mechanism: 'plain',
        username: `file:${join(folder, 'user')}`,
        password: 'file:/run/password',
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('makes the program that gives a token absolute, unless PATH has it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sealstream-configuration-'));
    const commandOf = async (command: string) => {
      const sasl = `sasl: { mechanism: oauthbearer, command: ${command} }`;
      const text = GOOD.replace('file:./data', 'kafka://a:1').concat(`kafka: { ${sasl} }\n`);
      await writeFile(join(folder, 'ledger.yaml'), text);
      const { kafka } = await loadConfiguration(join(folder, 'ledger.yaml'));
      return (await resolveSecurity(kafka))?.sasl;
    };
    try {
      for (const [written, program] of [
        ['./bin/token', join(folder, 'bin/token')],
        ['/opt/token', '/opt/token'],
        ['token', 'token'],
      ]) {
        assert.deepEqual(await commandOf(`[${written}, ./kafka]`), {
          mechanism: 'oauthbearer',
          token: { command: [program, './kafka'] },
        });
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('refuses names that together make no origin', () => {
    const [, ledger = ''] = /^ledger: (.+)$/m.exec(GOOD) ?? [];
    const named = (length: number) => GOOD.replace(ledger, 'x'.repeat(length));
    const [topic] = parseConfiguration(GOOD, 'ledger.yaml').topics;
    assert.ok(topic);
    const rest = `/${topic.name}/${'i'.repeat(22)}/${topic.partitions - 1}`.length;
    parseConfiguration(named(255 - rest), 'ledger.yaml');
    assert.throws(() => parseConfiguration(named(256 - rest), 'ledger.yaml'), {
      code: 'configuration',
      message: /^ledger\.yaml:2:9: ledger: with topics\[0\]\.name it is too long/,
    });
  });

  it('names the file that is not there', async () => {
    await assert.rejects(loadConfiguration('/nowhere/ledger.yaml'), {
      code: 'configuration',
      message: /^\/nowhere\/ledger\.yaml: cannot be read .*sealstream init/,
    });
  });
});

describe('durations', () => {
  it('are a number and a unit', () => {
    assert.equal(parseDuration('500ms'), 500);
    assert.equal(parseDuration('15m'), 900_000);
    assert.equal(parseDuration('1d'), 86_400_000);
    for (const text of ['', '5', 's', '05s', '-1s', '1.5s', '0s', '1w', ' 1s', '99999999999d']) {
      assert.equal(parseDuration(text), null, text);
    }
  });
});

describe('stream URLs', () => {
  it('are relative to their base', () => {
    assert.equal(resolveStreamUrl('file:./data', '/srv'), 'file:/srv/data');
    assert.equal(resolveStreamUrl('file:/var/log', '/srv'), 'file:/var/log');
    assert.equal(resolveStreamUrl('file:///var/log', '/srv'), 'file:/var/log');
    assert.equal(resolveStreamUrl('kafka://a:1,b:2', '/srv'), 'kafka://a:1,b:2');
  });
});

describe('secrets', () => {
  it('come from the environment, and a missing one is named', async () => {
    const sasl = {
      mechanism: 'plain',
      username: 'env:SEALSTREAM_TEST_U',
      password: 'env:SEALSTREAM_TEST_P',
    } as const;
    process.env['SEALSTREAM_TEST_U'] = 'user';
    await assert.rejects(resolveSecurity({ sasl }), {
      code: 'configuration',
      message: 'kafka.sasl.password: the environment variable SEALSTREAM_TEST_P is not set',
    });
    process.env['SEALSTREAM_TEST_P'] = 'secret';
    const security = await resolveSecurity({ sasl });
    assert.deepEqual(security?.sasl, {
      mechanism: 'plain',
      username: 'user',
      password: 'secret',
    });
  });
});

describe('ledger.example.yaml', () => {
  it('is a valid configuration with every field', async () => {
    const file = new URL('../../../../../ledger.example.yaml', import.meta.url);
    const configuration = parseConfiguration(await readFile(file, 'utf8'), 'ledger.example.yaml');
    assert.deepEqual(Object.keys(configuration).sort(), [
      'configuration',
      'kafka',
      'ledger',
      'principals',
      'seal',
      'stream',
      'topics',
      'verify',
      'version',
      'waivers',
    ]);
    assert.equal(configuration.seal?.every, 10_000);
    const [topic] = configuration.topics;
    assert.deepEqual(Object.keys(topic ?? {}).sort(), [
      'maxRecordBytes',
      'minInSync',
      'name',
      'partitions',
      'replication',
      'settings',
    ]);
    for (const role of ROLES) assert.ok(configuration.principals?.[role].length, role);
  });
});
