import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  checkLedgerName,
  checkTopicId,
  checkTopicName,
  encodeHex,
  formatOrigin,
  genesis,
  parseOrigin,
} from '../../../ledger/index.js';
import { encodeBase64Url } from '../../../ledger/text.js';
import { attempt, mutations, ORIGIN, throwsCode } from './support.js';

const ID = 'AAECAwQFBgcICQoLDA0ODw';
const word = fc.stringMatching(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,14}$/);

const anyOrigin = fc.record(
  {
    ledger: fc.array(word, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/')),
    topic: word,
    topicId: fc
      .uint8Array({ minLength: 16, maxLength: 16 })
      .filter((bytes) => bytes.some((byte) => byte !== 0))
      .map(encodeBase64Url),
    partition: fc.nat(0x7fffffff),
  },
  { noNullPrototype: true },
);

test('an origin comes back as it went', () => {
  fc.assert(
    fc.property(anyOrigin, (origin) => {
      assert.deepEqual(parseOrigin(formatOrigin(origin)), origin);
    }),
  );
});

test('a changed origin is refused, or is another origin with one text', () => {
  const genesisValues = new Set([encodeHex(genesis(ORIGIN))]);
  let accepted = 0;
  for (const bytes of mutations(Buffer.from(ORIGIN))) {
    const text = Buffer.from(bytes).toString('latin1');
    const origin = attempt(() => parseOrigin(text));
    if (origin === null || text === ORIGIN) continue;
    accepted++;
    assert.equal(formatOrigin(origin), text);
    genesisValues.add(encodeHex(genesis(text)));
  }
  assert.ok(accepted > 0 && genesisValues.size > 1);
});

test('ledger names', () => {
  for (const name of ['a', 'audit.example.com/payments', 'A-1_2/...', '.a', 'a'.repeat(255)]) {
    checkLedgerName(name);
  }
  const bad = [
    '',
    '/',
    'a/',
    '/a',
    'a//b',
    '.',
    '..',
    'a/.',
    'a/../b',
    '~a',
    'a/~b',
    'a b',
    'a+b',
    'ä',
    'a\n',
    'https://a',
  ];
  for (const name of [...bad, 'a'.repeat(256)])
    throwsCode(() => checkLedgerName(name), 'malformed');
});

test('topic names', () => {
  for (const name of ['a', '...', 'a.b', 'checkpoints', 'x'.repeat(200)]) checkTopicName(name);
  const bad = [
    '',
    '.',
    '..',
    'a/b',
    'a b',
    'a.checkpoints',
    '.checkpoints',
    'é',
    'a\n',
    'x'.repeat(201),
  ];
  for (const name of bad) throwsCode(() => checkTopicName(name), 'malformed');
});

test('topic ids', () => {
  checkTopicId(ID);
  const bad = [
    '',
    'A'.repeat(22),
    `${ID}A`,
    ID.slice(1),
    'AAECAwQFBgcICQoLDA0ODx',
    `${ID}==`,
    'AAECAwQFBgcICQoLDA0O+w',
  ];
  for (const id of bad) throwsCode(() => checkTopicId(id), 'malformed');
});

test('whole origins', () => {
  const bad = [
    '',
    `a/${ID}/0`,
    `/t/${ID}/0`,
    `a/t/${ID}/00`,
    `a/t/${ID}/-1`,
    `a/t/${ID}/`,
    `a/t/${ID}/2147483648`,
    `a/t/${ID}/0/`,
    `a/t/${ID}/0\n`,
    `a/t.checkpoints/${ID}/0`,
    `a/~t/${ID}/0`,
    `~a/t/${ID}/0`,
  ];
  for (const text of bad) throwsCode(() => parseOrigin(text), 'malformed');
  const long = { ledger: 'l'.repeat(224), topic: 'topic', topicId: ID, partition: 0 };
  assert.equal(formatOrigin(long).length, 255);
  throwsCode(() => formatOrigin({ ...long, partition: 10 }), 'malformed');
  throwsCode(() => parseOrigin(`l${formatOrigin(long)}`), 'malformed');
});

test('a name that is refused starts no log', () => {
  throwsCode(() => genesis('audit.example.com/orders'), 'malformed');
});
