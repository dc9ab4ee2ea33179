import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { openCheckpoint } from '../../../ledger/checkpoint.js';
import type { Step } from '../../../sealer/index.js';
import { TestLedger, until } from '../../support/sealer/ledger.js';

const ledgers: TestLedger[] = [];

afterEach(async () => {
  for (const ledger of ledgers.splice(0)) await ledger.remove();
});

/** A ledger with 3 records, a sealer stopped at `step`, and what lets it go on. */
async function heldAt(step: Step) {
  const ledger = await TestLedger.make();
  ledgers.push(ledger);
  await ledger.append(3);
  let isFirst = true;
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let reach = (): void => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const hooks = {
    step: async (name: Step): Promise<void> => {
      if (name !== step || !isFirst) return;
      isFirst = false;
      reach();
      await released;
    },
  };
  const slow = ledger.sealOnce({ hooks });
  await reached;
  return { ledger, slow, release };
}

for (const step of ['recovered', 'read', 'chained', 'signed', 'recorded', 'published'] as const) {
  test(`a sealer held up at step ${step} while another goes on continues from its head`, async () => {
    const { ledger, slow, release } = await heldAt(step);
    await ledger.append(2);
    const [fast] = await ledger.sealOnce();
    assert.equal(fast?.refusal, null);
    assert.equal(fast.sealed?.size, 5n);
    release();
    const [late] = await slow;
    assert.deepEqual([late?.refusal, late?.error], [null, null]);
    assert.equal(late?.sealed?.size, 5n);
    assert.deepEqual(await ledger.wrong(), []);
    // Both publish under the same hour's key, of which compaction keeps the last record.
    const origin = await ledger.origin();
    const last = (await ledger.notes()).at(-1) ?? '';
    assert.equal(openCheckpoint(last, origin, ledger.key.publicKey).size, 5n);
    const slot = await ledger.memory.read(ledger.keyOf());
    assert.equal(slot?.record.checkpoint?.note, last);
    assert.equal(slot.record.checkpoint.published, true);
  });
}

test('two sealers that both own everything, by mistake, agree in every checkpoint', async () => {
  const ledger = await TestLedger.make(2);
  ledgers.push(ledger);
  const options = { records: 5, every: 15, heartbeat: 100 };
  const both = await Promise.all(
    ['one', 'other'].map((group) => ledger.sealer({ ...options, group })),
  );
  const stop = new AbortController();
  const running = Promise.all(both.map((sealer) => sealer.run(stop.signal)));
  try {
    for (let batch = 0; batch < 60; batch += 1) await ledger.append(3, batch % 2);
    const reports = () => both.flatMap((sealer) => sealer.report());
    await until(() => reports().length === 4 && reports().every((log) => log.sealed?.size === 90n));
    assert.deepEqual(
      reports().map(({ refusal }) => refusal),
      [null, null, null, null],
    );
  } finally {
    stop.abort();
    await running;
  }
  for (const partition of [0, 1]) assert.deepEqual(await ledger.wrong(partition), []);
});
