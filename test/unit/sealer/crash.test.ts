import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { STEPS } from '../../../sealer/index.js';
import { TestLedger, TOPIC, until } from '../../support/sealer/ledger.js';
import { ended, endSealers, startSealer, unsealed } from '../../support/sealer/process.js';
import { tamper } from '../../support/tamper.js';

const ledgers: TestLedger[] = [];

afterEach(async () => {
  endSealers();
  for (const ledger of ledgers.splice(0)) await ledger.remove();
});

async function make(): Promise<TestLedger> {
  const ledger = await TestLedger.make(2);
  ledgers.push(ledger);
  for (let batch = 0; batch < 4; batch += 1) {
    await ledger.append(3, 0);
    await ledger.append(2, 1);
  }
  return ledger;
}

/** Both partitions are sealed to their ends, by the chain that an uninterrupted sealer makes. */
async function assertSealed(ledger: TestLedger): Promise<void> {
  for (const partition of [0, 1]) {
    const { length } = await ledger.records(partition);
    const checkpoints = await ledger.checkpoints(partition);
    assert.equal(checkpoints.at(-1)?.size, BigInt(length));
    assert.deepEqual(await ledger.wrong(partition), []);
    const slot = await ledger.memory.read(ledger.keyOf(partition));
    assert.equal(slot?.record.checkpoint?.published, true);
  }
}

for (const step of STEPS) {
  for (const nth of [1, 3]) {
    // Each log is recovered once only.
    if (step === 'recovered' && nth === 3) continue;
    test(`killed at step ${step}, time ${nth}, and started again: the same chain`, async () => {
      const ledger = await make();
      assert.deepEqual(await ended(startSealer(ledger, 'once', step, nth)), {
        code: null,
        signal: 'SIGKILL',
      });
      assert.deepEqual(await ended(startSealer(ledger, 'once')), { code: 0, signal: null });
      await assertSealed(ledger);
    });
  }
}

test('a checkpoint that was recorded and not published is published verbatim', async () => {
  const ledger = await make();
  await ended(startSealer(ledger, 'once', 'recorded', 2));
  const waiting = await recordedOnly(ledger);
  assert.ok(waiting.length > 0);
  await ended(startSealer(ledger, 'once'));
  const notes = await ledger.notes();
  for (const note of waiting) assert.ok(notes.includes(note));
});

test('it is published even though the log was changed meanwhile: that shows the change', async () => {
  const ledger = await TestLedger.make();
  ledgers.push(ledger);
  await ledger.append(3);
  await ended(startSealer(ledger, 'once', 'recorded', 1));
  const [note, ...others] = await recordedOnly(ledger);
  assert.deepEqual(others, []);
  assert.deepEqual(await ledger.notes(), []);
  tamper(ledger.data, TOPIC, 0, (log) => log.changeByte(2n));
  const [result] = await ledger.sealOnce();
  assert.equal(result?.refusal?.reason, 'record-altered');
  assert.deepEqual(await ledger.notes(), [note]);
});

/** Notes that the memory holds and that are not recorded as published. */
async function recordedOnly(ledger: TestLedger): Promise<string[]> {
  const slots = await Promise.all([0, 1].map((one) => ledger.memory.read(ledger.keyOf(one))));
  const remembered = slots.flatMap((slot) => slot?.record.checkpoint ?? []);
  return remembered.filter(({ published }) => !published).map(({ note }) => note);
}

test('killed again and again while the log grows: the same chain', async () => {
  const ledger = await make();
  for (const [turn, step] of STEPS.entries()) {
    await ledger.append(turn + 1, turn % 2);
    await ended(startSealer(ledger, turn % 2 === 0 ? 'once' : 'run', step, 1));
  }
  assert.deepEqual(await ended(startSealer(ledger, 'once')), { code: 0, signal: null });
  await assertSealed(ledger);
});

test('two processes of one group, one killed while it seals: the other goes on', async () => {
  const ledger = await make();
  const doomed = startSealer(ledger, 'run', 'recorded', 3);
  const other = startSealer(ledger, 'run');
  const appended = (async () => {
    for (let batch = 0; batch < 20; batch += 1) await ledger.append(2, batch % 2);
  })();
  await ended(doomed);
  const killed = Date.now();
  await appended;
  await until(async () => (await unsealed(ledger, 2, killed)) === null);
  other.kill('SIGTERM');
  assert.deepEqual(await ended(other), { code: 0, signal: null });
  await assertSealed(ledger);
});

test('SIGTERM: a last checkpoint covers what was read, and the process ends well', async () => {
  const ledger = await make();
  const child = startSealer(ledger, 'run');
  await until(async () => (await ledger.checkpoints(0)).length > 0);
  child.kill('SIGTERM');
  assert.deepEqual(await ended(child), { code: 0, signal: null });
  for (const partition of [0, 1]) assert.deepEqual(await ledger.wrong(partition), []);
});
