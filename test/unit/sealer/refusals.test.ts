import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { signCheckpoint } from '../../../ledger/checkpoint.js';
import { signingKeyFromSeed } from '../../../ledger/keys.js';
import { adoptLog, type RefusalReason, sealStatus } from '../../../sealer/index.js';
import { openMemory } from '../../../store/folder.js';
import { BatchEncoder } from '../../../stream/batch/encode.js';
import { LEDGER, TestLedger, TOPIC } from '../../support/sealer/ledger.js';
import { type TamperedLog, tamper } from '../../support/tamper.js';

const ledgers: TestLedger[] = [];

/** Partition 0 with 6 records sealed, partition 1 with 2; both have grown by 1 since. */
async function makeSealed(): Promise<TestLedger> {
  const ledger = await TestLedger.make(2);
  ledgers.push(ledger);
  await ledger.append(6, 0);
  await ledger.append(2, 1);
  await ledger.sealOnce();
  await ledger.append(1, 0);
  await ledger.append(1, 1);
  return ledger;
}

afterEach(async () => {
  for (const ledger of ledgers.splice(0)) await ledger.remove();
});

/** Partition 0 is refused for `reason` and signs nothing; partition 1 goes on. */
async function assertRefused(ledger: TestLedger, reason: RefusalReason): Promise<void> {
  const slot = await ledger.memory.read(ledger.keyOf());
  const published = (await ledger.checkpoints()).length;
  const [refused, other] = await ledger.sealOnce();
  assert.equal(refused?.refusal?.reason, reason, refused?.refusal?.message ?? 'not refused');
  assert.match(refused.refusal.message, /audit\/0/);
  assert.equal(refused.records, 0n);
  assert.deepEqual((await ledger.memory.read(ledger.keyOf()))?.record, slot?.record);
  assert.equal((await ledger.checkpoints()).length, published);
  assert.equal(other?.refusal, null);
  assert.equal(other.sealed?.size, 3n);
}

async function edit(ledger: TestLedger, change: (log: TamperedLog) => void): Promise<void> {
  await ledger.close();
  tamper(ledger.data, TOPIC, 0, change);
  await ledger.open();
}

test('the last sealed record has one byte changed', async () => {
  const ledger = await makeSealed();
  await edit(ledger, (log) => log.changeByte(5n));
  await assertRefused(ledger, 'record-altered');
});

test('the last sealed record has another timestamp', async () => {
  const ledger = await makeSealed();
  await edit(ledger, (log) => log.moveTimestamp(5n, -1n));
  await assertRefused(ledger, 'record-altered');
});

test('the last sealed record is gone from the middle of the log', async () => {
  const ledger = await makeSealed();
  await edit(ledger, (log) => log.remove(5n));
  await assertRefused(ledger, 'record-altered');
});

test('the tail is truncated and stays so', async () => {
  const ledger = await makeSealed();
  await edit(ledger, (log) => log.truncate(4n));
  await assertRefused(ledger, 'log-truncated');
});

test('the tail is truncated and written anew', async () => {
  const ledger = await makeSealed();
  await edit(ledger, (log) => log.truncate(4n));
  await ledger.append(9);
  await assertRefused(ledger, 'record-altered');
});

test('the log start moved past what is sealed', async () => {
  const ledger = await makeSealed();
  await ledger.append(3);
  await edit(ledger, (log) => log.deleteBefore(7n));
  await assertRefused(ledger, 'log-start-moved');
});

test('records that were sealed are deleted, none beyond: sealing goes on', async () => {
  const ledger = await makeSealed();
  await edit(ledger, (log) => log.deleteBefore(6n));
  const [result] = await ledger.sealOnce();
  assert.equal(result?.refusal, null);
  assert.equal(result.sealed?.size, 7n);
});

test('the batch of the last sealed record is corrupt', async () => {
  const ledger = await makeSealed();
  await edit(ledger, (log) => log.corrupt(5n));
  await assertRefused(ledger, 'batch-corrupt');
});

test('a batch that is not sealed yet is corrupt', async () => {
  const ledger = await makeSealed();
  await ledger.append(1);
  await edit(ledger, (log) => log.corrupt(6n));
  await assertRefused(ledger, 'batch-corrupt');
});

test('nothing is in the memory', async () => {
  const ledger = await makeSealed();
  const empty = new TestLedger();
  ledgers.push(empty);
  await empty.open();
  await empty.memory.compareAndSet(
    ledger.keyOf(1),
    null,
    (await ledger.memory.read(ledger.keyOf(1)))?.record ?? assert.fail(),
  );
  const [head] = await ledger.checkpoints();
  await empty.memory.close();
  await ledger.takeMemoryOf(empty);
  empty.memory = await openMemory(empty.memoryPath);
  assert.equal(head?.size, 6n);
  await assertRefused(ledger, 'memory-missing');
});

test('the memory is an older copy', async () => {
  const ledger = await makeSealed();
  const older = await ledger.copy();
  ledgers.push(older);
  const log = await ledger.memory.read(ledger.keyOf(1));
  await ledger.sealOnce();
  await ledger.append(1, 0);
  // Only partition 0 is behind.
  const newer = await ledger.memory.read(ledger.keyOf(1));
  await older.memory.compareAndSet(
    ledger.keyOf(1),
    log?.version ?? assert.fail(),
    newer?.record ?? assert.fail(),
  );
  await older.memory.close();
  await ledger.takeMemoryOf(older);
  older.memory = await openMemory(older.memoryPath);
  await assertRefused(ledger, 'memory-behind');
});

test('the topic is deleted and created again', async () => {
  const ledger = await makeSealed();
  ledger.deleteTopic(TOPIC, 2);
  await ledger.createTopics(2);
  await ledger.append(6);
  const results = await ledger.sealOnce();
  assert.deepEqual(
    results.map(({ refusal }) => refusal?.reason),
    ['topic-recreated', 'topic-recreated'],
  );
  assert.deepEqual(await ledger.checkpoints(), []);
});

test('the topic is gone', async () => {
  const ledger = await makeSealed();
  ledger.deleteTopic(TOPIC, 2);
  const results = await ledger.sealOnce();
  assert.deepEqual(
    results.map(({ partition, refusal }) => [partition, refusal?.reason]),
    [
      [0, 'topic-missing'],
      [1, 'topic-missing'],
    ],
  );
  const { stream, memory, key } = ledger;
  const options = { stream, memory, ledger: LEDGER, topics: [TOPIC], publicKey: key.publicKey };
  const [status] = await sealStatus(options);
  assert.equal(status?.refusal?.reason, 'topic-missing');
  assert.equal(status.memory?.sealed?.size, 6n);
});

test('a topic that neither stream nor memory knows is a mistake, not a loss', async () => {
  const ledger = await makeSealed();
  await assert.rejects(ledger.sealOnce({ topics: ['missing'] }), { code: 'topic-missing' });
});

test('the stream shows another history of the same topic', async () => {
  const ledger = await TestLedger.make();
  ledgers.push(ledger);
  const other = await ledger.copy();
  ledgers.push(other);
  await ledger.append(6);
  await ledger.sealOnce();
  await other.append(4);
  await other.append(4);
  await other.sealOnce();
  await ledger.close();
  await other.close();
  rmSync(ledger.data, { recursive: true });
  cpSync(other.data, ledger.data, { recursive: true });
  await ledger.open();
  await other.open();
  const [result] = await ledger.sealOnce();
  // Its head is larger and validly signed: nothing tells it from a newer checkpoint of our own.
  assert.equal(result?.refusal?.reason, 'memory-behind');
  assert.equal((await ledger.checkpoints()).length, 1);
});

test('a validly signed checkpoint of the same size says something else', async () => {
  const ledger = await makeSealed();
  const [head] = await ledger.checkpoints();
  assert.ok(head);
  const forged = { ...head, chain: head.root, root: head.chain, time: head.time - 1 };
  await publish(ledger, signCheckpoint(forged, ledger.key));
  await assertRefused(ledger, 'checkpoint-conflict');
});

test('a validly signed checkpoint starts elsewhere', async () => {
  const ledger = await makeSealed();
  const [head] = await ledger.checkpoints();
  assert.ok(head);
  await publish(ledger, signCheckpoint({ ...head, size: 3n, first: 1n }, ledger.key));
  await assertRefused(ledger, 'checkpoint-conflict');
});

test('forged, malformed and foreign notes bind nobody', async () => {
  const ledger = await makeSealed();
  const [head] = await ledger.checkpoints();
  assert.ok(head);
  const stranger = signingKeyFromSeed(new Uint8Array(32).fill(9));
  await publish(ledger, signCheckpoint({ ...head, size: 1_000n, next: 1_000n }, stranger));
  await publish(ledger, `${head.origin}\nnonsense\n`);
  await publish(ledger, 'no line feed');
  const [result] = await ledger.sealOnce();
  assert.equal(result?.refusal, null);
  assert.equal(result.sealed?.size, 7n);
});

test('the checkpoint topic is deleted and created again', async () => {
  const ledger = await makeSealed();
  ledger.deleteTopic(`${TOPIC}.checkpoints`);
  await ledger.createTopics(2);
  const results = await ledger.sealOnce();
  assert.deepEqual(
    results.map(({ refusal }) => refusal?.reason),
    ['checkpoint-rolled-back', 'checkpoint-rolled-back'],
  );
});

test('the checkpoint topic is truncated to an earlier head', async () => {
  const ledger = await makeSealed();
  await ledger.sealOnce();
  await ledger.append(1, 0);
  await ledger.append(1, 1);
  await ledger.close();
  tamper(ledger.data, `${TOPIC}.checkpoints`, 0, (log) => log.truncate(2n));
  await ledger.open();
  const results = await ledger.sealOnce();
  assert.deepEqual(
    results.map(({ refusal }) => refusal?.reason),
    ['checkpoint-rolled-back', 'checkpoint-rolled-back'],
  );
});

test('a partition is gone', async () => {
  const ledger = await makeSealed();
  rmSync(join(ledger.data, `${TOPIC}-1`), { recursive: true });
  const [other, gone] = await ledger.sealOnce();
  assert.equal(gone?.refusal?.reason, 'partition-missing');
  assert.equal(other?.sealed?.size, 7n);
});

test('what the memory holds is no checkpoint', async () => {
  const ledger = await makeSealed();
  const slot = await ledger.memory.read(ledger.keyOf());
  const checkpoint = slot?.record.checkpoint;
  assert.ok(slot && checkpoint);
  for (const spoilt of [
    { ...checkpoint, note: checkpoint.note.replace('next 6', 'next 5') },
    { ...checkpoint, last: new Uint8Array(81) },
    { ...checkpoint, frontier: new Uint8Array(64) },
    null,
  ]) {
    const { version } = (await ledger.memory.read(ledger.keyOf())) ?? assert.fail();
    const elsewhere = { ...slot.record, first: slot.record.first + 1n };
    const record = spoilt === null ? elsewhere : { ...slot.record, checkpoint: spoilt };
    assert.ok(await ledger.memory.compareAndSet(ledger.keyOf(), version, record));
    const [result] = await ledger.sealOnce();
    assert.equal(result?.refusal?.reason, 'memory-unusable');
  }
});

test('there is no checkpoint topic', async () => {
  const ledger = await TestLedger.make();
  ledgers.push(ledger);
  ledger.deleteTopic(`${TOPIC}.checkpoints`);
  const [result] = await ledger.sealOnce();
  assert.equal(result?.refusal?.reason, 'checkpoint-topic-missing');
});

test('the signing key is another one', async () => {
  const ledger = await makeSealed();
  const signingKey = signingKeyFromSeed(new Uint8Array(32).fill(9));
  const results = await ledger.sealOnce({ signingKey });
  assert.deepEqual(
    results.map(({ refusal }) => refusal?.reason),
    ['wrong-key', 'wrong-key'],
  );
});

async function publish(ledger: TestLedger, note: string): Promise<void> {
  const encoder = new BatchEncoder();
  const valid = note.includes('\n\n');
  const last = new Uint8Array();
  const parts = valid
    ? { key: null, value: Buffer.from(note), headers: [] }
    : { key: Buffer.from('x'), value: Buffer.from(note), headers: [{ key: last, value: null }] };
  encoder.add(parts, 0n);
  const appender = await ledger.stream.appender(await ledger.identity(`${TOPIC}.checkpoints`));
  await appender.append(0, encoder.finish());
  await appender.close();
}

test("the memory's slot holds another partition's record: its key was renamed", async () => {
  const ledger = await makeSealed();
  const { stream, memory, key } = ledger;
  const record = (await memory.read(ledger.keyOf(1)))?.record;
  const held = await memory.read(ledger.keyOf(0));
  assert.ok(record);
  await memory.compareAndSet(ledger.keyOf(0), held?.version ?? null, record);
  await assertRefused(ledger, 'memory-unusable');
  const log = { ledger: LEDGER, topic: TOPIC, partition: 0, publicKey: key.publicKey };
  const adopting = adoptLog({ stream, memory, ...log, yes: true });
  await assert.rejects(adopting, { code: 'malformed', message: /audit\/0 holds a record of/ });
  assert.deepEqual((await memory.read(ledger.keyOf(0)))?.record, record);
  const place = { stream, memory, ledger: LEDGER, publicKey: key.publicKey };
  const [status] = await sealStatus({ ...place, topics: [TOPIC] });
  assert.equal(status?.memory, null);
  assert.match(status.error?.message ?? '', /audit\/0 holds a record of/);
});
