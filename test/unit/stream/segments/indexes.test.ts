import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openStream } from '../../../../stream/open.js';
import { misleadingRanges } from '../../../../stream/segments/indexes.js';
import { createTopic, stored, temporaryFolder } from './support.js';

/** Offsets 10–11, 12, 13–15; `stored` stamps each batch with its offset in milliseconds. */
const BATCHES = [stored(10n, 'a', 'b'), stored(12n, 'c'), stored(13n, 'd', 'e', 'f')];
const STARTS = [0, BATCHES[0]?.length ?? 0, (BATCHES[0]?.length ?? 0) + (BATCHES[1]?.length ?? 0)];
const SECOND = STARTS[1] ?? 0;
const THIRD = STARTS[2] ?? 0;
const BASE = 10;

/** Offset and byte of each entry. */
function offsetIndex(...entries: readonly (readonly [number, number])[]): Buffer {
  const bytes = Buffer.alloc(8 * entries.length);
  for (const [at, [offset, position]] of entries.entries()) {
    bytes.writeInt32BE(offset - BASE, 8 * at);
    bytes.writeInt32BE(position, 8 * at + 4);
  }
  return bytes;
}

/** Timestamp and offset of each entry. */
function timeIndex(...entries: readonly (readonly [bigint, number])[]): Buffer {
  const bytes = Buffer.alloc(12 * entries.length);
  for (const [at, [timestamp, offset]] of entries.entries()) {
    bytes.writeBigInt64BE(timestamp, 12 * at);
    bytes.writeInt32BE(offset - BASE, 12 * at + 8);
  }
  return bytes;
}

interface Files {
  readonly index?: Buffer;
  readonly timeindex?: Buffer;
  /** After a crash, the broker makes them anew. */
  readonly isOrderly?: boolean;
  readonly batches?: readonly Uint8Array[];
}

async function ranges(context: TestContext, files: Files): Promise<[bigint, bigint][]> {
  const root = await temporaryFolder(context);
  const folder = join(root, 'audit-0');
  mkdirSync(folder);
  const { index, timeindex, isOrderly = true, batches = BATCHES } = files;
  const name = join(folder, `${String(BASE).padStart(20, '0')}`);
  writeFileSync(`${name}.log`, Buffer.concat(batches));
  if (index) writeFileSync(`${name}.index`, index);
  if (timeindex) writeFileSync(`${name}.timeindex`, timeindex);
  if (isOrderly) writeFileSync(join(root, '.kafka_cleanshutdown'), '');
  return (await misleadingRanges(root, folder)).map(({ from, to }) => [from, to]);
}

const latest = (context: TestContext) => timestampOf(context, 2);

/** As the batch at this place was stamped. */
function timestampOf(_context: TestContext, number: number): bigint {
  return Buffer.from(BATCHES[number] ?? []).readBigInt64BE(35);
}

test('no indexes, and those that a broker keeps, mislead nobody', async (context) => {
  assert.deepEqual(await ranges(context, {}), []);
  const index = offsetIndex([12, SECOND], [15, THIRD]);
  const timeindex = timeIndex([timestampOf(context, 1), 12], [latest(context), 15]);
  assert.deepEqual(await ranges(context, { index, timeindex }), []);
  const zeros = { index: Buffer.concat([index, Buffer.alloc(80)]) };
  assert.deepEqual(await ranges(context, zeros), [], 'laid out in advance');
  assert.deepEqual(await ranges(context, { index: Buffer.alloc(80), isOrderly: false }), []);
});

test('an entry that leads into a batch, past its offset, or past the end', async (context) => {
  const into = offsetIndex([12, SECOND + 61]);
  assert.deepEqual(await ranges(context, { index: into }), [[12n, 16n]]);
  const past = offsetIndex([11, SECOND], [13, THIRD]);
  assert.deepEqual(await ranges(context, { index: past }), [[11n, 13n]]);
  const beyond = offsetIndex([12, SECOND], [15, 100_000]);
  assert.deepEqual(await ranges(context, { index: beyond }), [[15n, 16n]]);
  const within = { index: offsetIndex([15, THIRD + 61]), isOrderly: false };
  assert.deepEqual(await ranges(context, within), [[15n, 16n]], 'within the last batch');
  const afterCrash = { index: beyond, isOrderly: false };
  assert.deepEqual(await ranges(context, afterCrash), [], 'made anew after a crash');
});

test('entries out of order, and one that goes back to where it may', async (context) => {
  const back = offsetIndex([15, THIRD], [12, SECOND]);
  assert.notDeepEqual(await ranges(context, { index: back }), []);
  const early = offsetIndex([15, 0]);
  assert.deepEqual(await ranges(context, { index: early }), [], 'what is there is looked through');
});

test('times: an entry that passes over later records, and a last one that hides all', async (context) => {
  const over = timeIndex([1n, 13], [latest(context), 15]);
  assert.deepEqual(await ranges(context, { timeindex: over }), [[10n, 13n]]);
  const hiding = timeIndex([timestampOf(context, 0), 11]);
  assert.deepEqual(await ranges(context, { timeindex: hiding }), [[10n, 16n]]);
  const behind = { timeindex: timeIndex([1n, 16]), isOrderly: false };
  assert.deepEqual(await ranges(context, behind), [[10n, 16n]], 'behind the last batch');
  const empty = { timeindex: Buffer.alloc(0) };
  assert.deepEqual(await ranges(context, empty), [[10n, 16n]]);
});

test('what cannot be an index ends the look, and never the process', async (context) => {
  const odd = { index: Buffer.alloc(13, 0xff), timeindex: Buffer.alloc(25, 0xff) };
  assert.ok(Array.isArray(await ranges(context, odd)));
  const broken = { index: offsetIndex([12, SECOND]), batches: [Buffer.alloc(100, 1)] };
  assert.ok(Array.isArray(await ranges(context, broken)));
});

test('what a folder is opened as tells of them', async (context) => {
  const root = await temporaryFolder(context);
  const stream = await openStream(`file:${root}`);
  context.after(() => stream.close());
  const topic = await createTopic(stream, 'audit');
  const file = join(root, 'audit-0', '0'.repeat(20));
  writeFileSync(`${file}.log`, stored(0n, 'a', 'b'));
  writeFileSync(`${file}.index`, Buffer.from([0, 0, 0, 1, 0, 0, 0, 61]));
  writeFileSync(join(root, '.kafka_cleanshutdown'), '');
  assert.deepEqual(await stream.misleadingRanges?.(topic, 0), [{ from: 1n, to: 2n }]);
});
