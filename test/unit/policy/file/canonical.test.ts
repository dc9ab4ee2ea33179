import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isMap, isScalar, isSeq, type Node, parseDocument, stringify } from 'yaml';
import { loadDeclared, parseDeclared } from '../../../../policy/file/parse.js';
import { generate } from '../../../../policy/generate.js';
import { WHOLE } from './configuration-support.js';

function hashOf(text: string): string {
  return parseDeclared(text, 'ledger.yaml').hash;
}

/** Every map the other way round. */
function reverse(node: unknown): void {
  if (isMap(node)) {
    node.items.reverse();
    for (const { value } of node.items) reverse(value);
  }
  if (isSeq(node)) node.items.forEach(reverse);
}

describe('the canonical text', () => {
  it('is JSON with sorted fields, references and paths as they are written', () => {
    const { text, hash } = parseDeclared(WHOLE, 'ledger.yaml');
    const plain: unknown = JSON.parse(text);
    assert.deepEqual(plain, {
      version: 1,
      ledger: 'audit.example.com/payments',
      stream: 'kafka://a:1,b:2',
      kafka: {
        sasl: {
          mechanism: 'scram-sha-512',
          username: 'env:USER_NAME',
          password: 'file:keys/password',
        },
        timeout: 30_000,
      },
      topics: [
        {
          name: 'audit',
          partitions: 6,
          replication: 3,
          minInSync: 2,
          maxRecordBytes: 1_048_576,
          settings: { 'segment.bytes': '1073741824' },
        },
      ],
      configuration: { topic: 'audit.configuration' },
      principals: {
        publisher: [{ principal: 'User:payments', topics: null, host: '*', bytesPerSecond: null }],
        sealer: [
          { principal: 'User:sealer', topics: ['audit'], host: '10.0.0.1', bytesPerSecond: 1024 },
        ],
        verifier: [],
        inspector: [],
        replayer: [],
        admin: [],
      },
      waivers: [
        {
          code: 'retention-time',
          topic: 'audit',
          until: '2026-12-31',
          reason: 'a reason that says why',
        },
      ],
      seal: {
        key: 'keys/sealer.pem',
        memory: './memory',
        every: 10_000,
        records: 100_000,
        heartbeat: 600_000,
      },
      verify: { publicKey: 'keys/sealer.pub.pem', maxAge: 900_000 },
    });
    assert.match(text, /^\{"configuration":\{"topic":"audit\.configuration"\},"kafka":\{"sasl":/);
    assert.equal(hash, createHash('sha256').update(text).digest('base64'));
    assert.equal(hash.length, 44);
  });

  it('does not change with the order of fields, comments, quotes and defaults left out', () => {
    const hash = hashOf(WHOLE);
    const reversed = parseDocument(WHOLE);
    reverse(reversed.contents);
    assert.notEqual(String(reversed), WHOLE);
    assert.equal(hashOf(String(reversed)), hash);
    const plain: unknown = parseDocument(WHOLE).toJS();
    const quoted = stringify(plain, { defaultStringType: 'QUOTE_DOUBLE' });
    assert.match(quoted, /"audit\.example\.com/);
    assert.equal(hashOf(quoted), hash);
    assert.equal(hashOf(JSON.stringify(plain)), hash);
    assert.equal(hashOf(`# a comment\n${WHOLE.replaceAll('\n', '   # here\r\n')}`), hash);
    assert.equal(hashOf(WHOLE.replace('30s', '30000ms')), hash);
    assert.equal(hashOf(WHOLE.replace(/ {4}(replication|minInSync).*\n/g, '')), hash);
    assert.equal(hashOf(WHOLE.replace('1073741824', '"1073741824"')), hash);
  });

  it('changes with every value', () => {
    const hashes = new Set([hashOf(WHOLE)]);
    const scalars = (node: unknown): Node[] => {
      if (isMap(node)) return node.items.flatMap(({ value }) => scalars(value));
      if (isSeq(node)) return node.items.flatMap(scalars);
      return isScalar(node) ? [node] : [];
    };
    const count = scalars(parseDocument(WHOLE).contents).length;
    let changes = 0;
    for (let index = 0; index < count; index += 1) {
      const document = parseDocument(WHOLE);
      const node = scalars(document.contents)[index];
      assert.ok(isScalar(node));
      if (node.value === 1 || node.value === 'scram-sha-512') continue;
      node.value = other(node.value);
      if (node.value === 'audit' || node.value === 'audit2') continue;
      hashes.add(hashOf(String(document)));
      changes += 1;
    }
    assert.equal(hashes.size, changes + 1);
    assert.ok(changes > 15, `${changes} changes`);
    hashes.add(hashOf(WHOLE.replace('scram-sha-512', 'plain')));
    hashes.add(hashOf(WHOLE.replaceAll(/\baudit\b(?!\.)/g, 'audit2')));
    assert.equal(hashes.size, changes + 3);
  });

  it('is the same wherever the file lies; the paths of the configuration are not', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sealstream-canonical-'));
    try {
      const file = join(folder, 'ledger.yaml');
      await writeFile(file, WHOLE);
      const { configuration, text, hash, places } = await loadDeclared(file);
      assert.equal(hash, hashOf(WHOLE));
      assert.ok(!text.includes(folder));
      assert.equal(configuration.seal?.key, join(folder, 'keys/sealer.pem'));
      assert.deepEqual(places.of(['topics', 0, 'partitions']), { line: 12, column: 17 });
      assert.deepEqual(places.of(['topics', 0, 'nothing', 'here']), { line: 11, column: 5 });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

/** Another value of the same kind. */
function other(value: unknown): unknown {
  if (typeof value === 'number') return value - 1;
  assert.ok(typeof value === 'string');
  const kinds: [RegExp, string][] = [
    [/^retention-time$/, 'retention-bytes'],
    [/^2026-12-31$/, '2026-12-30'],
    [/^30s$/, '31s'],
    [/^10\.0\.0\.1$/, '10.0.0.2'],
  ];
  return kinds.find(([kind]) => kind.test(value))?.[1] ?? `${value}2`;
}

describe('policy/ledger.schema.json', () => {
  it('is what `npm run generate` writes', async () => {
    const file = new URL('../../../../../policy/ledger.schema.json', import.meta.url);
    assert.equal(await readFile(file, 'utf8'), generate());
  });
});
