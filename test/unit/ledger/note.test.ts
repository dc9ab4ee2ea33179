import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  encodeBase64,
  encodeHex,
  formatNote,
  keyId,
  MAX_NOTE_LENGTH,
  type NoteSignature,
  openNote,
  parseNote,
  publicKeyFromBytes,
  signNote,
  verifierKey,
} from '../../../ledger/index.js';
import { attempt, KEY, mutations, OTHER_KEY, throwsCode } from './support.js';

const NAME = 'example.com/log';
const TEXT = 'first line\n\nthird line: ü 𐍈\n';
const SIGNED = signNote(TEXT, NAME, KEY);

function line(name: string, id: Uint8Array, signature: Uint8Array): string {
  return `— ${name} ${encodeBase64(Buffer.concat([id, signature]))}\n`;
}

function unknownLine(index: number): string {
  return line(`witness${index}.example`, Uint8Array.of(0, 0, 0, index), new Uint8Array(72));
}

const anyName = fc.stringMatching(/^[A-Za-z0-9./é—_-]{1,30}$/);
const anySignature: fc.Arbitrary<NoteSignature> = fc.record(
  {
    name: anyName,
    keyId: fc.uint8Array({ minLength: 4, maxLength: 4 }),
    signature: fc.uint8Array({ minLength: 1, maxLength: 100 }),
  },
  { noNullPrototype: true },
);
const anyText = fc
  .string({ unit: 'grapheme' })
  .map((text) => `${text.replace(/[^\n\P{Cc}]/gu, '')}\n`);

test('a note comes back as it went', () => {
  const signatures = fc.array(anySignature, { minLength: 1, maxLength: 16 });
  fc.assert(
    fc.property(anyText, signatures, (text, list) => {
      const note = { text, signatures: list };
      const formatted = formatNote(note);
      assert.deepEqual(parseNote(formatted), note);
      assert.deepEqual(parseNote(Buffer.from(formatted)), note);
    }),
  );
});

test('a signed note opens with its key under its name, and no other', () => {
  assert.equal(openNote(SIGNED, NAME, KEY.publicKey).text, TEXT);
  throwsCode(() => openNote(SIGNED, NAME, OTHER_KEY.publicKey), 'unsigned');
  throwsCode(() => openNote(SIGNED, 'example.com/other', KEY.publicKey), 'unsigned');
});

test('no changed byte of a signed note is accepted', () => {
  for (const bytes of mutations(Buffer.from(SIGNED))) {
    throwsCode(
      () => openNote(bytes, NAME, KEY.publicKey),
      'malformed',
      'unsigned',
      'signature-invalid',
    );
  }
});

test('a changed note that still parses is the one text of its parts', () => {
  let parsed = 0;
  for (const bytes of mutations(Buffer.from(SIGNED))) {
    const note = attempt(() => parseNote(bytes));
    if (note === null) continue;
    parsed++;
    assert.deepEqual(new Uint8Array(Buffer.from(formatNote(note))), bytes);
  }
  assert.ok(parsed > 100);
});

test('any text is refused with an error of ours, or is the text of its parts', () => {
  const unit = fc.constantFrom(
    '— ',
    'a',
    ' ',
    '\n',
    '\n\n',
    'QUFBQUE=',
    '+',
    '\u00a0',
    '\ud800',
    'é',
  );
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 20 }), (text) => {
      const note = attempt(() => parseNote(text));
      if (note !== null) assert.equal(formatNote(note), text);
    }),
    { numRuns: 5000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      attempt(() => openNote(bytes, NAME, KEY.publicKey));
    }),
  );
});

test('signatures of others may stand before and after, and are not looked at', () => {
  const [ours] = SIGNED.split('\n').slice(-2);
  const sameName = line(NAME, Uint8Array.of(9, 9, 9, 9), new Uint8Array(64));
  const sameId = line('example.com/other', keyId(NAME, KEY.publicKey), new Uint8Array(64));
  const note = `${TEXT}\n${unknownLine(1)}${sameName}${ours}\n${sameId}${unknownLine(2)}`;
  assert.equal(openNote(note, NAME, KEY.publicKey).signatures.length, 5);
});

test('a known key whose signature fails rejects the note, even beside a good one', () => {
  const [ours] = SIGNED.split('\n').slice(-2);
  const wrong = line(NAME, keyId(NAME, KEY.publicKey), new Uint8Array(64));
  const short = line(NAME, keyId(NAME, KEY.publicKey), new Uint8Array(63));
  for (const bad of [wrong, short]) {
    for (const lines of [bad, `${ours}\n${bad}`, `${bad}${ours}\n`]) {
      throwsCode(() => openNote(`${TEXT}\n${lines}`, NAME, KEY.publicKey), 'signature-invalid');
    }
  }
  assert.equal(openNote(`${TEXT}\n${ours}\n${ours}\n`, NAME, KEY.publicKey).text, TEXT);
});

test('sixteen signatures are taken, seventeen are not', () => {
  const others = Array.from({ length: 15 }, (_, index) => unknownLine(index)).join('');
  const [ours] = SIGNED.split('\n').slice(-2);
  assert.equal(openNote(`${TEXT}\n${others}${ours}\n`, NAME, KEY.publicKey).text, TEXT);
  const more = `${TEXT}\n${others}${unknownLine(15)}${ours}\n`;
  throwsCode(() => openNote(more, NAME, KEY.publicKey), 'malformed');
});

test('128 KiB are taken, one byte more is not, however the bytes are written', () => {
  const sized = (length: number) => signNote(`${'x'.repeat(length - 1)}\n`, NAME, KEY);
  const overhead = Buffer.byteLength(sized(1000)) - 1000;
  const largest = sized(MAX_NOTE_LENGTH - overhead);
  assert.equal(Buffer.byteLength(largest), MAX_NOTE_LENGTH);
  openNote(largest, NAME, KEY.publicKey);
  openNote(Buffer.from(largest), NAME, KEY.publicKey);
  throwsCode(() => sized(MAX_NOTE_LENGTH - overhead + 1), 'malformed');
  const tooLong = `x${largest}`;
  throwsCode(() => parseNote(tooLong), 'malformed');
  throwsCode(() => parseNote(Buffer.from(tooLong)), 'malformed');
  // Fewer than 128 Ki characters, but more bytes.
  throwsCode(() => parseNote(`${'é'.repeat(70_000)}\n\n${unknownLine(1)}`), 'malformed');
});

test('what is no note is refused', () => {
  const good = unknownLine(1);
  assert.equal(parseNote(`text\n\n${good}`).text, 'text\n');
  const bad = [
    '',
    '\n',
    'text\n',
    'text\n\n',
    `text\n${good}`,
    `text\n\n${good.slice(0, -1)}`,
    `text\n\n${good}\n`,
    `text\n\n${good}text\n`,
    `text\r\n\r\n${good}`,
    `te\u0000xt\n\n${good}`,
    `te\txt\n\n${good}`,
    `te\ud800xt\n\n${good}`,
    `text\n\n- name QUFBQUE=\n`,
    `text\n\n—name QUFBQUE=\n`,
    `text\n\n— QUFBQUE=\n`,
    `text\n\n—  QUFBQUE=\n`,
    `text\n\n— na+me QUFBQUE=\n`,
    `text\n\n— na\u00a0me QUFBQUE=\n`,
    `text\n\n— na\u0085me QUFBQUE=\n`,
    `text\n\n— na\u2028me QUFBQUE=\n`,
    `text\n\n— name  QUFBQUE=\n`,
    `text\n\n— name QUFBQUE= \n`,
    `text\n\n— name QUFBQUE\n`,
    `text\n\n— name QUFBQUF=\n`,
    `text\n\n— name QUFBQQ==\n`,
    `text\n\n— name \n`,
  ];
  for (const text of bad) throwsCode(() => parseNote(text), 'malformed');
  for (let code = 0; code < 0x20; code++) {
    const text = `te${String.fromCharCode(code)}xt\n`;
    const parse = () => parseNote(`${text}\n${good}`);
    if (code === 0x0a) assert.equal(parse().text, text);
    else throwsCode(parse, 'malformed');
  }
  throwsCode(
    () => parseNote(Buffer.concat([Buffer.from('a\xff', 'latin1'), Buffer.from(`\n\n${good}`)])),
    'malformed',
  );
});

test('what could not be read back is not written', () => {
  const signature = { name: 'name', keyId: new Uint8Array(4), signature: new Uint8Array(64) };
  const bad = [
    { text: 'no newline', signatures: [signature] },
    { text: '', signatures: [signature] },
    { text: 'a\u0007\n', signatures: [signature] },
    { text: '\udfff\n', signatures: [signature] },
    { text: 'a\n', signatures: [] },
    { text: 'a\n', signatures: new Array<NoteSignature>(17).fill(signature) },
    { text: 'a\n', signatures: [{ ...signature, name: '' }] },
    { text: 'a\n', signatures: [{ ...signature, name: 'a b' }] },
    { text: 'a\n', signatures: [{ ...signature, name: 'a\nb' }] },
    { text: 'a\n', signatures: [{ ...signature, keyId: new Uint8Array(5) }] },
    { text: 'a\n', signatures: [{ ...signature, signature: new Uint8Array(0) }] },
  ];
  for (const note of bad) throwsCode(() => formatNote(note), 'malformed');
  throwsCode(() => signNote('text\n', 'a+b', KEY), 'malformed');
});

test('verifier keys as the Go tools print them', () => {
  const example = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
  const key = publicKeyFromBytes(
    Buffer.from(example.split('+').slice(2).join('+'), 'base64').subarray(1),
  );
  assert.equal(encodeHex(keyId('PeterNeumann', key)), 'c74f20a3');
  assert.equal(verifierKey('PeterNeumann', key), example);
  const note =
    'If you think cryptography is the answer to your problem,\n' +
    "then you don't know what your problem is.\n\n" +
    '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2' +
    'pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';
  assert.equal(openNote(note, 'PeterNeumann', key).signatures.length, 1);
});
