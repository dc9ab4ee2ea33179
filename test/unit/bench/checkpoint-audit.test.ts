import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { test } from 'node:test';
import { CheckpointAudit, openSigned, type Signed } from '../../../bench/chaos/checkpoint-audit.js';
import { Findings } from '../../../bench/chaos/findings.js';
import type { LogRecord } from '../../../bench/chaos/log-reader.js';
import { encodeBody } from '../../../ledger/body.js';
import { signCheckpoint } from '../../../ledger/checkpoint.js';
import { generateKeyPair, signingKeyFromPem } from '../../../ledger/keys.js';
import { LogState } from '../../../ledger/log.js';

const ORIGIN = 'audit.example.com/chaos/audit/Qk9vVGh1X2V4YW1wbGVzQQ/0';
const WRONG = 'checkpoints that are wrong';
const NOT_SEALED = 'partitions not sealed to their end';
const NAMES = [WRONG, NOT_SEALED, 'checkpoints of another log'];
const RECORDS = 11;
const NOW = Date.parse('2026-01-02T03:04:05.678Z');

const keys = generateKeyPair();
const publicKey = createPublicKey(keys.publicPem);

function record(at: number): LogRecord & { readonly body: Buffer } {
  const parts = { key: null, value: Buffer.from(`event ${at}`), headers: [] };
  const body = Buffer.from(encodeBody(parts));
  // Every other offset is a hole.
  return { partition: 0, offset: BigInt(2 * at), timestamp: 7n, timestampType: 1, body };
}

const LOG = Array.from({ length: RECORDS }, (_, at) => record(at));
const END = BigInt(2 * RECORDS);

/** What a sealer signs after each record, the empty log included. */
function signedNotes(): string[] {
  const key = signingKeyFromPem(keys.privatePem);
  const state = LogState.start(ORIGIN, 0n);
  const sign = (): string => {
    const { size, next, chain } = state;
    const head = { origin: ORIGIN, size, root: state.root(), first: 0n, next, chain };
    const time = NOW + Number(size);
    return signCheckpoint({ ...head, partitions: 1, time, extensions: [] }, key);
  };
  const notes = [sign()];
  for (const { offset, timestamp, body } of LOG) {
    state.append({
      bytes: body,
      count: 1,
      bodyStart: Int32Array.of(0),
      bodyEnd: Int32Array.of(body.length),
      offsets: BigInt64Array.of(offset),
      timestamps: BigInt64Array.of(timestamp),
      timestampType: 1,
    });
    state.skipTo(offset + 2n);
    notes.push(sign());
  }
  return notes;
}

const CHECKPOINTS = signedNotes().map((note) => {
  const signed = openSigned(note, publicKey);
  assert.ok(signed !== null);
  return signed;
});

function auditOf(checkpoints: readonly Signed[], log: readonly LogRecord[] = LOG) {
  const findings = new Findings(NAMES);
  const audit = new CheckpointAudit(0, checkpoints, findings);
  for (const each of log) if (each.body !== null) audit.append(each, each.body);
  audit.finish(END);
  const found = findings.entries
    .filter(([, { count }]) => count > 0)
    .map(([name, { count }]) => [name, count]);
  return { right: audit.right, found: Object.fromEntries(found) };
}

/** With one of them changed. */
function changed(at: number, change: Partial<Signed>): Signed[] {
  return CHECKPOINTS.map((each, index) => (index === at ? { ...each, ...change } : each));
}

test('chain and root by FORMAT alone are what a sealer signs, at every size', () => {
  assert.deepEqual(auditOf(CHECKPOINTS), { right: RECORDS + 1, found: {} });
});

test('a note of another key, a changed note and no note do not open', () => {
  const [note = ''] = signedNotes();
  const other = createPublicKey(generateKeyPair().publicPem);
  assert.equal(openSigned(note, other), null);
  assert.equal(openSigned(note.replace('\nnext 0\n', '\nnext 1\n'), publicKey), null);
  assert.equal(openSigned('', publicKey), null);
});

test('found: another root, another chain, a next too low, one too high, a time that goes back', () => {
  const { chain = '', root = '' } = CHECKPOINTS[3] ?? {};
  for (const change of [{ root }, { chain }, { next: 8n }, { next: 11n }]) {
    assert.deepEqual(auditOf(changed(5, change)).found, { [WRONG]: 1 }, Object.keys(change)[0]);
  }
  const time = '2026-01-02T03:04:05.000Z';
  assert.deepEqual(auditOf(changed(5, { time })).found, { [WRONG]: 1 });
});

test('found: more sealed than the log has, less than it has, and a record that changed', () => {
  const shorter = auditOf(CHECKPOINTS, LOG.slice(0, -1));
  assert.deepEqual(shorter.found, { [WRONG]: 1, [NOT_SEALED]: 1 });
  assert.deepEqual(auditOf(CHECKPOINTS.slice(0, -1)).found, { [NOT_SEALED]: 1 });
  assert.deepEqual(auditOf([]).found, { [NOT_SEALED]: 1 });
  const altered = LOG.map((each, at) => (at === 4 ? { ...each, body: record(99).body } : each));
  assert.deepEqual(auditOf(CHECKPOINTS, altered).found, { [WRONG]: RECORDS - 4 });
});
