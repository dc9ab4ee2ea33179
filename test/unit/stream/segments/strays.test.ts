import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BatchEncoder } from '../../../../stream/batch/encode.js';
import { readRange } from '../../../../stream/read.js';
import { PartitionLog } from '../../../../stream/segments/partition-log.js';
import type { Stream, TopicDescription } from '../../../../stream/stream.js';
import { createTopic, openIn, stored, temporaryFolder } from './support.js';

const BATCHES = [stored(0n, 'a', 'b'), stored(2n, 'c', 'd'), stored(4n, 'e')];
const COPY = stored(2n, 'x', 'y');

interface Scene {
  readonly stream: Stream;
  readonly topic: TopicDescription;
  readonly folder: string;
}

async function scene(context: TestContext, files: Record<string, Uint8Array[]>): Promise<Scene> {
  const root = await temporaryFolder(context);
  const stream = await openIn(context, root);
  const topic = await createTopic(stream, 'audit');
  const folder = join(root, 'audit-0');
  for (const [name, batches] of Object.entries(files)) {
    writeFileSync(join(folder, `${name.padStart(20, '0')}.log`), Buffer.concat(batches));
  }
  return { stream, topic, folder };
}

/** Values and strays of [from, until), read in pieces of `maxBytes`. */
async function read(
  { stream, topic }: Scene,
  from: bigint,
  until: bigint,
  maxBytes: number,
): Promise<{ values: string; strays: [bigint, bigint][] }> {
  let values = '';
  const strays: [bigint, bigint][] = [];
  const options = { timeoutMs: 500, maxBytes, withStrays: true };
  for await (const fetched of readRange(stream, topic, { partition: 0, from, until }, options)) {
    for (const stray of fetched.strays) strays.push([stray.from, stray.to]);
    for (const batch of fetched.batches) {
      for (let index = 0; index < batch.count; index++) {
        values += Buffer.from(batch.record(index).value ?? []).toString();
      }
    }
  }
  return { values, strays };
}

const [FIRST, SECOND, THIRD] = BATCHES as [Uint8Array, Uint8Array, Uint8Array];

for (const maxBytes of [1, 100, 1024 * 1024]) {
  test(`a copy behind its batch is met whatever is read at once: ${maxBytes} bytes`, async (context) => {
    const at = await scene(context, { '0': [FIRST, SECOND, COPY, THIRD] });
    assert.deepEqual(await read(at, 0n, 5n, maxBytes), { values: 'abcde', strays: [[2n, 4n]] });
    // Also where nothing behind it is wanted, and by who begins at its batch.
    assert.deepEqual(await read(at, 0n, 4n, maxBytes), { values: 'abcd', strays: [[2n, 4n]] });
    assert.deepEqual((await read(at, 2n, 4n, maxBytes)).strays, [[2n, 4n]]);
  });

  test(`a copy behind the last batch is met: ${maxBytes} bytes`, async (context) => {
    const at = await scene(context, { '0': [...BATCHES, COPY] });
    assert.deepEqual(await read(at, 0n, 5n, maxBytes), { values: 'abcde', strays: [[2n, 4n]] });
  });

  test(`a batch below its segment's name is met: ${maxBytes} bytes`, async (context) => {
    const at = await scene(context, { '0': [FIRST, SECOND], '4': [COPY, THIRD] });
    assert.deepEqual(await read(at, 0n, 5n, maxBytes), { values: 'abcde', strays: [[2n, 4n]] });
  });
}

test('who does not look at strays is told of the first', async (context) => {
  const { stream, topic } = await scene(context, { '0': [FIRST, SECOND, COPY, THIRD] });
  const reading = async () => {
    for await (const { batches } of readRange(stream, topic, { partition: 0, from: 0n })) {
      assert.ok(batches.length > 0);
    }
  };
  await assert.rejects(reading, { code: 'batch-corrupt', message: /offsets 2 to 3/ });
});

test('a log that ends in a batch of other offsets ends its reading at once', async (context) => {
  const { stream, topic } = await scene(context, { '0': [FIRST, stored(1n, 'x', 'y', 'z')] });
  // Far longer than the test: only what came may end it.
  const options = { timeoutMs: 600_000, withStrays: true };
  const reading = async () => {
    for await (const fetched of readRange(
      stream,
      topic,
      { partition: 0, from: 0n, until: 4n },
      options,
    ))
      assert.equal(fetched.next.offset, 2n);
  };
  await assert.rejects(reading, { code: 'batch-corrupt', message: /offsets 1 to 3/ });
});

test("so does that of a stopped broker's log, whose high watermark is recorded", async (context) => {
  const { folder, topic } = await scene(context, { '0': [FIRST, stored(1n, 'x', 'y', 'z')] });
  const root = dirname(folder);
  writeFileSync(join(root, 'meta.properties'), 'version=1\n');
  writeFileSync(join(root, '.kafka_cleanshutdown'), '');
  writeFileSync(join(root, 'replication-offset-checkpoint'), '0\n1\naudit 0 4\n');
  const log = new PartitionLog(root, topic, 0);
  const { highWatermark } = await log.bounds();
  assert.equal(highWatermark, 2n);
  await log.close();
});

test('a write that was cut short is none, and nothing is appended behind a whole one', async (context) => {
  const at = await scene(context, { '0': BATCHES });
  const file = join(at.folder, `${'0'.repeat(20)}.log`);
  appendFileSync(file, COPY.subarray(0, COPY.length - 1));
  assert.deepEqual((await read(at, 0n, 5n, 1024)).strays, []);
  writeFileSync(file, Buffer.concat([...BATCHES, COPY]));
  const encoder = new BatchEncoder();
  encoder.add({ key: null, value: Buffer.from('f'), headers: [] }, 0n);
  const appender = await at.stream.appender(at.topic);
  const outcome = await appender.append(0, encoder.finish());
  await appender.close();
  assert.ok(outcome.kind === 'rejected' && outcome.error.code === 'batch-corrupt');
});
