import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { openMemory } from '../../../store/folder.js';
import type { Memory } from '../../../store/memory.js';
import { checkBothWays, checkMade, expectFinding, partition } from '../../support/findings.js';
import { FolderPlace } from '../../support/folder-place.js';
import { MadeLedger } from '../../support/made-ledger.js';
import { tamper } from '../../support/tamper.js';

describe('verifying on from what was accepted', () => {
  let place: FolderPlace;
  let made: MadeLedger;
  let memory: Memory;
  let folder: string;

  beforeEach(async () => {
    place = await FolderPlace.open();
    made = await MadeLedger.create(place.stream, { partitions: 1 });
    for (let size = 10; size <= 50; size += 10) await made.appendAndSeal(0, 10);
    folder = mkdtempSync(join(tmpdir(), 'sealstream-memory-'));
    memory = await openMemory(folder, { create: true });
  });
  afterEach(async () => {
    await memory.close();
    await place.close();
    rmSync(folder, { recursive: true });
  });

  const check = (options = {}) => checkMade(made, place.stream, { memory, ...options });
  const onlyNew = (options = {}) => check({ onlyNew: true, ...options });
  async function offline(change: (root: string) => void): Promise<void> {
    await place.offline(change);
    made.use(place.stream);
  }
  const changeRecord = (offset: bigint) =>
    offline((root) => tamper(root, made.topic, 0, (log) => log.changeByte(offset)));
  async function acceptedSize(): Promise<string | undefined> {
    const key = { ledger: made.ledger, topic: made.topic, partition: 0 };
    return (await memory.read(key))?.record.checkpoint?.note.split('\n')[1];
  }

  test('nothing accepted yet: everything is read', async () => {
    const { verified } = partition(await onlyNew(), 0);
    assert.deepEqual(verified, { records: 50n, checkpoints: 5 });
  });

  test('only what is later is read, counted, and then accepted', async () => {
    await check();
    await made.appendAndSeal(0, 10);
    await made.appendAndSeal(0, 10);
    const report = await onlyNew();
    assert.equal(report.verdict, 'intact');
    assert.deepEqual(partition(report, 0).verified, { records: 20n, checkpoints: 2 });
    assert.equal(await acceptedSize(), '70');
    assert.equal((await onlyNew()).records, 0n);
    assert.equal((await check()).records, 70n);
  });

  test('a change of what is later is found, one of what was accepted only by a full reading', async () => {
    await check();
    await made.appendAndSeal(0, 10);
    await changeRecord(55n);
    expectFinding(await onlyNew(), 'record-altered', 50n, 59n);
    await changeRecord(55n);
    await changeRecord(5n);
    assert.equal((await onlyNew()).verdict, 'intact');
    expectFinding(await check(), 'record-altered', 0n, 9n);
  });

  test('a log cut below what was accepted is tampered with', async () => {
    await check();
    await offline((root) => tamper(root, made.topic, 0, (log) => log.truncate(40n)));
    assert.equal((await onlyNew()).verdict, 'tampered');
  });

  test('what was verified before a change is remembered on the way, and gone on from', async () => {
    await changeRecord(35n);
    assert.equal((await check({ acceptEvery: 0 })).verdict, 'tampered');
    assert.equal(await acceptedSize(), '30');
    await changeRecord(35n);
    const { verified, verdict } = partition(await onlyNew(), 0);
    assert.deepEqual([verdict, verified.records], ['intact', 20n]);
  });

  test('the same report by several walkers', async () => {
    await check();
    await made.appendAndSeal(0, 10);
    const frozen: Memory = {
      read: (key) => memory.read(key),
      compareAndSet: async () => null,
      list: (ledger) => memory.list(ledger),
      close: async () => {},
    };
    const options = { memory: frozen, onlyNew: true };
    const report = await checkBothWays(made, place.stream, options);
    assert.equal(report.records, 10n);
  });
});
