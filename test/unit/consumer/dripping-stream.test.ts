import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { NotVerified, prove, replay } from '../../../consumer/index.js';
import type { RecordParts } from '../../../ledger/records.js';
import { adoptLog } from '../../../sealer/adopt-log.js';
import { sealStatus } from '../../../sealer/status.js';
import { readRange } from '../../../stream/read.js';
import { checkMade, expectCodes, partition, verifyOptions } from '../../support/findings.js';
import { FolderPlace } from '../../support/folder-place.js';
import { type Lies, LyingStream } from '../../support/lying-stream.js';
import { MadeLedger } from '../../support/made-ledger.js';

const TIMEOUT_MS = 200;
/** Before each timeout is over, and fewer than any honest stream gives in a second. */
const DRIP_MS = 120;
const RECORDS = 40;

/** One batch a poll, however many there are. */
const dripping = (from: string, delayMs = DRIP_MS): Lies => ({
  delayMs: (topic) => (topic === from ? delayMs : 0),
  fetched(topic, truth) {
    const [batch] = truth.batches;
    if (topic !== from || batch === undefined) return truth;
    const next = { partition: truth.partition, offset: batch.nextOffset };
    return { ...truth, batches: [batch], next };
  },
});

describe('a stream that drips', () => {
  let place: FolderPlace;
  let made: MadeLedger;
  beforeEach(async () => {
    place = await FolderPlace.open();
    made = await MadeLedger.create(place.stream, { partitions: 1 });
  });
  afterEach(() => place.close());

  /** One batch each. */
  async function fill(count: number, valueBytes = 10): Promise<void> {
    const value = new Uint8Array(valueBytes);
    const record: RecordParts = { key: null, value, headers: [] };
    for (let at = 0; at < count; at++) await made.appendRecords(0, [record]);
    await made.seal(0);
  }

  const lying = (lies: Lies) => new LyingStream(place.stream, lies);

  test('counts as out of reach, and the finding says how far it came', async () => {
    await fill(RECORDS);
    const stream = lying(dripping('audit'));
    const report = await checkMade(made, stream, { timeoutMs: TIMEOUT_MS });
    const log = partition(report, 0);
    expectCodes(log, 'unchecked', ['unreachable']);
    assert.match(
      log.findings[0]?.message ?? '',
      /audit\/0: .* offset \d+ is reached, 40 wanted.*drips/,
    );
  });

  test('from the checkpoint topic alone is found too', async () => {
    await fill(1);
    for (let at = 0; at < 12; at++) await made.seal(0);
    // A checkpoint is longer than most records: fewer of them are next to nothing.
    const timeoutMs = 600;
    const stream = lying(dripping('audit.checkpoints', 500));
    const report = await checkMade(made, stream, { timeoutMs });
    assert.equal(partition(report, 0).verdict, 'unchecked');
    assert.match(partition(report, 0).findings[0]?.message ?? '', /audit.checkpoints\/0: .*drips/);
    const { publicKey } = made.key;
    const asked = { stream, ledger: made.ledger, publicKey, timeout: timeoutMs };
    const [status] = await sealStatus({ ...asked, topics: ['audit'], memory: null, seals: false });
    assert.match(status?.error?.message ?? '', /drips/);
  });

  test('ends replay, prove and adopt alike', async () => {
    await fill(RECORDS);
    const stream = lying(dripping('audit'));
    const options = { ...verifyOptions(made, stream), timeoutMs: TIMEOUT_MS };
    const drips = (error: unknown): boolean => {
      assert.ok(error instanceof NotVerified, String(error));
      assert.match(error.findings.at(-1)?.message ?? '', /drips/);
      return error.findings.at(-1)?.code === 'unreachable';
    };
    await assert.rejects(async () => {
      for await (const record of replay(options)) assert.ok(record.sealed);
    }, drips);
    const { topics: _, maxAge: __, ...place_ } = options;
    const one = { ...place_, topic: 'audit', partition: 0, offset: 0n };
    await assert.rejects(prove(one), { code: 'timeout', message: /drips/ });
    const memory = {
      read: async () => null,
      compareAndSet: async () => null,
      list: async () => [],
      close: async () => {},
    };
    const { ledger } = made;
    const adopting = { stream, memory, ledger, topic: 'audit', partition: 0, timeout: TIMEOUT_MS };
    await assert.rejects(adoptLog({ ...adopting, publicKey: made.key.publicKey }), {
      code: 'timeout',
      message: /drips/,
    });
  });

  test('is held to the deadline, and the finding says how far it came', async () => {
    await fill(RECORDS);
    const stream = lying(dripping('audit'));
    const report = await checkMade(made, stream, { deadlineMs: 3 * DRIP_MS });
    const log = partition(report, 0);
    expectCodes(log, 'unchecked', ['unreachable']);
    assert.match(
      log.findings[0]?.message ?? '',
      /^audit\/0: not done within the deadline of 0.36 s; offset \d+ is reached, 40 wanted$/,
    );
  });

  test('a deadline that is over while a second look is waited for is no rollback', async () => {
    await fill(1);
    const head = { ...(await made.seal(0)) };
    assert.ok(head);
    const options = { deadlineMs: 1, confirmMs: 60_000 };
    const report = await checkMade(made, lying({ delayMs: () => 50 }), options);
    assert.equal(report.verdict, 'unchecked');
  });

  test('a slow link with large records is none', async () => {
    await fill(12, 4_000);
    const report = await checkMade(made, lying(dripping('audit')), { timeoutMs: TIMEOUT_MS });
    assert.equal(report.verdict, 'intact');
  });

  test('a reader that takes its time over what came is not held against the stream', async () => {
    await fill(12);
    const stream = lying(dripping('audit', 0));
    const range = { partition: 0, from: 0n, until: 12n };
    let batches = 0;
    for await (const fetched of readRange(stream, made.description, range, { timeoutMs: 300 })) {
      batches += fetched.batches.length;
      await setTimeout(150);
    }
    assert.equal(batches, 12);
  });

  test('an intact log within a long deadline is intact, and nothing of it is left behind', async () => {
    await fill(3);
    const controller = new AbortController();
    const options = { deadlineMs: 600_000, signal: controller.signal };
    assert.equal((await checkMade(made, place.stream, options)).verdict, 'intact');
  });
});
