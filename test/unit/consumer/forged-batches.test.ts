import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { readBatchHeader } from '../../../stream/batch/decode.js';
import { BatchEncoder } from '../../../stream/batch/encode.js';
import { stampLog } from '../../../stream/batch/stamp.js';
import { checkBothWays, expectFinding } from '../../support/findings.js';
import { FolderPlace } from '../../support/folder-place.js';
import { MadeLedger } from '../../support/made-ledger.js';

const FIRST = '00000000000000000000.log';
const SECOND = '00000000000000000002.log';

/** A batch with one record at `offset` that nobody published, as a consumer would be served it. */
function forged(offset: bigint): Uint8Array {
  const encoder = new BatchEncoder();
  encoder.add({ key: null, value: Buffer.from('forged'), headers: [] }, 0n);
  const stamp = { baseOffset: offset, leaderEpoch: 0, logAppendTime: BigInt(Date.now()) };
  return stampLog(encoder.finish().bytes, stamp);
}

/** A segment's batches: offsets 0 and 1, then 2, then 3. */
function batchesOf(bytes: Buffer): Buffer[] {
  const batches: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + (readBatchHeader(bytes, at)?.sizeInBytes ?? assert.fail('no batch'));
    batches.push(bytes.subarray(at, end));
    at = end;
  }
  assert.equal(batches.length, 3);
  return batches;
}

describe('a forged batch beside the true one', () => {
  let place: FolderPlace;
  let made: MadeLedger;
  beforeEach(async () => {
    place = await FolderPlace.open();
    made = await MadeLedger.create(place.stream, { partitions: 1 });
    const record = { key: Buffer.from('k'), value: Buffer.from('v'), headers: [] };
    await made.appendRecords(0, [record, record]);
    await made.appendRecords(0, [record]);
    await made.appendRecords(0, [record]);
    await made.seal(0);
  });
  afterEach(() => place.close());

  async function reportAfter(change: (folder: string, batches: Buffer[]) => void) {
    await place.offline((root) => {
      const folder = join(root, `${made.topic}-0`);
      change(folder, batchesOf(readFileSync(join(folder, FIRST))));
    });
    return checkBothWays(made, place.stream, { confirmMs: 0, timeoutMs: 200 });
  }

  test('behind it in the segment is found', async () => {
    const report = await reportAfter((folder, [first, second, third]) => {
      const parts = [first, second, forged(2n), third].filter((part) => part !== undefined);
      writeFileSync(join(folder, FIRST), Buffer.concat(parts));
    });
    assert.equal(report.verdict, 'tampered');
    expectFinding(report, 'batch-corrupt', 2n, 3n);
  });

  test('in a segment that the next one overlaps is found', async () => {
    const report = await reportAfter((folder, [first, second, third]) => {
      const before = [first, forged(2n)].filter((part) => part !== undefined);
      const after = [second, third].filter((part) => part !== undefined);
      writeFileSync(join(folder, FIRST), Buffer.concat(before));
      writeFileSync(join(folder, SECOND), Buffer.concat(after));
    });
    assert.equal(report.verdict, 'tampered');
    expectFinding(report, 'batch-corrupt', 2n, 4n);
  });
});
