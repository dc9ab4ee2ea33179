import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { openMemory } from '../../../store/folder.js';
import type { Memory, MemoryKey } from '../../../store/memory.js';
import { checkMade, expectCodes, partition } from '../../support/findings.js';
import { FolderPlace } from '../../support/folder-place.js';
import { MadeLedger } from '../../support/made-ledger.js';
import { tamper } from '../../support/tamper.js';

describe("a verifier's memory whose keys were renamed", () => {
  let place: FolderPlace;
  let made: MadeLedger;
  let memory: Memory;
  let folder: string;

  beforeEach(async () => {
    place = await FolderPlace.open();
    made = await MadeLedger.create(place.stream, { partitions: 2 });
    for (const log of [0, 1])
      for (let times = 0; times < 3; times++) await made.appendAndSeal(log, 10);
    folder = mkdtempSync(join(tmpdir(), 'sealstream-memory-'));
    memory = await openMemory(folder, { create: true });
    assert.equal((await check()).verdict, 'intact');
  });
  afterEach(async () => {
    await memory.close();
    await place.close();
    rmSync(folder, { recursive: true });
  });

  const check = () => checkMade(made, place.stream, { memory });
  const keyOf = (of: number): MemoryKey => ({
    ledger: made.ledger,
    topic: made.topic,
    partition: of,
  });

  /** Puts what one slot holds into another. */
  async function copy(from: MemoryKey, to: MemoryKey): Promise<void> {
    const record = (await memory.read(from))?.record;
    assert.ok(record);
    const held = await memory.read(to);
    assert.ok(await memory.compareAndSet(to, held?.version ?? null, record));
  }

  test('a record under another partition is a finding of that one, and is left as it is', async () => {
    await copy(keyOf(0), keyOf(1));
    const report = await check();
    assert.equal(partition(report, 0).verdict, 'intact');
    expectCodes(partition(report, 1), 'unchecked', ['unreadable']);
    assert.match(
      partition(report, 1).findings[0]?.message ?? '',
      /\/audit\/1 holds a record of .*\/0"/,
    );
    assert.match((await memory.read(keyOf(1)))?.record.origin ?? '', /\/0$/);
  });

  test('it hides no rollback: what was accepted of the partition is not held, and that is said', async () => {
    await copy(keyOf(0), keyOf(1));
    await place.offline((root) => {
      tamper(root, made.topic, 1, (log) => log.truncate(20n));
      tamper(root, made.checkpointTopic, 0, (log) => log.truncate(5n));
    });
    made.use(place.stream);
    assert.equal((await checkMade(made, place.stream)).verdict, 'intact');
    assert.equal((await check()).verdict, 'unchecked');
  });

  test('a record of another topic, or of another ledger, under the key of this one', async () => {
    const record = (await memory.read(keyOf(0)))?.record;
    assert.ok(record);
    const [, ...rest] = record.origin.split('/').reverse();
    for (const origin of [
      record.origin.replace(made.topic, 'other'),
      record.origin.replace(made.ledger, 'other.example/ledger'),
      `${rest.reverse().join('/')}/7`,
      'no origin',
    ]) {
      const held = await memory.read(keyOf(0));
      await memory.compareAndSet(keyOf(0), held?.version ?? null, { ...record, origin });
      expectCodes(partition(await check(), 0), 'unchecked', ['unreadable']);
      const retired = [{ origin, note: null }];
      const now = await memory.read(keyOf(0));
      await memory.compareAndSet(keyOf(0), now?.version ?? null, { ...record, retired });
      expectCodes(partition(await check(), 0), 'unchecked', ['unreadable']);
    }
  });

  test('the ledgers that it knows are named; a key that is none of a slot is an error', async () => {
    assert.deepEqual(await memory.ledgers?.(), [made.ledger]);
    await copy(keyOf(0), { ...keyOf(0), ledger: 'another.example' });
    assert.deepEqual(await memory.ledgers?.(), ['another.example', made.ledger].sort());
  });

  test('what is no record is not written', async () => {
    for (const record of [null, 7, {}, { origin: 7, first: 0n, checkpoint: null, retired: [] }]) {
      const writing = memory.compareAndSet(keyOf(3), null, record as never);
      await assert.rejects(writing, { name: 'SealstreamError' });
    }
    assert.equal(await memory.read(keyOf(3)), null);
  });
});
