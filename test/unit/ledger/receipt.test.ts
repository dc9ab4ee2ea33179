import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  asHash,
  type Checkpoint,
  checkReceipt,
  decodeEntry,
  decodeHex,
  encodeEntry,
  formatNote,
  formatReceipt,
  genesis,
  type Hash,
  inclusionProof,
  leafHash,
  parseNote,
  parseReceipt,
  type Receipt,
  signCheckpoint,
  treeRoot,
} from '../../../ledger/index.js';
import {
  attempt,
  changed,
  checkpointOf,
  hashOf,
  KEY,
  madeLog,
  madeRecord,
  mutations,
  ORIGIN,
  OTHER_KEY,
  throwsCode,
} from './support.js';
import { publicKeyOf, vectorLog } from './vectors.js';

const SIZE = 9;

/** A receipt for record `index` of the made-up log of nine records. */
function madeReceipt(index: number, more: Partial<Checkpoint> = {}, key = KEY): Receipt {
  const entries = Array.from({ length: SIZE }, (_, at) => madeLog(at + 1).last());
  const leaf = (at: bigint) => leafHash(entries[Number(at)] as Uint8Array);
  return {
    index: BigInt(index),
    entry: entries[index] as Uint8Array,
    proof: inclusionProof(leaf, BigInt(index), BigInt(SIZE)),
    note: signCheckpoint(checkpointOf(madeLog(SIZE), more), key),
  };
}

test('every record of a log has a receipt that checks, and only with its own bytes', () => {
  for (let index = 0; index < SIZE; index++) {
    const receipt = parseReceipt(formatReceipt(madeReceipt(index)));
    assert.deepEqual(receipt, madeReceipt(index));
    for (let other = 0; other < SIZE; other++) {
      const { body } = madeRecord(other);
      const check = () => checkReceipt(receipt, body, KEY.publicKey);
      if (other === index) assert.equal(check().size, BigInt(SIZE));
      else throwsCode(check, 'proof-invalid');
    }
  }
});

test('no changed byte of a receipt is accepted', () => {
  for (const log of [vectorLog(0), vectorLog(2)]) {
    const vector = log.receipts[1];
    assert.ok(vector);
    const body = decodeHex(log.records[vector.index]?.body ?? '');
    const key = publicKeyOf(log);
    checkReceipt(parseReceipt(vector.receipt), body, key);
    for (const bytes of mutations(Buffer.from(vector.receipt))) {
      throwsCode(
        () => checkReceipt(parseReceipt(bytes), body, key),
        'malformed',
        'unsigned',
        'signature-invalid',
        'proof-invalid',
      );
    }
  }
});

test('no changed byte of the record is accepted', () => {
  const receipt = madeReceipt(4);
  for (const body of mutations(madeRecord(4).body)) {
    throwsCode(() => checkReceipt(receipt, body, KEY.publicKey), 'proof-invalid');
  }
});

test('a changed receipt that still parses is the one text of its parts', () => {
  let parsed = 0;
  for (const bytes of mutations(Buffer.from(formatReceipt(madeReceipt(4))))) {
    const receipt = attempt(() => parseReceipt(bytes));
    if (receipt === null) continue;
    parsed++;
    assert.deepEqual(new Uint8Array(Buffer.from(formatReceipt(receipt))), bytes);
  }
  assert.ok(parsed > 1000);
});

test('any bytes are refused with an error of ours', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.equal(
        attempt(() => parseReceipt(bytes)),
        null,
      );
    }),
  );
  const pieces = formatReceipt(madeReceipt(4)).split(/(?<=\n| )/);
  fc.assert(
    fc.property(fc.shuffledSubarray(pieces), (some) => {
      const text = some.join('');
      const receipt = attempt(() => parseReceipt(text));
      if (receipt !== null) assert.equal(formatReceipt(receipt), text);
    }),
    { numRuns: 2000 },
  );
});

test('cosignatures of others ride along', () => {
  const receipt = madeReceipt(4);
  const note = parseNote(receipt.note);
  const witness = {
    name: 'witness.example',
    keyId: new Uint8Array(4),
    signature: new Uint8Array(72),
  };
  const cosigned = {
    ...receipt,
    note: formatNote({ ...note, signatures: [witness, ...note.signatures] }),
  };
  checkReceipt(parseReceipt(formatReceipt(cosigned)), madeRecord(4).body, KEY.publicKey);
});

test('a receipt under another key, version or log proves nothing', () => {
  const { body } = madeRecord(4);
  const check = (receipt: Receipt, key = KEY.publicKey) => checkReceipt(receipt, body, key);
  throwsCode(() => check(madeReceipt(4), OTHER_KEY.publicKey), 'unsigned');
  throwsCode(() => check(madeReceipt(4, {}, OTHER_KEY)), 'unsigned');
  const relabelled = madeReceipt(4).note.replaceAll('/11', '/10');
  throwsCode(() => check({ ...madeReceipt(4), note: relabelled }), 'unsigned');
});

test('entry, index and proof must be those of the tree', () => {
  const receipt = madeReceipt(4);
  const entry = decodeEntry(receipt.entry);
  const wrong: Partial<Receipt>[] = [
    { index: 3n },
    { index: 9n },
    { index: 1n << 62n },
    { proof: receipt.proof.slice(1) },
    { proof: [...receipt.proof, hashOf(1)] },
    { proof: receipt.proof.with(0, changed(receipt.proof[0] as Hash)) },
    { entry: encodeEntry({ ...entry, offset: entry.offset + 1n }) },
    { entry: encodeEntry({ ...entry, timestamp: entry.timestamp + 1n }) },
    { entry: encodeEntry({ ...entry, timestampType: 0 }) },
    { entry: encodeEntry({ ...entry, previous: hashOf(1) }) },
  ];
  for (const part of wrong) {
    throwsCode(
      () => checkReceipt({ ...receipt, ...part }, madeRecord(4).body, KEY.publicKey),
      'proof-invalid',
    );
  }
});

test('a signed tree that contradicts the rest of its checkpoint proves nothing', () => {
  const body = madeRecord(0).body;
  const good = decodeEntry(madeLog(1).last());
  const receiptOf = (fields: Partial<typeof good>, more: Partial<Checkpoint> = {}): Receipt => {
    const entry = encodeEntry({ ...good, ...fields });
    const leaves = [leafHash(entry), hashOf(1)];
    const root = treeRoot((index) => leaves[Number(index)] as Hash, 2n);
    const base = { origin: ORIGIN, size: 2n, root, first: 0n, next: 9n, partitions: 12 };
    const note = signCheckpoint(
      { ...base, chain: hashOf(1), time: 0, extensions: [], ...more },
      KEY,
    );
    return { index: 0n, entry, proof: [hashOf(1)], note };
  };
  checkReceipt(receiptOf({}), body, KEY.publicKey);
  const wrong = [
    receiptOf({ previous: hashOf(2) }),
    receiptOf({ offset: 8n }),
    receiptOf({ offset: 100n }),
    receiptOf({}, { first: 1n }),
  ];
  for (const receipt of wrong)
    throwsCode(() => checkReceipt(receipt, body, KEY.publicKey), 'proof-invalid');
  // The same entry as record 1, in a tree that holds it there.
  const entry = encodeEntry({ ...good, offset: 1n });
  const leaves = [hashOf(1), leafHash(entry)];
  const root = treeRoot((index) => leaves[Number(index)] as Hash, 2n);
  const lastOf = (chain: Hash): Receipt => {
    const { note } = receiptOf({}, { root, chain });
    return { index: 1n, entry, proof: [hashOf(1)], note };
  };
  checkReceipt(lastOf(leafHash(entry)), body, KEY.publicKey);
  throwsCode(() => checkReceipt(lastOf(genesis(ORIGIN)), body, KEY.publicKey), 'proof-invalid');
});

test('receipts that the format does not allow', () => {
  const text = formatReceipt(madeReceipt(4));
  const change = (from: string | RegExp, to: string) => {
    const other = text.replace(from, to);
    assert.notEqual(other, text);
    return other;
  };
  const bad = [
    '',
    '\n\n',
    change('@v1', '@v2'),
    change(/extra .*\n/, ''),
    change(/extra .*\n/, 'extra \n'),
    change(/extra .*\n/, 'extra AAAA\n'),
    change('extra ', 'extra  '),
    change('index 4', 'index 04'),
    change('index 4', 'index'),
    change('index 4', 'index -4'),
    change('index 4\n', ''),
    change('index 4\n', 'index 4\n\n'),
    change('index 4\n', `index 4\n${`${'A'.repeat(43)}=\n`.repeat(60)}`),
    change('\n\n', '\n\n\n'),
    change('\n\n', '\n'),
    change(/\n$/, ''),
    `${text}\n`,
    `\ufeff${text}`,
    `${text}${' '.repeat(140_000)}`,
  ];
  for (const other of bad) {
    throwsCode(() => parseReceipt(other), 'malformed');
    throwsCode(() => parseReceipt(Buffer.from(other)), 'malformed');
  }
  const receipt = madeReceipt(4);
  const long = new Array<Hash>(64).fill(asHash(new Uint8Array(32)));
  const unwritable: Partial<Receipt>[] = [
    { proof: long },
    { index: -1n },
    { entry: new Uint8Array(80) },
    { note: 'nothing' },
  ];
  for (const part of unwritable)
    throwsCode(() => formatReceipt({ ...receipt, ...part }), 'malformed');
});
