import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { type Adoption, adoptLog, sealStatus, startLog } from '../../../sealer/index.js';
import { LEDGER, TestLedger, TOPIC } from '../../support/sealer/ledger.js';
import { tamper } from '../../support/tamper.js';

const ledgers: TestLedger[] = [];

async function make(): Promise<TestLedger> {
  const ledger = await TestLedger.make();
  ledgers.push(ledger);
  await ledger.append(5);
  await ledger.sealOnce();
  await ledger.append(2);
  return ledger;
}

/** The same, with an empty memory. */
async function makeForgetful(): Promise<TestLedger> {
  const ledger = await make();
  await forget(ledger);
  return ledger;
}

async function forget(ledger: TestLedger): Promise<void> {
  const empty = new TestLedger();
  ledgers.push(empty);
  await empty.open();
  await ledger.takeMemoryOf(empty);
}

afterEach(async () => {
  for (const ledger of ledgers.splice(0)) await ledger.remove();
});

function adopt(ledger: TestLedger, yes = true): Promise<Adoption> {
  const { stream, memory, key } = ledger;
  const log = { ledger: LEDGER, topic: TOPIC, partition: 0, publicKey: key.publicKey };
  return adoptLog({ stream, memory, ...log, yes });
}

async function sealed(ledger: TestLedger): Promise<bigint | undefined> {
  const [result] = await ledger.sealOnce();
  assert.equal(result?.refusal, null);
  return result.sealed?.size;
}

test('apply starts a log once, and never over what the memory holds', async () => {
  const ledger = await make();
  const topic = await ledger.identity();
  const { stream, memory } = ledger;
  await assert.rejects(startLog({ stream, memory, ledger: LEDGER, topic, partition: 0 }), {
    code: 'memory-conflict',
    message: /adopt/,
  });
});

test('without `yes` it says what it would do and does nothing', async () => {
  const ledger = await makeForgetful();
  const adoption = await adopt(ledger, false);
  assert.deepEqual(
    { action: adoption.action, done: adoption.done, size: adoption.size },
    { action: 'head', done: false, size: 5n },
  );
  assert.equal(await ledger.memory.read(ledger.keyOf()), null);
});

test('a valid head: the log is held against it, recorded as published, and goes on', async () => {
  const ledger = await makeForgetful();
  assert.equal((await adopt(ledger)).action, 'head');
  const slot = await ledger.memory.read(ledger.keyOf());
  assert.equal(slot?.record.checkpoint?.published, true);
  assert.equal(await sealed(ledger), 7n);
  assert.deepEqual(await ledger.wrong(), []);
});

test('a valid head over a log that was changed anywhere before it is refused', async () => {
  for (const offset of [0n, 2n, 4n]) {
    const ledger = await makeForgetful();
    await ledger.close();
    tamper(ledger.data, TOPIC, 0, (log) => log.changeByte(offset));
    await ledger.open();
    await assert.rejects(adopt(ledger), { code: 'seal-refused', reason: 'record-altered' });
    assert.equal(await ledger.memory.read(ledger.keyOf()), null);
  }
});

test('a valid head over a log that lost its start or its end is refused', async () => {
  const started = await makeForgetful();
  await started.close();
  tamper(started.data, TOPIC, 0, (log) => log.deleteBefore(1n));
  await started.open();
  await assert.rejects(adopt(started), { reason: 'log-start-moved' });
  const ended = await makeForgetful();
  await ended.close();
  tamper(ended.data, TOPIC, 0, (log) => log.truncate(3n));
  await ended.open();
  await assert.rejects(adopt(ended), { reason: 'log-truncated' });
});

test('no head: the log is started at its log start', async () => {
  const ledger = new TestLedger();
  ledgers.push(ledger);
  await ledger.open();
  await ledger.createTopics(1);
  await ledger.append(6);
  await ledger.close();
  tamper(ledger.data, TOPIC, 0, (log) => log.deleteBefore(2n));
  await ledger.open();
  const adoption = await adopt(ledger);
  assert.deepEqual(
    { action: adoption.action, first: adoption.first },
    { action: 'start', first: 2n },
  );
  assert.equal(await sealed(ledger), 4n);
  assert.equal((await ledger.checkpoints())[0]?.first, 2n);
  assert.equal((await adopt(ledger)).action, 'none');
});

test('a re-created topic is a new log, and the old one is kept as retired', async () => {
  const ledger = await make();
  const origin = await ledger.origin();
  const [head] = await ledger.checkpoints();
  const before = await ledger.memory.read(ledger.keyOf());
  ledger.deleteTopic(TOPIC);
  await ledger.createTopics(1);
  await ledger.append(3);
  const adoption = await adopt(ledger);
  assert.deepEqual(
    { action: adoption.action, retired: adoption.retired },
    { action: 'start', retired: origin },
  );
  const slot = await ledger.memory.read(ledger.keyOf());
  const note = before?.record.checkpoint?.note;
  assert.deepEqual(slot?.record.retired, [{ origin, note }]);
  assert.equal(await sealed(ledger), 3n);
  assert.equal(head?.size, 5n);
  const after = await ledger.memory.read(ledger.keyOf());
  assert.deepEqual(after?.record.retired, [{ origin, note }]);
});

test('an older copy of the memory is brought up to the head', async () => {
  const ledger = await make();
  const older = await ledger.copy();
  ledgers.push(older);
  await ledger.sealOnce();
  await ledger.append(1);
  await older.memory.close();
  await ledger.takeMemoryOf(older);
  await older.open();
  assert.equal((await ledger.sealOnce())[0]?.refusal?.reason, 'memory-behind');
  assert.equal((await adopt(ledger)).action, 'head');
  assert.equal(await sealed(ledger), 8n);
  assert.deepEqual(await ledger.wrong(), []);
});

test('a rolled-back checkpoint topic gets what the memory holds once more', async () => {
  const ledger = await make();
  ledger.deleteTopic(`${TOPIC}.checkpoints`);
  await ledger.createTopics(1);
  assert.equal((await ledger.sealOnce())[0]?.refusal?.reason, 'checkpoint-rolled-back');
  assert.equal((await adopt(ledger)).action, 'republish');
  assert.equal(await sealed(ledger), 7n);
  assert.deepEqual(
    (await ledger.checkpoints()).map(({ size }) => size),
    [5n, 7n],
  );
});

test('status shows head, memory, lag and what would be refused', async () => {
  const ledger = await make();
  const { stream, memory, key } = ledger;
  const ask = () =>
    sealStatus({ stream, memory, ledger: LEDGER, topics: [TOPIC], publicKey: key.publicKey });
  const [status] = await ask();
  assert.equal(status?.head?.size, 5n);
  assert.equal(status.memory?.sealed?.size, 5n);
  assert.equal(status.lagRecords, 2n);
  assert.deepEqual(status.log, { start: 0n, end: 7n });
  assert.deepEqual([status.refusal, status.error], [null, null]);
  const without = { stream, memory: null, ledger: LEDGER, topics: [TOPIC] };
  const [forgotten] = await sealStatus({ ...without, publicKey: key.publicKey });
  assert.equal(forgotten?.refusal?.reason, 'memory-missing');
});
