import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SealstreamError } from '../../../ledger/error.js';
import { dealt, estimateUnsealed } from '../../../sealer/count.js';
import type { LogReport } from '../../../sealer/index.js';
import { MergedReports } from '../../../sealer/merged-reports.js';
import { errorOf, mergeSealed, plainError, plainSealed, sealedOf } from '../../../sealer/plain.js';
import type { SealedOnce } from '../../../sealer/seal-once.js';
import { Turns } from '../../../sealer/turns.js';
import type { Bounds } from '../../../stream/stream.js';
import { type Lies, LyingStream } from '../../support/lying-stream.js';
import { LEDGER, TestLedger, TOPIC } from '../../support/sealer/ledger.js';

const counts = fc
  .uniqueArray(fc.tuple(fc.string({ minLength: 1 }), fc.nat(20)), { selector: ([name]) => name })
  .map((entries) => new Map(entries));

test('every partition is dealt to exactly one share, and shares differ by one at most', () => {
  fc.assert(
    fc.property(counts, fc.integer({ min: 1, max: 9 }), (topics, shares) => {
      const sizes = new Array<number>(shares).fill(0);
      const takes = sizes.map((_, index) => dealt(topics, index, shares));
      for (const [topic, partitions] of topics) {
        for (let partition = 0; partition < partitions; partition += 1) {
          const takers = [...takes.keys()].filter((index) => takes[index]?.(topic, partition));
          assert.equal(takers.length, 1);
          sizes[takers[0] ?? 0] = (sizes[takers[0] ?? 0] ?? 0) + 1;
        }
      }
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
    }),
  );
});

test('what is not sealed yet is estimated from the memory; null where nobody can tell', async () => {
  const ledger = await TestLedger.make(3);
  try {
    const { memory, key: signingKey } = ledger;
    const counted = new Map([[TOPIC, 3]]);
    const estimate = (lies: Lies) => {
      const stream = new LyingStream(ledger.stream, lies);
      const options = { stream, memory, signingKey, ledger: LEDGER, topics: [TOPIC] };
      return estimateUnsealed(options, counted);
    };
    for (const partition of [0, 1, 2]) await ledger.append(5, partition);
    assert.equal(await estimate({}), 15n);
    await ledger.sealOnce();
    assert.equal(await estimate({}), 0n);
    await ledger.append(2, 1);
    assert.equal(await estimate({}), 2n);
    const longer = (_: string, truth: Bounds) => ({ ...truth, highWatermark: 100n });
    assert.equal(await estimate({ bounds: longer }), 3n * 95n);
    const shortened = (_: string, truth: Bounds) => ({ ...truth, highWatermark: 1n });
    assert.equal(await estimate({ bounds: shortened }), 0n);
    const lost = new SealstreamError('partition-missing', 'it is gone');
    const oneLost = (_: string, truth: Bounds) => (truth.partition === 1 ? lost : truth);
    assert.equal(await estimate({ bounds: oneLost }), 0n);
    const outage = (): never => {
      throw new SealstreamError('unreachable', 'nobody answers');
    };
    assert.equal(await estimate({ bounds: outage }), null);
    assert.equal(await estimate({ describe: outage }), null);
    assert.equal(await estimate({ describe: () => null }), 0n);
  } finally {
    await ledger.remove();
  }
});

test('an error keeps its code, name, message and stack on the way to another thread', () => {
  const sent = new SealstreamError('unauthorized', 'audit/3: no right to read');
  const arrived = errorOf(structuredClone(plainError(sent)));
  assert.ok(arrived instanceof SealstreamError);
  assert.deepEqual(
    [arrived.code, arrived.class, arrived.name, arrived.message, arrived.stack],
    [sent.code, sent.class, sent.name, sent.message, sent.stack],
  );
  const other = errorOf(structuredClone(plainError(new TypeError('not ours'))));
  assert.ok(!(other instanceof SealstreamError));
  assert.deepEqual([other.name, other.message], ['TypeError', 'not ours']);
  assert.equal(errorOf(structuredClone(plainError('a text'))).message, 'a text');
});

function sealed(topic: string, partition: number, more: Partial<SealedOnce> = {}): SealedOnce {
  const head = { size: 2n ** 62n, next: 2n ** 62n + 1n, time: 1 };
  const origin = `o/${topic}/${partition}`;
  return {
    topic,
    partition,
    origin,
    sealed: head,
    records: 3n,
    refusal: null,
    error: null,
    ...more,
  };
}

test('results arrive whole, and merged they stand as one sealer gives them', () => {
  const refusal = { reason: 'record-altered', message: 'altered', since: 5 } as const;
  const error = new SealstreamError('timeout', 'audit/2: no answer');
  const first = [sealed('b', 1, { sealed: null, refusal }), sealed('a', 10)];
  const second = [sealed('b', 0, { error }), sealed('a', 9)];
  const arrived = [first, second].map((share) =>
    structuredClone(share.map(plainSealed)).map(sealedOf),
  );
  const merged = mergeSealed(arrived, ['b', 'a']);
  assert.deepEqual(
    merged.map(({ topic, partition }) => `${topic}/${partition}`),
    ['b/0', 'b/1', 'a/9', 'a/10'],
  );
  assert.deepEqual(merged[1], first[0]);
  assert.deepEqual(merged[2], second[1]);
  assert.ok(merged[0]?.error instanceof SealstreamError);
  assert.deepEqual([merged[0].error.code, merged[0].error.message], [error.code, error.message]);
});

function report(partition: number, more: Partial<LogReport> = {}): LogReport {
  return {
    topic: 'audit',
    partition,
    origin: `o/audit/${partition}`,
    phase: 'sealing',
    sealed: null,
    next: 0n,
    highWatermark: 0n,
    lagRecords: 0n,
    lagSeconds: 0,
    headAgeSeconds: null,
    refusal: null,
    waiting: null,
    totals: { records: 1n, bytes: 10n, checkpoints: 1 },
    ...more,
  };
}

test('reports are merged by topic and partition, and their ages go on', () => {
  const merged = new MergedReports();
  merged.take(0, [report(10, { lagSeconds: 2 }), report(2, { headAgeSeconds: 1 })], 1_000);
  merged.take(1, [report(1), report(3)], 3_000);
  const logs = merged.logs(4_000);
  assert.deepEqual(
    logs.map(({ partition, lagSeconds, headAgeSeconds }) => [
      partition,
      lagSeconds,
      headAgeSeconds,
    ]),
    [
      [1, 0, null],
      [2, 0, 4],
      [3, 0, null],
      [10, 5, null],
    ],
  );
});

test('a counter only grows while its log goes from one sealer to another', () => {
  const merged = new MergedReports();
  const totals = (records: bigint) => ({ totals: { records, bytes: records, checkpoints: 1 } });
  const counted = () => merged.logs(0).map((log) => log.totals.records);
  merged.take(0, [report(0, totals(7n))], 0);
  merged.take(0, [], 1);
  assert.deepEqual(counted(), []);
  merged.take(1, [report(0, totals(2n))], 2);
  assert.deepEqual(counted(), [9n]);
  merged.take(1, [], 3);
  merged.take(0, [report(0, totals(8n))], 4);
  assert.deepEqual(counted(), [10n]);
  merged.end(0);
  assert.deepEqual(counted(), []);
});

test('where two report one log, the newer counts; a refusal is seen in any case', () => {
  const merged = new MergedReports();
  const refusal = { reason: 'log-truncated', message: 'cut', since: 1 } as const;
  merged.take(0, [report(0, { next: 1n }), report(1, { phase: 'refused', refusal })], 1);
  merged.take(1, [report(0, { next: 2n }), report(1)], 2);
  const [zero, one, ...others] = merged.logs(2);
  assert.deepEqual([zero?.next, one?.refusal, others], [2n, refusal, []]);
});

test('a sealer that has not reported shows, until it has ended', () => {
  const merged = new MergedReports();
  merged.take(0, [], 1_000);
  merged.take(1, [], 1_000);
  merged.take(1, [], 9_000);
  assert.deepEqual(
    [...merged.silences(10_000)],
    [
      [0, 9_000],
      [1, 1_000],
    ],
  );
  merged.end(0);
  assert.deepEqual([...merged.silences(10_000).keys()], [1]);
});

test('turns: never more at a time than there are places, in the order asked, also after failures', async () => {
  const turns = new Turns(3);
  const started: number[] = [];
  let inside = 0;
  let most = 0;
  const ends = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) =>
      turns.take(async () => {
        started.push(index);
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
        if (index % 4 === 0) throw new Error(`${index}`);
        return index;
      }),
    ),
  );
  assert.equal(most, 3);
  assert.deepEqual(
    started,
    [...started].sort((a, b) => a - b),
  );
  for (const [index, end] of ends.entries()) {
    assert.equal(end.status, index % 4 === 0 ? 'rejected' : 'fulfilled');
  }
});

test('turns: who is held up gives its place to the next, who makes progress keeps it', async () => {
  const turns = new Turns(1, 1_000);
  const order: string[] = [];
  let release = (): void => {};
  const stuck = turns.take(
    () =>
      new Promise<void>((resolve) => {
        release = resolve;
      }),
  );
  const busy = turns.take(async (progress) => {
    order.push('busy');
    for (let step = 0; step < 30; step += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      progress();
    }
    order.push('busy no more');
  });
  const last = turns.take(async () => {
    order.push('last');
  });
  await busy;
  await last;
  assert.deepEqual(order, ['busy', 'busy no more', 'last']);
  release();
  await stuck;
});
