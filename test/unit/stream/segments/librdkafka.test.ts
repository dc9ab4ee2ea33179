import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RecordBatch, Stream } from '../../../../stream/stream.js';
import {
  batchPlaces,
  expectedRecords,
  FIXTURES,
  listRecords,
  segmentOf,
} from '../../../support/librdkafka.js';
import { FIRST_SEGMENT, openIn, storedPartition, TOPIC_ID, temporaryFolder } from './support.js';

const TOPIC = { topic: 'audit', topicId: TOPIC_ID };

/** Everything, and how many reports it came in. */
async function readIn(stream: Stream, maxBytes: number) {
  const reader = await stream.reader(TOPIC, { maxBytes });
  const batches: RecordBatch[] = [];
  reader.seek({ partition: 0, offset: 0n });
  for (let polls = 1; ; polls++) {
    assert.ok(polls < 100, 'no end');
    for (const fetched of await reader.poll(1000)) {
      assert.equal(fetched.error, null);
      batches.push(...fetched.batches);
      if (fetched.next.offset !== fetched.highWatermark) continue;
      await reader.close();
      return { batches, polls };
    }
  }
}

for (const fixture of FIXTURES) {
  test(`a segment that librdkafka filled, at any limit: ${fixture}`, async (context) => {
    const root = await temporaryFolder(context);
    const segment = segmentOf(fixture);
    await storedPartition(root, 'audit-0', { [FIRST_SEGMENT]: segment });
    await writeFile(join(root, 'meta.properties'), 'version=1\n');
    const stream = await openIn(context, root);
    const count = batchPlaces(segment).length - 1;
    for (const maxBytes of [1, 5000, 4_000_000]) {
      const { batches, polls } = await readIn(stream, maxBytes);
      assert.equal(batches.length, count);
      assert.deepEqual(listRecords(batches), expectedRecords(fixture));
      // A batch larger than the limit comes whole, and alone.
      if (maxBytes === 1) assert.equal(polls, count);
    }
  });
}
