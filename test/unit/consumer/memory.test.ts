import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { openMemory } from '../../../store/folder.js';
import type { Memory } from '../../../store/memory.js';
import { checkMade, codes, expectCodes, partition } from '../../support/findings.js';
import { FolderPlace } from '../../support/folder-place.js';
import { LyingStream } from '../../support/lying-stream.js';
import { MadeLedger, newKey } from '../../support/made-ledger.js';
import { tamper } from '../../support/tamper.js';

describe("the verifier's memory", () => {
  let place: FolderPlace;
  let made: MadeLedger;
  let memory: Memory;
  let folder: string;

  beforeEach(async () => {
    place = await FolderPlace.open();
    made = await MadeLedger.create(place.stream, { partitions: 1 });
    for (let size = 10; size <= 30; size += 10) await made.appendAndSeal(0, 10);
    folder = mkdtempSync(join(tmpdir(), 'sealstream-memory-'));
    memory = await openMemory(folder, { create: true });
  });
  afterEach(async () => {
    await memory.close();
    await place.close();
    rmSync(folder, { recursive: true });
  });

  const check = () => checkMade(made, place.stream, { memory });
  const slot = () => memory.read({ ledger: made.ledger, topic: made.topic, partition: 0 });
  async function offline(change: (root: string) => void): Promise<void> {
    await place.offline(change);
    made.use(place.stream);
  }
  /** The log and its checkpoints as they were when 20 records were sealed. */
  async function rollBack(): Promise<void> {
    await offline((root) => {
      tamper(root, made.topic, 0, (log) => log.truncate(20n));
      tamper(root, made.checkpointTopic, 0, (log) => log.truncate(2n));
    });
  }

  test('an intact head is remembered, and only a newer one replaces it', async () => {
    assert.equal((await check()).verdict, 'intact');
    const first = await slot();
    assert.match(first?.record.checkpoint?.note ?? '', /\n30\n/);
    assert.equal((await check()).verdict, 'intact');
    assert.deepEqual(await slot(), first);
    await made.appendAndSeal(0, 5);
    assert.equal((await check()).verdict, 'intact');
    assert.match((await slot())?.record.checkpoint?.note ?? '', /\n35\n/);
  });

  test('a log that is not intact is not remembered', async () => {
    await offline((root) => tamper(root, made.topic, 0, (log) => log.changeByte(15n)));
    assert.equal((await check()).verdict, 'tampered');
    assert.equal(await slot(), null);
  });

  test('a log rolled back with its checkpoints: seen with a memory, and only with one', async () => {
    await check();
    await rollBack();
    assert.equal((await checkMade(made, place.stream)).verdict, 'intact');
    const report = await check();
    expectCodes(partition(report, 0), 'tampered', ['rolled-back', 'log-truncated']);
    assert.deepEqual(
      partition(report, 0).findings.map((found) => [found.from, found.to]),
      [
        [20n, 30n],
        [20n, 30n],
      ],
    );
    assert.match((await slot())?.record.checkpoint?.note ?? '', /\n30\n/);
  });

  test('a log rolled back and grown again in another way', async () => {
    await check();
    await rollBack();
    const forked = await MadeLedger.fork(made, place.stream);
    await forked.appendAndSeal(0, 20);
    expectCodes(partition(await check(), 0), 'tampered', ['record-altered', 'checkpoint-conflict']);
  });

  test('checkpoints rolled back while the log stays', async () => {
    await check();
    await offline((root) => tamper(root, made.checkpointTopic, 0, (log) => log.truncate(2n)));
    assert.equal((await checkMade(made, place.stream)).verdict, 'intact');
    const report = await check();
    assert.deepEqual(codes(partition(report, 0)), ['rolled-back']);
    assert.equal(report.verdict, 'tampered');
  });

  test('an earlier checkpoint published again over the later ones', async () => {
    const early = await made.signOtherHistory(0, 0);
    await check();
    await offline((root) => tamper(root, made.checkpointTopic, 0, (log) => log.deleteBefore(3n)));
    await made.publish(early);
    expectCodes(partition(await check(), 0), 'tampered', ['rolled-back']);
  });

  test('a heartbeat erased', async () => {
    const time = Date.now() + 1000;
    await made.seal(0, { time });
    await check();
    await offline((root) => tamper(root, made.checkpointTopic, 0, (log) => log.truncate(3n)));
    expectCodes(partition(await check(), 0), 'tampered', ['rolled-back']);
  });

  test('a topic of another id, whatever its checkpoints say', async () => {
    await check();
    await place.deleteTopic(made.topic);
    await place.deleteTopic(made.checkpointTopic);
    expectCodes(partition(await check(), 0), 'tampered', ['rolled-back', 'topic-missing']);
    await made.createTopic();
    await made.createCheckpointTopic();
    await made.appendAndSeal(0, 40);
    assert.equal((await checkMade(made, place.stream)).verdict, 'intact');
    expectCodes(partition(await check(), 0), 'tampered', ['topic-recreated']);
  });

  test('a log that was replaced by adopting another stays lost', async () => {
    const lost = await made.sign(0);
    await place.deleteTopic(made.topic);
    await place.deleteTopic(made.checkpointTopic);
    await made.createTopic();
    await made.createCheckpointTopic();
    await made.appendAndSeal(0, 40);
    const retired = [{ origin: lost.checkpoint.origin, note: lost.note }];
    const record = { origin: made.origin(0), first: 0n, checkpoint: null, retired };
    const key = { ledger: made.ledger, topic: made.topic, partition: 0 };
    await memory.compareAndSet(key, null, record);
    expectCodes(partition(await check(), 0), 'tampered', ['topic-recreated']);
  });

  test('what a sealer has recorded and not yet published was not taken back', async () => {
    await made.append(0, 5);
    const { checkpoint, note, last, frontier } = await made.sign(0);
    const { origin, first } = checkpoint;
    const unpublished = { note, last, frontier, published: false };
    const record = { origin, first, checkpoint: unpublished, retired: [] };
    const key = { ledger: made.ledger, topic: made.topic, partition: 0 };
    const held = await memory.compareAndSet(key, null, record);
    assert.equal((await check()).verdict, 'intact');
    assert.deepEqual(await slot(), held);
    await offline((root) => tamper(root, made.topic, 0, (log) => log.truncate(30n)));
    expectCodes(partition(await check(), 0), 'tampered', ['log-truncated']);
  });

  test('every partition that was accepted must still be there', async () => {
    await check();
    const key = { ledger: made.ledger, topic: made.topic, partition: 1 };
    const held = await slot();
    assert.ok(held);
    const origin = made.origin(0).replace(/0$/, '1');
    const record = { ...held.record, origin, checkpoint: null };
    await memory.compareAndSet(key, null, record);
    const report = await check();
    expectCodes(partition(report, 1), 'incomplete', ['no-checkpoint', 'partition-missing']);
  });

  test('a memory of another key is not used and not overwritten', async () => {
    await check();
    const held = await slot();
    const key = newKey();
    const report = await checkMade(made, place.stream, { memory, publicKey: key.publicKey });
    expectCodes(partition(report, 0), 'unchecked', ['wrong-key']);
    assert.deepEqual(await slot(), held);
  });

  test('forged checkpoints alone: what is remembered tells that the key is right', async () => {
    await check();
    await place.deleteTopic(made.checkpointTopic);
    await made.createCheckpointTopic();
    await made.publish(await made.sign(0, {}, newKey()));
    const report = await check();
    expectCodes(partition(report, 0), 'tampered', [
      'checkpoint-unsigned',
      'no-checkpoint',
      'rolled-back',
    ]);
  });

  test('a checkpoint topic that shows less for a moment has not gone back', async () => {
    await check();
    let looks = 0;
    const stream = new LyingStream(place.stream, {
      bounds: (topic, truth) =>
        topic === made.checkpointTopic && looks++ === 0 ? { ...truth, highWatermark: 2n } : truth,
      fetched: (topic, truth) =>
        topic === made.checkpointTopic && looks === 1
          ? { ...truth, batches: truth.batches.filter((batch) => batch.baseOffset < 2n) }
          : truth,
    });
    assert.equal((await checkMade(made, stream, { memory })).verdict, 'intact');
    assert.equal(looks, 2);
  });
});
