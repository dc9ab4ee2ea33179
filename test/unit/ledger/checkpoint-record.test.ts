import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkpointKey,
  checkpointTopic,
  decodeBody,
  decodeCheckpointRecord,
  encodeBody,
  encodeCheckpointRecord,
  LogState,
  openCheckpoint,
  type RecordParts,
  signCheckpoint,
} from '../../../ledger/index.js';
import { attempt, checkpointOf, KEY, madeLog, mutations, ORIGIN, throwsCode } from './support.js';

const STATE = madeLog(6);
const CHECKPOINT = checkpointOf(STATE);
const RECORD = {
  note: signCheckpoint(CHECKPOINT, KEY),
  last: STATE.last(),
  frontier: STATE.frontier(),
};
const PARTS = encodeCheckpointRecord(RECORD);

/** All that a reader checks of such a record; false where something is not as it must be. */
function accepted(parts: RecordParts): boolean {
  const checked = attempt(() => {
    const { origin, record, keyText } = decodeCheckpointRecord(parts);
    const checkpoint = openCheckpoint(record.note, ORIGIN, KEY.publicKey);
    LogState.resume(checkpoint, record.last, record.frontier);
    return origin === ORIGIN && keyText === checkpointKey(ORIGIN, checkpoint.time);
  });
  return checked === true;
}

/** The parts with the values of header `name` replaced. */
function withHeader(name: string, ...values: (Uint8Array | null)[]): RecordParts {
  const headers = PARTS.headers.flatMap((header) =>
    Buffer.from(header.key).toString() === name
      ? values.map((value) => ({ ...header, value }))
      : [header],
  );
  return { ...PARTS, headers };
}

test('the key is the origin and the UTC hour', () => {
  const time = Date.UTC(2026, 10, 23, 23, 59, 59, 999);
  assert.equal(checkpointKey(ORIGIN, time), `${ORIGIN}@2026-11-23T23`);
  assert.equal(checkpointKey(ORIGIN, time + 1), `${ORIGIN}@2026-11-24T00`);
  assert.equal(checkpointTopic('audit'), 'audit.checkpoints');
  throwsCode(() => checkpointTopic('audit.checkpoints'), 'malformed');
  throwsCode(() => checkpointKey('nothing', time), 'malformed');
});

test('a record comes back as it went, and whole', () => {
  assert.ok(accepted(PARTS));
  assert.ok(accepted(decodeBody(encodeBody(PARTS))));
  const body = Buffer.from(encodeBody(PARTS));
  const decoded = decodeCheckpointRecord(decodeBody(body));
  body.fill(0);
  assert.deepEqual(decoded.record, RECORD);
});

test('no changed byte of a record is accepted', () => {
  let parsed = 0;
  for (const bytes of mutations(encodeBody(PARTS))) {
    const parts = attempt(() => decodeBody(bytes));
    if (parts === null) continue;
    parsed++;
    assert.ok(!accepted(parts), Buffer.from(bytes).toString('latin1'));
  }
  assert.ok(parsed > 1000);
});

test('other headers may be there, ours once', () => {
  const other = { key: Buffer.from('traceparent'), value: null };
  assert.ok(accepted({ ...PARTS, headers: [other, ...PARTS.headers, other] }));
  assert.ok(accepted({ ...PARTS, headers: PARTS.headers.toReversed() }));
  for (const name of ['last', 'frontier']) {
    const value = name === 'last' ? RECORD.last : RECORD.frontier;
    assert.ok(accepted(withHeader(name, value)));
    const bad: (Uint8Array | null)[][] = [
      [],
      [null],
      [value, value],
      [value, null],
      [value.subarray(1)],
      [new Uint8Array(82)],
      [new Uint8Array(64 * 32)],
    ];
    for (const values of bad) {
      throwsCode(() => decodeCheckpointRecord(withHeader(name, ...values)), 'malformed');
    }
  }
});

test('what is no checkpoint record is refused', () => {
  const key = (text: string) => ({ ...PARTS, key: Buffer.from(text) });
  const bad: RecordParts[] = [
    { ...PARTS, value: null },
    { ...PARTS, key: null },
    { ...PARTS, value: new Uint8Array(0) },
    { ...PARTS, value: Buffer.from('text\n') },
    { ...PARTS, value: new Uint8Array(200_000) },
    key(''),
    key(ORIGIN),
    key(`${ORIGIN}@`),
    key(`${ORIGIN}@2026-11-23`),
    key(`${ORIGIN}@2026-11-23T2`),
    key(`${ORIGIN}@2026-11-23T23:00`),
    key(`${ORIGIN.replace('/11', '/10')}@2026-11-23T23`),
    key(`${ORIGIN}@${ORIGIN}@2026-11-23T23`),
    { ...PARTS, key: Uint8Array.of(0xff) },
    { ...PARTS, key: new Uint8Array(1 << 20) },
  ];
  for (const parts of bad) throwsCode(() => decodeCheckpointRecord(parts), 'malformed');
  throwsCode(() => encodeCheckpointRecord({ ...RECORD, note: 'nothing' }), 'malformed');
});
