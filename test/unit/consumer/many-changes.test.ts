import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { SealstreamError } from '../../../ledger/error.js';
import { readBatchHeader } from '../../../stream/batch/decode.js';
import { BatchEncoder } from '../../../stream/batch/encode.js';
import { stampLog } from '../../../stream/batch/stamp.js';
import type { Fetched, Reader, ReaderOptions, TopicIdentity } from '../../../stream/stream.js';
import { checkMade, partition } from '../../support/findings.js';
import { FolderPlace } from '../../support/folder-place.js';
import { LyingStream } from '../../support/lying-stream.js';
import { MadeLedger } from '../../support/made-ledger.js';

const SEALED = 30;
const UNSEALED = 3;

class CountingStream extends LyingStream {
  readers = 0;

  override reader(topic: TopicIdentity, options?: ReaderOptions): Promise<Reader> {
    this.readers++;
    return super.reader(topic, options);
  }
}

/** Every batch of a segment replaced by another of one record, at the same offset. */
function alterAll(file: string): void {
  const bytes = readFileSync(file);
  const altered: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const header = readBatchHeader(bytes, at) ?? assert.fail('no batch');
    const encoder = new BatchEncoder();
    encoder.add({ key: null, value: Buffer.from('altered'), headers: [] }, 0n);
    const { baseOffset, maxTimestamp } = header;
    const stamp = { baseOffset, leaderEpoch: 0, logAppendTime: maxTimestamp };
    altered.push(stampLog(encoder.finish().bytes, stamp));
    at += header.sizeInBytes;
  }
  writeFileSync(file, Buffer.concat(altered));
}

function corruptAtEvenOffsets(topic: string, truth: Fetched): Fetched {
  const at = truth.batches.findIndex(({ baseOffset }) => baseOffset % 2n === 0n);
  const corrupt = truth.batches[at];
  if (topic !== 'audit' || corrupt === undefined) return truth;
  const next = { ...truth.next, offset: corrupt.baseOffset };
  const error = new SealstreamError('batch-corrupt', `offset ${corrupt.baseOffset}: corrupt`);
  return { ...truth, batches: truth.batches.slice(0, at), next, error: at === 0 ? error : null };
}

describe('a log with more changes than are worth naming', () => {
  let place: FolderPlace;
  let made: MadeLedger;
  beforeEach(async () => {
    place = await FolderPlace.open();
    made = await MadeLedger.create(place.stream, { partitions: 1 });
  });
  afterEach(() => place.close());

  async function reportAfter(change: (file: string) => void) {
    await place.offline((root) => change(join(root, 'audit-0', '00000000000000000000.log')));
    const stream = new CountingStream(place.stream, {});
    const report = await checkMade(made, stream, { confirmMs: 0, timeoutMs: 200 });
    return { ...partition(report, 0), readers: stream.readers };
  }

  async function sealEach(): Promise<void> {
    for (let index = 0; index < SEALED; index++) await made.appendAndSeal(0, 1);
  }

  test('where every record is altered: the first are named, the rest is one range', async () => {
    await sealEach();
    for (let index = 0; index < UNSEALED; index++) await made.append(0, 1);
    const { verdict, findings, unsealed, readers } = await reportAfter(alterAll);
    assert.equal(verdict, 'tampered');
    assert.deepEqual([...new Set(findings.map(({ code }) => code))], ['record-altered']);
    assert.ok(findings.length < SEALED / 2, `${findings.length} findings`);
    const last = findings.at(-1);
    assert.deepEqual([last?.from, last?.to], [BigInt(findings.length - 1), BigInt(SEALED)]);
    assert.match(last?.message ?? '', /not localised further/);
    assert.equal(unsealed.records, BigInt(UNSEALED));
    assert.ok(readers < (5 * SEALED) / 2, `${readers} readers opened`);
  });

  test('where every second batch is corrupt, whatever stream says so', async () => {
    await sealEach();
    const stream = new LyingStream(place.stream, { fetched: corruptAtEvenOffsets });
    const report = await checkMade(made, stream, { confirmMs: 0, timeoutMs: 200 });
    const { verdict, findings } = partition(report, 0);
    assert.equal(verdict, 'tampered');
    assert.deepEqual([...new Set(findings.map(({ code }) => code))], ['batch-corrupt']);
    assert.ok(findings.length < SEALED / 2, `${findings.length} findings`);
    assert.equal(findings.at(-1)?.to, BigInt(SEALED));
  });
});
