import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { exitCodeOf, reportToJson } from '../../../consumer/index.js';
import { checkpointKey } from '../../../ledger/checkpoint-record.js';
import { signNote } from '../../../ledger/note.js';
import { checkBothWays, codes, expectCodes, MAX_AGE, partition } from '../../support/findings.js';
import { FolderPlace } from '../../support/folder-place.js';
import { MadeLedger } from '../../support/made-ledger.js';

const MINUTE = 60_000;

describe('verify', () => {
  let place: FolderPlace;
  let made: MadeLedger;
  beforeEach(async () => {
    place = await FolderPlace.open();
    made = await MadeLedger.create(place.stream, { partitions: 1 });
  });
  afterEach(() => place.close());

  test('a sealed log: intact, with what was sealed and the tail', async () => {
    await made.appendAndSeal(0, 25);
    const { checkpoint } = await made.appendAndSeal(0, 15);
    await made.append(0, 3);
    const report = await checkBothWays(made, place.stream);
    assert.equal(report.verdict, 'intact');
    assert.equal(report.records, 40n);
    assert.deepEqual(report.partitions, [
      {
        origin: made.origin(0),
        topic: 'audit',
        partition: 0,
        verdict: 'intact',
        sealed: { size: 40n, first: 0n, next: 40n, time: new Date(checkpoint.time).toISOString() },
        verified: { records: 40n, checkpoints: 2 },
        unsealed: { records: 3n },
        findings: [],
      },
    ]);
    const json = JSON.parse(reportToJson(report));
    assert.equal(json.records, '40');
    assert.equal(json.partitions[0].sealed.next, '40');
    assert.equal(json.partitions[0].verified.checkpoints, 2);
  });

  test('an empty log with a checkpoint of no records is intact', async () => {
    await made.seal(0);
    const report = await checkBothWays(made, place.stream);
    assert.equal(report.verdict, 'intact');
    assert.equal(report.records, 0n);
  });

  test('an empty log without a checkpoint is incomplete', async () => {
    const report = await checkBothWays(made, place.stream);
    expectCodes(partition(report, 0), 'incomplete', ['no-checkpoint']);
  });

  test('records that were never sealed are counted, and overdue when they are old', async () => {
    await made.append(0, 12);
    const young = partition(await checkBothWays(made, place.stream), 0);
    expectCodes(young, 'incomplete', ['no-checkpoint']);
    assert.equal(young.unsealed.records, 12n);
    const clock = () => Date.now() + MAX_AGE + MINUTE;
    const old = partition(await checkBothWays(made, place.stream, { clock }), 0);
    assert.deepEqual(codes(old), ['no-checkpoint', 'unsealed']);
  });

  test('records where a checkpoint of no records says there were none', async () => {
    await made.append(0, 5);
    const before = await made.signOtherHistory(0, 0);
    await made.publish(await made.sign(0));
    await made.publish(await made.signAs(before, { next: 5n }));
    expectCodes(partition(await checkBothWays(made, place.stream), 0), 'tampered', [
      'record-altered',
      'checkpoint-conflict',
    ]);
  });

  test('no topic to verify is not intact', async () => {
    const report = await checkBothWays(made, place.stream, { topics: [] });
    assert.equal(report.verdict, 'incomplete');
  });

  test('a topic that is not there is incomplete', async () => {
    const report = await checkBothWays(made, place.stream, { topics: [{ topic: 'other' }] });
    expectCodes(partition(report, 0), 'incomplete', ['topic-missing']);
  });

  test('a heartbeat repeats the head and is compared once', async () => {
    await made.appendAndSeal(0, 10);
    await made.seal(0);
    await made.seal(0);
    const report = await checkBothWays(made, place.stream);
    assert.equal(report.verdict, 'intact');
    assert.equal(partition(report, 0).verified.checkpoints, 1);
  });

  describe('freshness', () => {
    test('a head older than the maximum age is stale', async () => {
      await made.append(0, 10);
      await made.seal(0, { time: Date.now() - MAX_AGE - MINUTE });
      expectCodes(partition(await checkBothWays(made, place.stream), 0), 'incomplete', ['stale']);
    });

    test('a head up to five minutes ahead is fresh, and none further ahead', async () => {
      await made.append(0, 10);
      await made.seal(0, { time: Date.now() + 4 * MINUTE });
      assert.equal((await checkBothWays(made, place.stream)).verdict, 'intact');
      await made.seal(0, { time: Date.now() + 6 * MINUTE });
      expectCodes(partition(await checkBothWays(made, place.stream), 0), 'incomplete', ['stale']);
    });

    test('old records beyond a fresh head are unsealed', async () => {
      const sealed = await made.appendAndSeal(0, 10);
      await made.append(0, 4);
      const later = Date.now() + MAX_AGE + MINUTE;
      await made.publish(await made.signAs(sealed, { time: later }));
      const report = partition(await checkBothWays(made, place.stream, { clock: () => later }), 0);
      assert.deepEqual(codes(report), ['unsealed']);
      assert.deepEqual([report.findings[0]?.from, report.findings[0]?.to], [10n, 14n]);
      assert.equal(report.unsealed.records, 4n);
    });
  });

  describe('completeness', () => {
    test('a signed partition count makes every partition necessary', async () => {
      await made.append(0, 10);
      await made.seal(0, { partitions: 3 });
      const report = await checkBothWays(made, place.stream);
      assert.equal(report.verdict, 'incomplete');
      assert.deepEqual(
        report.partitions.map((one) => codes(one)),
        [[], ['no-checkpoint', 'partition-missing'], ['no-checkpoint', 'partition-missing']],
      );
    });

    test("so does the verifier's own expectation", async () => {
      await made.appendAndSeal(0, 10);
      const topics = [{ topic: made.topic, partitions: 2 }];
      const report = await checkBothWays(made, place.stream, { topics });
      assert.equal(report.verdict, 'incomplete');
    });

    test('one partition alone', async () => {
      await made.append(0, 10);
      await made.seal(0, { partitions: 2 });
      assert.equal((await checkBothWays(made, place.stream, { partition: 0 })).verdict, 'intact');
      const other = await checkBothWays(made, place.stream, { partition: 1 });
      assert.equal(other.verdict, 'incomplete');
      assert.equal(other.partitions.length, 1);
    });

    test('a hostile partition count is not counted along with', async () => {
      await made.append(0, 10);
      await made.seal(0, { partitions: 2 ** 31 - 1 });
      const report = await checkBothWays(made, place.stream);
      assert.equal(report.verdict, 'incomplete');
      assert.ok(report.partitions.length < 2000);
    });
  });

  describe('the checkpoint topic', () => {
    test('what other ledgers write there is theirs', async () => {
      await made.appendAndSeal(0, 10);
      const theirs = made.origin(0).replace(made.ledger, 'other.example.com/audit');
      const note = signNote(`${theirs}\n1\nAAAA\nother/v1\n`, theirs, made.key);
      await made.publishRecord({
        key: Buffer.from(checkpointKey(theirs, Date.now())),
        value: Buffer.from(note),
        headers: [],
      });
      await made.publishRecord({
        key: Buffer.from(checkpointKey(theirs, Date.now())),
        value: null,
        headers: [],
      });
      assert.equal((await checkBothWays(made, place.stream)).verdict, 'intact');
    });

    test('a signed checkpoint of an unknown version could not be checked', async () => {
      const sealed = await made.appendAndSeal(0, 10);
      const text = sealed.note.slice(0, sealed.note.indexOf('\n\n') + 1);
      const other = text.replace('sealstream/v1', 'sealstream/v2');
      const note = signNote(other, made.origin(0), made.key);
      const key = Buffer.from(checkpointKey(made.origin(0), sealed.checkpoint.time));
      const headers = [
        { key: Buffer.from('last'), value: sealed.last },
        { key: Buffer.from('frontier'), value: sealed.frontier },
      ];
      await made.publishRecord({ key, value: Buffer.from(note), headers });
      const report = await checkBothWays(made, place.stream);
      expectCodes(partition(report, 0), 'unchecked', ['unknown-version']);
      assert.equal(exitCodeOf(report.verdict), 3);
    });

    test('many bad records are counted, not kept', async () => {
      await made.appendAndSeal(0, 10);
      for (let count = 0; count < 120; count++) {
        await made.publishRecord({ key: null, value: Buffer.from('junk'), headers: [] });
      }
      const report = partition(await checkBothWays(made, place.stream), 0);
      expectCodes(report, 'tampered', ['checkpoint-malformed']);
      assert.equal(report.findings.length, 101);
      assert.match(report.findings.at(-1)?.message ?? '', /^20 more/);
    });

    test('headers that prove nothing leave the note binding', async () => {
      await made.appendAndSeal(0, 10);
      const sealed = await made.appendAndSeal(0, 10);
      await made.publish({ ...sealed, last: new Uint8Array(81) });
      const report = partition(await checkBothWays(made, place.stream), 0);
      expectCodes(report, 'tampered', ['checkpoint-malformed']);
      assert.equal(report.verified.records, 20n);
    });
  });
});
