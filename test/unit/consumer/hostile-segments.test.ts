import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Report } from '../../../consumer/index.js';
import { openMemory } from '../../../store/folder.js';
import type { Memory } from '../../../store/memory.js';
import { checkMade } from '../../support/findings.js';
import { FolderPlace } from '../../support/folder-place.js';
import { MadeLedger } from '../../support/made-ledger.js';

/** Of a record batch, the epoch of the leader that wrote it: not sealed, and outside the CRC. */
const LEADER_EPOCH = { from: 12, to: 16 };
const BATCH_HEADER = 61;

describe('segments that somebody wrote over', () => {
  let place: FolderPlace;
  let made: MadeLedger;
  let folder: string;
  let memory: Memory | undefined;
  let original: Buffer | undefined;
  beforeEach(async () => {
    original = undefined;
    memory = undefined;
    folder = mkdtempSync(join(tmpdir(), 'sealstream-memory-'));
    place = await FolderPlace.open();
    made = await MadeLedger.create(place.stream, { partitions: 1 });
    const record = { key: Buffer.from('k'), value: Buffer.from('v'), headers: [] };
    await made.appendRecords(0, [record, record]);
    await made.seal(0);
    await made.appendRecords(0, [record]);
    await made.seal(0);
  });
  afterEach(async () => {
    await memory?.close();
    await place.close();
    rmSync(folder, { recursive: true });
  });

  async function withSegment(topic: string, change: (bytes: Buffer) => Buffer): Promise<Report> {
    await place.offline((root) => {
      const folder = join(root, `${topic}-0`);
      const name = readdirSync(folder).find((file) => file.endsWith('.log'));
      assert.ok(name !== undefined);
      const file = join(folder, name);
      original ??= readFileSync(file);
      writeFileSync(file, change(Buffer.from(original)));
    });
    const remembering = memory === undefined ? {} : { memory };
    return checkMade(made, place.stream, { confirmMs: 0, timeoutMs: 200, ...remembering });
  }

  test('every byte of the records flipped: found, or could not be checked', async () => {
    await withSegment(made.topic, (bytes) => bytes);
    const length = original?.length ?? 0;
    assert.ok(length > 100 && length < 400);
    const second = (original?.readInt32BE(8) ?? 0) + 12;
    for (let at = 0; at < length; at++) {
      const within = at < second ? at : at - second;
      if (within >= LEADER_EPOCH.from && within < LEADER_EPOCH.to) continue;
      const report = await withSegment(made.topic, (bytes) => {
        bytes[at] = (bytes[at] ?? 0) ^ 0x10;
        return bytes;
      });
      assert.match(report.verdict, /tampered|unchecked/, `byte ${at}`);
    }
  });

  test('the records cut at every byte: truncated', async () => {
    await withSegment(made.topic, (bytes) => bytes);
    for (let at = 0; at < (original?.length ?? 0); at++) {
      const report = await withSegment(made.topic, (bytes) => bytes.subarray(0, at));
      assert.equal(report.verdict, 'tampered', `cut at ${at}`);
    }
  });

  test('nothing but garbage', async () => {
    for (const byte of [0x00, 0x02, 0x7f, 0xff]) {
      const report = await withSegment(made.topic, (bytes) => bytes.fill(byte));
      assert.match(report.verdict, /tampered|unchecked/);
    }
  });

  // Some bytes make the last batch one that is still being written: the head is then withheld, which
  // only what was accepted before can show.
  test('every byte of the checkpoints flipped after they were accepted', async () => {
    memory = await openMemory(folder, { create: true });
    const accepted = await withSegment(made.checkpointTopic, (bytes) => bytes);
    assert.equal(accepted.verdict, 'intact');
    const length = original?.length ?? 0;
    const second = (original?.readInt32BE(8) ?? 0) + 12;
    for (let at = 0; at < length; at++) {
      const within = at < second ? at : at - second;
      // Of what follows the headers, bytes here and there: it is all under the CRC.
      if (within > BATCH_HEADER && within % 11 !== 0) continue;
      // Offsets and epochs of the checkpoint topic are not covered by anything, and mean nothing.
      if (within < 8 || (within >= LEADER_EPOCH.from && within < LEADER_EPOCH.to)) continue;
      const report = await withSegment(made.checkpointTopic, (bytes) => {
        bytes[at] = (bytes[at] ?? 0) ^ 0x10;
        return bytes;
      });
      assert.notEqual(report.verdict, 'intact', `byte ${at}`);
    }
  });
});
