import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { decodeBatches } from '../../../stream/batch/decode.js';
import { BatchEncoder } from '../../../stream/batch/encode.js';
import { stampLog } from '../../../stream/batch/stamp.js';
import { tamper } from '../../support/tamper.js';

let root: string;

/** Two batches: offsets 0–2 with CreateTime, 3–4 with LogAppendTime 9 000. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sealstream-tamper-'));
  mkdirSync(join(root, 'audit-0'));
  const bytes = Buffer.concat([batch(0, 3, null), batch(3, 2, 9_000n)]);
  writeFileSync(join(root, 'audit-0', '00000000000000000000.log'), bytes);
});

afterEach(() => rmSync(root, { recursive: true }));

function batch(base: number, count: number, logAppendTime: bigint | null): Uint8Array {
  const encoder = new BatchEncoder();
  for (let index = base; index < base + count; index += 1) {
    const value = Buffer.from(`record ${index}`);
    encoder.add({ key: null, value, headers: [] }, 1_000n + BigInt(index));
  }
  const stamp = { baseOffset: BigInt(base), leaderEpoch: 0, logAppendTime };
  return stampLog(encoder.finish().bytes, stamp);
}

/** Offset, timestamp and value of every record, decoded with CRC checked. */
function stored(file = '00000000000000000000.log'): string[] {
  const bytes = readFileSync(join(root, 'audit-0', file));
  const { batches, error } = decodeBatches(bytes, { from: 0n, topic: 'audit', partition: 0 });
  if (error !== null) throw error;
  return batches.flatMap((one) =>
    Array.from({ length: one.count }, (_, index) => {
      const { offset, timestamp, value } = one.record(index);
      return `${offset} ${timestamp} ${Buffer.from(value ?? []).toString()}`;
    }),
  );
}

const BEFORE = [
  '0 1000 record 0',
  '1 1001 record 1',
  '2 1002 record 2',
  '3 9000 record 3',
  '4 9000 record 4',
];

test('saving without a change leaves the log as it was', () => {
  tamper(root, 'audit', 0, (log) => assert.deepEqual(log.offsets, [0n, 1n, 2n, 3n, 4n]));
  assert.deepEqual(stored(), BEFORE);
});

test('one byte of a record is changed and the CRC holds', () => {
  tamper(root, 'audit', 0, (log) => log.changeByte(1n));
  assert.deepEqual(stored(), BEFORE.with(1, '1 1001 record 0'));
});

test('a removed record leaves a hole', () => {
  tamper(root, 'audit', 0, (log) => log.remove(3n));
  assert.deepEqual(stored(), BEFORE.toSpliced(3, 1));
});

test('two records change places, across batches too', () => {
  tamper(root, 'audit', 0, (log) => log.swap(0n, 4n));
  assert.deepEqual(stored(), BEFORE.with(0, '0 1000 record 4').with(4, '4 9000 record 0'));
});

test('a timestamp is moved: of a record, or of a batch under LogAppendTime', () => {
  tamper(root, 'audit', 0, (log) => {
    log.moveTimestamp(2n, -500n);
    log.moveTimestamp(3n, 7n);
  });
  assert.deepEqual(stored(), [
    ...BEFORE.slice(0, 2),
    '2 502 record 2',
    '3 9007 record 3',
    '4 9007 record 4',
  ]);
});

test('the tail is truncated, within a batch and at its edge', () => {
  tamper(root, 'audit', 0, (log) => log.truncate(4n));
  assert.deepEqual(stored(), BEFORE.slice(0, 4));
  tamper(root, 'audit', 0, (log) => log.truncate(3n));
  assert.deepEqual(stored(), BEFORE.slice(0, 3));
});

test('the start of the log is deleted', () => {
  tamper(root, 'audit', 0, (log) => log.deleteBefore(2n));
  assert.deepEqual(stored('00000000000000000002.log'), BEFORE.slice(2));
});

test('a corrupt batch keeps its wrong CRC', () => {
  tamper(root, 'audit', 0, (log) => log.corrupt(4n));
  assert.throws(stored, { code: 'batch-corrupt' });
});
