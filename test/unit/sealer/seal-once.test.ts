import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { FileLock } from '../../../stream/segments/lock.js';
import { repeat, storedBatches } from '../../support/forgery.js';
import { TestLedger, TOPIC } from '../../support/sealer/ledger.js';
import { tamper } from '../../support/tamper.js';

const ledgers: TestLedger[] = [];

async function make(partitions = 1): Promise<TestLedger> {
  const ledger = await TestLedger.make(partitions);
  ledgers.push(ledger);
  return ledger;
}

afterEach(async () => {
  for (const ledger of ledgers.splice(0)) await ledger.remove();
});

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

test('every partition is sealed to its end, empty ones too', async () => {
  const ledger = await make(3);
  await ledger.append(5, 0);
  await ledger.append(3, 2);
  const results = await ledger.sealOnce();
  assert.deepEqual(
    results.map(({ partition, sealed, records, refusal, error }) => ({
      partition,
      size: sealed?.size,
      next: sealed?.next,
      records,
      refusal,
      error,
    })),
    [5n, 0n, 3n].map((size, partition) => ({
      partition,
      size,
      next: size,
      records: size,
      refusal: null,
      error: null,
    })),
  );
  for (const partition of [0, 1, 2]) {
    const [head, ...others] = await ledger.checkpoints(partition);
    assert.deepEqual(others, []);
    assert.equal(head?.first, 0n);
    assert.equal(head?.partitions, 3);
    assert.deepEqual(await ledger.wrong(partition), []);
  }
});

test('a checkpoint is recorded as published, and the next one extends it', async () => {
  const ledger = await make();
  await ledger.append(4);
  await ledger.sealOnce();
  const first = await ledger.memory.read(ledger.keyOf());
  assert.equal(first?.record.checkpoint?.published, true);
  await ledger.append(2);
  await ledger.sealOnce();
  const sizes = (await ledger.checkpoints()).map(({ size }) => size);
  assert.deepEqual(sizes, [4n, 6n]);
  assert.deepEqual(await ledger.wrong(), []);
});

test('what stands before a batch that cannot be read is sealed, and then it is refused', async () => {
  const ledger = await make();
  for (let batch = 0; batch < 4; batch += 1) await ledger.append(2);
  await ledger.close();
  tamper(ledger.data, TOPIC, 0, (log) => log.corrupt(4n));
  await ledger.open();
  const [result] = await ledger.sealOnce();
  assert.equal(result?.refusal?.reason, 'batch-corrupt');
  assert.equal(result?.sealed?.size, 4n);
  assert.deepEqual(
    (await ledger.checkpoints()).map(({ size }) => size),
    [4n],
  );
});

test('a batch out of place is refused, and no later try goes on behind it', async () => {
  const ledger = await make();
  for (let batch = 0; batch < 4; batch += 1) await ledger.append(2);
  await ledger.close();
  repeat(storedBatches(ledger.data, TOPIC)[1]);
  await ledger.open();
  const [result] = await ledger.sealOnce();
  assert.equal(result?.refusal?.reason, 'batch-corrupt');
  assert.match(result.refusal.message, /offsets 2 to 3/);
  assert.equal((await ledger.sealOnce())[0]?.refusal?.reason, 'batch-corrupt');
});

test('a checkpoint is made whenever `records` new records are chained', async () => {
  const ledger = await make();
  for (let batch = 0; batch < 5; batch += 1) await ledger.append(3);
  await ledger.sealOnce({ records: 6 });
  const sizes = (await ledger.checkpoints()).map(({ size }) => size);
  assert.deepEqual(sizes, [6n, 12n, 15n]);
});

test('a log that has not grown gets a fresh checkpoint of the same size', async () => {
  const ledger = await make();
  await ledger.append(2);
  let now = Date.UTC(2026, 0, 1);
  const clock = { now: () => now, monotonic: () => performance.now() };
  await ledger.sealOnce({ clock });
  now += 60_000;
  await ledger.sealOnce({ clock });
  const heads = (await ledger.checkpoints()).map(({ size, time }) => ({ size, time }));
  assert.deepEqual(heads, [
    { size: 2n, time: now - 60_000 },
    { size: 2n, time: now },
  ]);
});

test('a clock that goes back never makes `time` go back', async () => {
  const ledger = await make();
  let now = Date.UTC(2026, 5, 1);
  const clock = { now: () => now, monotonic: () => performance.now() };
  await ledger.append(2);
  await ledger.sealOnce({ clock });
  const signed = now;
  now -= 3_600_000;
  await ledger.append(1);
  await ledger.sealOnce({ clock });
  // Nothing new at all, not even the time: the same note is not published twice.
  await ledger.sealOnce({ clock });
  const heads = (await ledger.checkpoints()).map(({ size, time }) => ({ size, time }));
  assert.deepEqual(heads, [
    { size: 2n, time: signed },
    { size: 3n, time: signed },
  ]);
});

test('a clock that says nothing is a refusal, and nothing is signed', async () => {
  const ledger = await make();
  const clock = { now: () => Number.NaN, monotonic: () => performance.now() };
  const [result] = await ledger.sealOnce({ clock });
  assert.equal(result?.refusal?.reason, 'clock-invalid');
  assert.deepEqual(await ledger.checkpoints(), []);
});

test('however appends and seals interleave, the chain is that of the log', async () => {
  const action = fc.oneof(
    fc.record({ append: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ seal: fc.integer({ min: 1, max: 12 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 8 }), async (actions) => {
      const ledger = await TestLedger.make();
      try {
        for (const one of actions) {
          if ('append' in one) await ledger.append(one.append);
          else await ledger.sealOnce({ records: one.seal });
        }
        await ledger.sealOnce();
        const { length } = await ledger.records();
        assert.equal((await ledger.checkpoints()).at(-1)?.size, BigInt(length));
        assert.deepEqual(await ledger.wrong(), []);
      } finally {
        await ledger.remove();
      }
    }),
    { numRuns: 15 },
  );
});

test('two sealers at once repeat each other and never disagree', async () => {
  const ledger = await make(2);
  for (let batch = 0; batch < 10; batch += 1) {
    await ledger.append(5, 0);
    await ledger.append(2, 1);
  }
  const both = await Promise.all([
    ledger.sealOnce({ records: 7 }),
    ledger.sealOnce({ records: 10 }),
  ]);
  for (const { refusal, error, sealed, partition } of both.flat()) {
    assert.deepEqual({ refusal, error }, { refusal: null, error: null });
    assert.equal(sealed?.size, partition === 0 ? 50n : 20n);
  }
  for (const partition of [0, 1]) assert.deepEqual(await ledger.wrong(partition), []);
});

test('a checkpoint topic that cannot be written to is waited for like any outage, then said', async () => {
  const ledger = await make();
  await ledger.append(5);
  const lock = new FileLock(
    join(ledger.data, '.sealstream', `${ledger.topic}.checkpoints-0.append`),
  );
  assert.equal(lock.tryAcquire(), true);
  // Whatever the collector of garbage takes away meanwhile.
  const collecting = setInterval(collectGarbage, 20);
  const [stuck] = await ledger.sealOnce({ timeout: 300, truncatedAfter: 300, stopWithin: 300 });
  clearInterval(collecting);
  assert.equal(stuck?.refusal, null);
  assert.equal(stuck?.error?.class, 'retry');
  lock.release();
  const [sealed] = await ledger.sealOnce();
  assert.equal(sealed?.sealed?.size, 5n);
  assert.deepEqual(await ledger.wrong(0), []);
});

test('many partitions at once are no leak', async () => {
  const ledger = await make(15);
  const warnings: string[] = [];
  const heard = ({ name }: Error): void => void warnings.push(name);
  process.on('warning', heard);
  const sealer = await ledger.sealer();
  const results = await sealer.sealOnce(new AbortController().signal);
  // A warning is emitted in a later turn.
  await new Promise((resolve) => setImmediate(resolve));
  process.removeListener('warning', heard);
  assert.deepEqual([results.length, warnings], [15, []]);
});
