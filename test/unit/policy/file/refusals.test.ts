import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { loadPublicKey } from '../../../../cli/session.js';
import { SealstreamError } from '../../../../ledger/error.js';
import { loadDeclared, parseDeclared } from '../../../../policy/file/parse.js';
import { resolveSecurity } from '../../../../policy/file/secrets.js';
import { refusal, WHOLE } from './configuration-support.js';

function changed(from: string | RegExp, to: string): string {
  const text = WHOLE.replace(from, () => to);
  assert.notEqual(text, WHOLE);
  return text;
}

const FILE = changed(/^stream: .*\n(kafka:\n( .*\n)+)/m, 'stream: file:./data\n');

describe('a ledger.yaml that is refused', () => {
  const cases: [string, string, RegExp][] = [
    [
      'a kafka.timeout without unit',
      changed('30s', '30'),
      /:9:12: kafka\.timeout: expected a dura/,
    ],
    [
      'an unknown mechanism',
      changed('scram-sha-512', 'gssapi'),
      /:6:16: kafka\.sasl\.mechanism: expected plain, .* or oauthbearer$/,
    ],
    [
      'a token and a command',
      changed(/mechanism: scram(.|\n)*password$/m, 'mechanism: oauthbearer'),
      /:6:5: kafka\.sasl: expected either token or command$/,
    ],
    [
      'a command that is a text',
      changed(/mechanism: scram(.|\n)*password$/m, 'mechanism: oauthbearer\n    command: get it'),
      /:7:14: kafka\.sasl\.command: expected a program and its arguments/,
    ],
    [
      'tls that is a path',
      changed('  timeout', '  tls: ca.pem\n  timeout'),
      /:9:8: kafka\.tls: expected true, or \{ ca, cert, key \}$/,
    ],
    [
      'an unknown field of tls',
      changed('  timeout', '  tls: { authority: ca.pem }\n  timeout'),
      /:9:10: kafka\.tls: unknown field$/,
    ],
    [
      'a minimum above the replication',
      changed('minInSync: 2', 'minInSync: 4'),
      /:14:16: topics\[0\]\.minInSync: expected at most the replication, 3$/,
    ],
    [
      'a setting that has a field of its own',
      changed('segment.bytes', 'min.insync.replicas'),
      /:16:\d+: topics\[0\]\.settings\.min\.insync\.replicas: expected in minInSync, not here$/,
    ],
    [
      'a setting that is no name',
      changed('segment.bytes', 'Segment Bytes'),
      /:16:\d+: topics\[0\]\.settings\.Segment Bytes: expected the name of a topic setting/,
    ],
    [
      'a setting with an inexact number',
      changed('1073741824', '9223372036854775807'),
      /:16:\d+: topics\[0\]\.settings\.segment\.bytes: expected text, a number .*quote/,
    ],
    ['a setting without value', changed('1073741824', 'null'), /segment\.bytes: expected text/],
    [
      'a configuration topic that is an audit topic',
      changed('audit.configuration', 'audit'),
      /:17:25: configuration\.topic: "audit" is an audit topic; expected a topic of its own$/,
    ],
    [
      'a configuration topic that makes no origin',
      changed('audit.configuration', 'x'.repeat(200)).replace('audit.example', 'y'.repeat(99)),
      /:2:9: ledger: with configuration\.topic it is too long/,
    ],
    [
      'no principal',
      changed("'User:payments'", 'payments'),
      /:19:16: principals\.publisher\[0\]: e/,
    ],
    [
      'a topic that is not declared',
      changed('topics: [audit]', 'topics: [audits]'),
      /:20:50: principals\.sealer\[0\]\.topics\[0\]: expected one of topics, by its name$/,
    ],
    [
      'an unknown field of a principal',
      changed('host:', 'hots:'),
      /:20:\d+: principals\.sealer\[0\]: unknown field "hots"$/,
    ],
    ['a host by name', changed('10.0.0.1', 'localhost'), /principals\.sealer\[0\]\.host: expected/],
    [
      'two quotas of one user',
      changed("'User:payments'", "{ principal: 'User:sealer', bytesPerSecond: 1 }"),
      /:20:\d+: principals\.sealer\[0\]\.bytesPerSecond: expected 1, as the same user has/,
    ],
    [
      'a quota of a group',
      changed("'User:payments'", "{ principal: 'Group:x', bytesPerSecond: 1 }"),
      /:19:\d+: principals\.publisher\[0\]\.bytesPerSecond: only for a principal of type User$/,
    ],
    [
      'an inspector of a topic that is not declared',
      changed('publisher:', "inspector: [ { principal: 'User:p', topics: [x] } ]\n  publisher:"),
      /:19:\d+: principals\.inspector\[0\]\.topics\[0\]: expected one of topics, by its name$/,
    ],
    [
      'an unknown role',
      changed('sealer:', 'sealers:'),
      /:20:3: principals: unknown field "sealers"/,
    ],
    [
      'an unknown code',
      changed('retention-time', 'retention'),
      /:22:\d+: waivers\[0\]\.code: expec/,
    ],
    [
      'no day',
      changed('2026-12-31', '2026-02-30'),
      /:22:\d+: waivers\[0\]\.until: expected the last/,
    ],
    [
      'a reason of what is drawn as nothing',
      changed("'a reason that says why'", `'${'\u2800\u200b'.repeat(8)}'`),
      /:22:\d+: waivers\[0\]\.reason: expected a reason of 10/,
    ],
    ['no date', changed('2026-12-31', 'never'), /:22:\d+: waivers\[0\]\.until: expected the last/],
    [
      'too short a reason',
      changed('a reason that says why', 'because'),
      /reason: expected a reason/,
    ],
    ['principals on files', FILE, /:\d+:\d+: topics\[0\]\.replication: only for a kafka:/],
    [
      'principals on files',
      FILE.replace(/ {4}(replication|minInSync|maxRecordBytes|settings).*\n/g, ''),
      /:9:3: principals: only for a kafka:\/\/ stream; this one is a file: stream$/,
    ],
    ['a number too large', changed('partitions: 6', 'partitions: 1e999'), /:12:17: .* 1 to 10000$/],
    [
      'a number of thousands of digits',
      changed('partitions: 6', `partitions: ${'9'.repeat(9_999)}`),
      /:12:17: topics\[0\]\.partitions: expected a whole number from 1 to 10000$/,
    ],
    ['__proto__', `${WHOLE}__proto__: { polluted: 1 }\n`, /:25:1: "__proto__" is no field$/],
    ['__proto__ in settings', changed('segment.bytes', '__proto__'), /:16:\d+: "__proto__" is no/],
    ['constructor', `${WHOLE}constructor: { polluted: 1 }\n`, /:25:1: unknown field$/],
    ['a NUL byte', changed('audit.example', 'audit\0example'), /:2:9: control characters are not/],
    ['an escaped NUL', changed('./memory', '"./a\\0b"'), /:23:\d+: control characters are not all/],
    ['half a character', changed('./memory', '"\\ud800"'), /:23:\d+: half a character/],
    ['a tab as indent', changed('  sasl', '\tsasl'), /:5:1: indented by a tab; use spaces$/],
    ['a number as name', `${WHOLE}1: x\n`, /:\d+:\d+: expected a name for every field$/],
    ['a merge key', `${WHOLE}<<: { version: 1 }\n`, /:25:1: merge keys are not allowed/],
    [
      'a tag',
      changed('version: 1', 'version: !!js/function 1'),
      /:1:10: tags \(!…\) are not allow/,
    ],
    ['a binary tag', changed('./memory', '!!binary aGk='), /:23:\d+: tags \(!…\) are not allowed/],
    ['a directive', `%FOO x\n---\n${WHOLE}`, /directives \(%…\) are not allowed/],
    ['another YAML', `%YAML 1.1\n---\n${WHOLE}`, /:1:1: directives \(%…\) are not allowed/],
    ['two documents', `${WHOLE}---\n${WHOLE}`, /:25:1: expected one document/],
    [
      'a deep list',
      `${WHOLE}x: ${'['.repeat(100)}${']'.repeat(100)}\n`,
      /:25:\d+: nested too deep/,
    ],
    ['a deep map', `${WHOLE}x: ${'{a: '.repeat(50)}1${'}'.repeat(50)}\n`, /:25:\d+: nested too/],
    [
      'a long file',
      `${WHOLE}#${'x'.repeat(256 * 1024)}\n`,
      /:1:1: the file is larger than 262144 b/,
    ],
    [
      'a stream with a password',
      changed('kafka://a:1', 'kafka://bob:hunter2@a:1'),
      /:3:9: stream: expected file:PATH or kafka:\/\/HOST:PORT.*, without user, password or path$/,
    ],
  ];
  for (const [name, text, expected] of cases) {
    it(`names line, column and field: ${name}`, () => {
      const message = refusal(text);
      assert.match(message, expected);
      assert.doesNotMatch(message, /hunter2/);
    });
  }

  it('is refused before its size can cost much', () => {
    const cases: [string, string, RegExp][] = [
      [
        'fields',
        Array.from({ length: 1_001 }, (_, at) => `k${at}: 1`).join('\n'),
        /at most 1000 e/,
      ],
      ['entries', `x: [${'1,'.repeat(1_001)}]`, /:25:4: expected at most 1000 entries$/],
      ['fields in one', `x: {${'a: 1,'.repeat(1_001)}}`, /:25:4: expected at most 1000 entries$/],
      ['commas', `x: [${','.repeat(200_000)}`, /:25:\d+: the file has more in it than/],
      ['brackets', `x: ${'['.repeat(200_000)}`, /:25:28: nested too deeply$/],
      ['items', `x:\n  ${'- '.repeat(100_000)}`, /:26:\d+: the file has more in it than/],
      ['items in items', `x:\n  ${'- '.repeat(5_000)}`, /:26:\d+: nested too deeply$/],
      ['aliases', `x: [${'*a,'.repeat(80_000)}]`, /:25:\d+: the file has more in it than/],
    ];
    for (const [name, text, expected] of cases) {
      assert.match(refusal(`${WHOLE}${text}\n`), expected, name);
    }
  });

  it('changes no prototype', () => {
    refusal(`${WHOLE}__proto__: { polluted: 1 }\n`);
    refusal(changed('segment.bytes: 1073741824', '"__proto__": { polluted: 1 }'));
    assert.equal(Reflect.get({}, 'polluted'), undefined);
  });
});

describe('a secret in the wrong place', () => {
  const MARKER = 'hunter2marker';
  const places = [
    'env:USER_NAME',
    'file:keys/password',
    'scram-sha-512',
    'username: env:USER_NAME',
    'password: file:keys/password',
    'mechanism: scram-sha-512',
    'kafka://a:1,b:2',
  ];
  const around = [
    ...' *&!%@`"\'|>[]{}-?:,#\\\n\t\0',
    '!!int ',
    '"\\q',
    ': ',
    'env:',
    '- ',
    '@host:1',
  ];
  const before = fc.array(fc.constantFrom(...around, 'kafka://bob:'), { maxLength: 3 });
  const after = fc.array(fc.constantFrom(...around), { maxLength: 3 });

  it('is never shown, however it is written', () => {
    let refused = 0;
    const property = fc.property(fc.constantFrom(...places), before, after, (place, head, tail) => {
      // A reference names a variable; it is meant to be shown.
      fc.pre(!head.includes('env:'));
      const text = changed(place, `${head.join('')}${MARKER}${tail.join('')}`);
      try {
        parseDeclared(text, 'ledger.yaml');
      } catch (error) {
        assert.ok(error instanceof SealstreamError, String(error));
        assert.doesNotMatch(error.message, /hunter2/, text);
        assert.match(error.message, /^ledger\.yaml:\d+:\d+: [^\n]+$/);
        refused += 1;
      }
    });
    fc.assert(property, { numRuns: 1_500 });
    assert.ok(refused > 500, `only ${refused} refused`);
  });
});

describe('what is no file', () => {
  async function within<T>(use: (folder: string) => Promise<T>): Promise<T> {
    const folder = await mkdtemp(join(tmpdir(), 'sealstream-configuration-'));
    try {
      return await use(folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  it('is refused: a folder, a FIFO, a device without end', async () => {
    await within(async (folder) => {
      const fifo = join(folder, 'fifo');
      execFileSync('mkfifo', [fifo]);
      for (const file of [folder, fifo, '/dev/zero']) {
        await assert.rejects(loadDeclared(file), {
          code: 'configuration',
          message: `${file}: it is no regular file`,
        });
      }
    });
  });

  it('is refused as a secret or a key, too', async () => {
    await within(async (folder) => {
      const fifo = join(folder, 'fifo');
      execFileSync('mkfifo', [fifo]);
      const large = join(folder, 'large');
      await writeFile(large, 'x'.repeat(256 * 1024 + 1));
      for (const [file, why] of [
        [fifo, 'it is no regular file'],
        ['/dev/zero', 'it is no regular file'],
        [large, 'the file is larger than 262144 bytes'],
      ] as const) {
        const reference = `file:${file}`;
        const sasl = { mechanism: 'plain', username: reference, password: reference } as const;
        const message = `kafka.sasl.username: ${file}: ${why}`;
        await assert.rejects(resolveSecurity({ sasl }), { code: 'configuration', message });
        await assert.rejects(loadPublicKey(file, '--public-key'), {
          code: 'key-unusable',
          message: `--public-key: ${file}: ${why}`,
        });
      }
    });
  });

  it('is refused: too large, or not UTF-8', async () => {
    await within(async (folder) => {
      const file = join(folder, 'ledger.yaml');
      await writeFile(file, WHOLE.padEnd(256 * 1024 + 1, '#'));
      await assert.rejects(loadDeclared(file), { message: /larger than 262144 bytes$/ });
      await writeFile(file, Buffer.from([0x76, 0xff]));
      await assert.rejects(loadDeclared(file), { message: /cannot be read \(.*utf-8/ });
    });
  });
});
