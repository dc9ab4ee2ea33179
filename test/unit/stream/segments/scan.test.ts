import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import { BatchEncoder } from '../../../../stream/batch/encode.js';
import { stampLog } from '../../../../stream/batch/stamp.js';
import { startOf } from '../../../../stream/segments/log-end.js';
import { scanSegment } from '../../../../stream/segments/scan.js';
import { SegmentFile } from '../../../../stream/segments/segment-file.js';

const LARGE = 1_500_000;

/** A batch of one record, whose value has so many bytes. */
function batchAt(offset: number, bytes: number): Uint8Array {
  const encoder = new BatchEncoder({ maxBytes: 2 * LARGE });
  encoder.add({ key: null, value: Buffer.alloc(bytes, offset), headers: [] }, 1_700_000_000_000n);
  const stamp = { baseOffset: BigInt(offset), leaderEpoch: 0, logAppendTime: 1_700_000_000_000n };
  return stampLog(encoder.finish().bytes, stamp);
}

test('a segment of any length is scanned in one piece of memory, but for longer batches', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sealstream-scan-'));
  try {
    const sizes = Array.from({ length: 60 }, (_, index) => (index === 30 ? LARGE : 100_000));
    const batches = sizes.map((bytes, offset) => batchAt(offset, bytes));
    const whole = Buffer.concat(batches);
    const torn = Buffer.concat([whole, (batches[0] ?? assert.fail()).subarray(0, 1_000)]);
    const path = join(folder, 'segment.log');
    await writeFile(path, torn);
    const file = await SegmentFile.open(path);
    const memory: ArrayBufferLike[] = [];
    const read = file.read.bind(file);
    mock.method(file, 'read', async (...words: Parameters<typeof read>) => {
      const bytes = await read(...words);
      memory.push(bytes.buffer);
      return bytes;
    });
    const scan = await scanSegment(file, startOf(0n), torn.length);
    await file.close();
    assert.deepEqual(
      [scan.position, scan.next, scan.end, scan.damage],
      [whole.length, 60n, 60n, null],
    );
    assert.ok(memory.length > 7, String(memory.length));
    // One for the chunks, one for the batch that is longer, one for the search in what is torn.
    assert.equal(new Set(memory).size, 3);
  } finally {
    await rm(folder, { recursive: true });
  }
});
