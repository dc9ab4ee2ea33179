import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  asHash,
  checkInclusion,
  checkpointKey,
  checkReceipt,
  decodeBody,
  decodeCheckpointRecord,
  decodeEntry,
  decodeFrontier,
  decodeHex,
  encodeBody,
  encodeCheckpointRecord,
  encodeEntry,
  encodeFrontier,
  encodeHex,
  formatCheckpoint,
  formatNote,
  formatReceipt,
  formatTime,
  frontierRoot,
  genesis,
  inclusionProof,
  LogState,
  leafHash,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  parseReceipt,
  parseTime,
  recordHash,
  SealstreamError,
  signCheckpoint,
  signingKeyFromSeed,
  treeRoot,
  verifierKey,
} from '../../../ledger/index.js';
import { appendVectors, openVector, partsOf, publicKeyOf, vectors } from './vectors.js';

function joined(hashes: readonly string[]): Uint8Array {
  return decodeHex(hashes.join(''));
}

for (const log of vectors.logs) {
  const key = publicKeyOf(log);
  const signingKey = signingKeyFromSeed(decodeHex(log.privateSeed));
  const leaf = (index: bigint) => asHash(decodeHex(log.records[Number(index)]?.chain ?? ''));

  test(`${log.origin}: identity`, () => {
    assert.equal(encodeHex(genesis(log.origin)), log.genesis);
    assert.deepEqual(signingKey.publicKey, key);
    assert.equal(verifierKey(log.origin, key), log.vkey);
  });

  test(`${log.origin}: records to bodies, entries and chain, and back`, () => {
    let previous = genesis(log.origin);
    for (const record of log.records) {
      const parts = partsOf(record);
      const body = encodeBody(parts);
      assert.equal(encodeHex(body), record.body);
      assert.deepEqual(decodeBody(body), parts);
      assert.equal(encodeHex(recordHash(body)), record.record);
      const fields = {
        previous,
        record: recordHash(body),
        offset: BigInt(record.offset),
        timestamp: BigInt(record.timestamp),
        timestampType: record.timestampType,
      };
      const entry = encodeEntry(fields);
      assert.equal(encodeHex(entry), record.entry);
      assert.deepEqual(decodeEntry(entry), fields);
      previous = leafHash(entry);
      assert.equal(encodeHex(previous), record.chain);
    }
  });

  for (const vector of log.checkpoints) {
    const size = BigInt(vector.size);

    test(`${log.origin}: checkpoint of size ${size}, opened and signed again`, () => {
      const checkpoint = openVector(log, vector);
      assert.equal(checkpoint.origin, log.origin);
      assert.equal(checkpoint.size, size);
      assert.equal(encodeHex(checkpoint.root), vector.root);
      assert.equal(encodeHex(checkpoint.chain), vector.chain);
      assert.equal(checkpoint.next, BigInt(vector.next));
      assert.equal(checkpoint.partitions, 12);
      assert.equal(formatTime(checkpoint.time), log.time);
      assert.equal(parseTime(log.time), checkpoint.time);
      assert.deepEqual(checkpoint.extensions, []);
      const note = parseNote(vector.note);
      assert.equal(formatNote(note), vector.note);
      assert.equal(formatCheckpoint(checkpoint), note.text);
      assert.deepEqual(parseCheckpoint(note.text), checkpoint);
      assert.equal(signCheckpoint(checkpoint, signingKey), vector.note);
      assert.deepEqual(openCheckpoint(Buffer.from(vector.note), log.origin, key), checkpoint);
    });

    test(`${log.origin}: tree and frontier of size ${size}`, () => {
      assert.equal(encodeHex(treeRoot(leaf, size)), vector.root);
      const frontier = decodeFrontier(joined(vector.frontier), size);
      assert.deepEqual(frontier.map(encodeHex), vector.frontier);
      assert.deepEqual(encodeFrontier(frontier), joined(vector.frontier));
      assert.equal(encodeHex(frontierRoot(frontier)), vector.root);
    });

    test(`${log.origin}: record of the checkpoint topic of size ${size}, both ways`, () => {
      const record = {
        note: vector.note,
        last: decodeHex(vector.last),
        frontier: joined(vector.frontier),
      };
      const parts = encodeCheckpointRecord(record);
      assert.equal(Buffer.from(parts.key ?? []).toString(), vector.topicKey);
      assert.equal(checkpointKey(log.origin, parseTime(log.time)), vector.topicKey);
      assert.deepEqual(decodeCheckpointRecord(decodeBody(encodeBody(parts))), {
        origin: log.origin,
        record,
        keyText: vector.topicKey,
      });
    });

    test(`${log.origin}: state of size ${size}, computed and resumed`, () => {
      const checkpoint = openVector(log, vector);
      const computed = LogState.start(log.origin, checkpoint.first);
      appendVectors(computed, log.records.slice(0, vector.size));
      computed.skipTo(checkpoint.next);
      const resumed = LogState.resume(checkpoint, decodeHex(vector.last), joined(vector.frontier));
      for (const state of [computed, resumed, resumed.clone()]) {
        assert.equal(state.size, size);
        assert.equal(state.next, checkpoint.next);
        assert.equal(encodeHex(state.chain), vector.chain);
        assert.equal(encodeHex(state.root()), vector.root);
        assert.equal(encodeHex(state.last()), vector.last);
        assert.deepEqual(state.frontier(), joined(vector.frontier));
      }
      const head = log.checkpoints.at(-1);
      assert.ok(head);
      appendVectors(resumed, log.records.slice(vector.size));
      assert.equal(encodeHex(resumed.root()), head.root);
      assert.equal(encodeHex(resumed.chain), head.chain);
      assert.equal(encodeHex(resumed.last()), head.last);
    });
  }

  for (const vector of log.receipts) {
    test(`${log.origin}: receipt of record ${vector.index}, made and checked`, () => {
      const record = log.records[vector.index];
      const head = log.checkpoints.at(-1);
      assert.ok(record && head);
      const index = BigInt(vector.index);
      const proof = inclusionProof(leaf, index, BigInt(head.size));
      checkInclusion(leaf(index), index, BigInt(head.size), proof, asHash(decodeHex(head.root)));
      const receipt = { index, entry: decodeHex(record.entry), proof, note: head.note };
      assert.equal(formatReceipt(receipt), vector.receipt);
      assert.deepEqual(parseReceipt(vector.receipt), receipt);
      assert.deepEqual(parseReceipt(Buffer.from(vector.receipt)), receipt);
      assert.deepEqual(
        checkReceipt(parseReceipt(vector.receipt), decodeHex(record.body), key),
        openVector(log, head),
      );
    });
  }
}

/** The code that each of the rejected notes is refused with. */
const REJECT_CODES: Record<string, string> = {
  'size with a leading zero': 'malformed',
  'signed, another version: could not check': 'unknown-version',
  'text changed after signing': 'signature-invalid',
  "name on the signature line is another partition's": 'unsigned',
  'signed by another key': 'unsigned',
  'non-canonical base64 root': 'malformed',
  'a name twice': 'malformed',
  'missing last newline': 'malformed',
  'time not in the fixed form': 'malformed',
  'next below first': 'malformed',
};

test('every rejected note has a code expected of it', () => {
  assert.deepEqual(vectors.reject.map(({ why }) => why).sort(), Object.keys(REJECT_CODES).sort());
});

for (const { why, note } of vectors.reject) {
  test(`rejected: ${why}`, () => {
    const log = vectors.logs[2];
    assert.ok(log);
    assert.throws(
      () => openCheckpoint(note, log.origin, publicKeyOf(log)),
      (error) => error instanceof SealstreamError && error.code === REJECT_CODES[why],
    );
  });
}

test('of the frontiers of one checkpoint only the right one is taken', () => {
  const log = vectors.logs[2];
  assert.ok(log);
  const checkpoint = openCheckpoint(vectors.frontiers.note, log.origin, publicKeyOf(log));
  const last = decodeHex(log.records[vectors.frontiers.size - 1]?.entry ?? '');
  const state = LogState.resume(checkpoint, last, joined(vectors.frontiers.good));
  assert.deepEqual(state.root(), checkpoint.root);
  for (const frontier of vectors.frontiers.reject) {
    assert.throws(
      () => LogState.resume(checkpoint, last, joined(frontier)),
      (error) => error instanceof SealstreamError && error.code === 'malformed',
    );
  }
});
