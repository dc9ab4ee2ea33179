import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { encodeBody } from '../../ledger/body.js';
import { checkpointKey, encodeCheckpointRecord } from '../../ledger/checkpoint-record.js';
import { sha256 } from '../../ledger/hash.js';
import type { Stream } from '../../stream/stream.js';
import { checkMade, codes, expectCodes, expectFinding, partition } from '../support/findings.js';
import { MadeLedger, newKey } from '../support/made-ledger.js';
import { type TamperedLog, tamper } from '../support/tamper.js';

/** A stream that whoever owns it can tamper with. */
export interface TamperPlace {
  /** Open now; another object after `offline`. */
  readonly stream: Stream;
  /** Replication of the topics that a test makes. */
  readonly replication: number;
  /** Stops the stream, changes its log directory, and opens it again. */
  offline(change: (root: string) => void): Promise<void>;
  deleteTopic(topic: string): Promise<void>;
  close(): Promise<void>;
}

/** Partition 0 is sealed at 10, 20 and 30 records, partition 1 at 5; then somebody changes it. */
export function tamperingContract(name: string, open: () => Promise<TamperPlace>): void {
  describe(`tampering on ${name}`, () => {
    let place: TamperPlace;
    let made: MadeLedger;

    beforeEach(async () => {
      place = await open();
      made = await MadeLedger.create(place.stream, { replication: place.replication });
      for (let size = 10; size <= 30; size += 10) await made.appendAndSeal(0, 10);
      await made.appendAndSeal(1, 5);
    });
    afterEach(() => place.close());

    const check = () => checkMade(made, place.stream);
    async function change(topic: string, edit: (log: TamperedLog) => void): Promise<void> {
      await place.offline((root) => tamper(root, topic, 0, edit));
      made.use(place.stream);
    }
    const changeRecords = (edit: (log: TamperedLog) => void) => change(made.topic, edit);
    const changeCheckpoints = (edit: (log: TamperedLog) => void) =>
      change(made.checkpointTopic, edit);

    test('nothing changed', async () => {
      const report = await check();
      assert.deepEqual(codes(partition(report, 0)), []);
      assert.equal(report.verdict, 'intact');
      assert.equal(report.records, 35n);
      assert.deepEqual(partition(report, 0).verified, { records: 30n, checkpoints: 3 });
    });

    describe('records', () => {
      test('one byte of a sealed record', async () => {
        await changeRecords((log) => log.changeByte(13n));
        const report = await check();
        expectFinding(report, 'record-altered', 10n, 19n);
        assert.deepEqual(partition(report, 0).verified, { records: 20n, checkpoints: 2 });
        assert.equal(partition(report, 1).verdict, 'intact');
      });

      test('one byte, where the frontier of the next checkpoint narrows the range', async () => {
        await changeRecords((log) => log.changeByte(17n));
        expectFinding(await check(), 'record-altered', 16n, 19n);
      });

      test('one byte of the last record before a checkpoint', async () => {
        await changeRecords((log) => log.changeByte(19n));
        expectFinding(await check(), 'record-altered', 19n, 20n);
      });

      test('changes in two intervals are two findings', async () => {
        await changeRecords((log) => {
          log.changeByte(3n);
          log.changeByte(25n);
        });
        const report = await check();
        assert.deepEqual(
          partition(report, 0).findings.map((found) => [found.code, found.from, found.to]),
          [
            ['record-altered', 0n, 9n],
            ['record-altered', 24n, 29n],
          ],
        );
        assert.equal(partition(report, 0).verified.records, 10n);
      });

      test('a record removed', async () => {
        await changeRecords((log) => log.remove(13n));
        expectFinding(await check(), 'record-missing', 10n, 19n);
      });

      test('the last record before a checkpoint removed', async () => {
        await changeRecords((log) => log.remove(19n));
        expectFinding(await check(), 'record-missing', 19n, 20n);
      });

      test('two records swapped', async () => {
        await changeRecords((log) => log.swap(12n, 15n));
        expectFinding(await check(), 'record-altered', 10n, 19n);
      });

      test('a timestamp moved', async () => {
        await changeRecords((log) => log.moveTimestamp(14n, 1n));
        expectFinding(await check(), 'record-altered', 10n, 20n);
      });

      test('the tail truncated', async () => {
        await changeRecords((log) => log.truncate(25n));
        const report = await check();
        expectFinding(report, 'log-truncated', 25n, 30n);
        assert.equal(partition(report, 0).verified.records, 20n);
      });

      test('the tail truncated and written anew', async () => {
        await changeRecords((log) => log.truncate(20n));
        await made.append(0, 10);
        expectFinding(await check(), 'record-altered', 20n, 30n);
      });

      test('records deleted at the start of the log', async () => {
        await changeRecords((log) => log.deleteBefore(10n));
        const report = await check();
        expectFinding(report, 'log-start-moved', 0n, 10n);
        assert.equal(partition(report, 0).verified.records, 20n);
      });

      test('records deleted up to the middle of an interval', async () => {
        await changeRecords((log) => log.deleteBefore(13n));
        const report = await check();
        expectFinding(report, 'log-start-moved', 0n, 13n);
        assert.equal(partition(report, 0).verified.records, 10n);
      });

      test('a corrupt batch', async () => {
        await changeRecords((log) => log.corrupt(14n));
        const report = await check();
        expectFinding(report, 'batch-corrupt', 10n, 20n);
        assert.equal(partition(report, 0).verified.records, 20n);
      });
    });

    describe('checkpoints', () => {
      test('the head forged in place', async () => {
        const sealed = await made.sign(0);
        const note = sealed.note.replace('\npartitions 2\n', '\npartitions 1\n');
        const body = encodeBody(encodeCheckpointRecord({ ...sealed, note }));
        await changeCheckpoints((log) => log.replaceBody(2n, body));
        expectCodes(partition(await check(), 0), 'tampered', ['checkpoint-unsigned']);
      });

      test('any one byte of the head changed in place', async () => {
        await changeCheckpoints((log) => log.changeByte(2n));
        const found = partition(await check(), 0);
        expectCodes(found, 'tampered', ['checkpoint-malformed', 'checkpoint-unsigned']);
      });

      test('a checkpoint of another size under the old signature', async () => {
        const sealed = await made.sign(0);
        const note = sealed.note.replace('\n30\n', '\n31\n').replace('next 30', 'next 31');
        await made.publish({ ...sealed, note });
        expectCodes(partition(await check(), 0), 'tampered', ['checkpoint-unsigned']);
      });

      test('the head signed again with another key', async () => {
        await made.publish(await made.sign(0, {}, newKey()));
        expectCodes(partition(await check(), 0), 'tampered', ['checkpoint-unsigned']);
      });

      test('one erased by a tombstone', async () => {
        const { checkpoint } = await made.sign(0);
        const key = Buffer.from(checkpointKey(checkpoint.origin, checkpoint.time));
        await made.publishRecord({ key, value: null, headers: [] });
        expectCodes(partition(await check(), 0), 'tampered', ['checkpoint-erased']);
      });

      test('one under the key of another hour', async () => {
        const sealed = await made.sign(0);
        const { origin, time } = sealed.checkpoint;
        const key = Buffer.from(checkpointKey(origin, time + 3_600_000));
        await made.publishRecord({ ...encodeCheckpointRecord(sealed), key });
        expectCodes(partition(await check(), 0), 'tampered', ['checkpoint-malformed']);
      });

      test('a record that is no checkpoint', async () => {
        await made.publishRecord({ key: null, value: Buffer.from('no note'), headers: [] });
        expectCodes(partition(await check(), 0), 'tampered', ['checkpoint-malformed']);
      });

      test('two of one size', async () => {
        await made.publish(await made.signOtherHistory(0, 30));
        const found = partition(await check(), 0);
        expectCodes(found, 'tampered', ['checkpoint-conflict']);
        assert.equal(found.verified.records, 30n);
      });

      test('one that those around it contradict', async () => {
        await made.publish(await made.signOtherHistory(0, 25));
        const found = partition(await check(), 0);
        expectCodes(found, 'tampered', ['checkpoint-conflict']);
        assert.equal(found.verified.records, 30n);
      });

      test('one whose root and chain are of different histories', async () => {
        await made.seal(0, { size: 29n, root: sha256(Buffer.from('another')) });
        const found = partition(await check(), 0);
        expectCodes(found, 'tampered', ['checkpoint-conflict', 'checkpoint-malformed']);
      });

      test("one partition's withheld", async () => {
        await changeCheckpoints((log) => log.truncate(3n));
        const report = await check();
        assert.equal(partition(report, 0).verdict, 'intact');
        expectCodes(partition(report, 1), 'incomplete', ['no-checkpoint']);
      });
    });

    describe('topics', () => {
      test('the topic deleted and created again', async () => {
        await place.deleteTopic(made.topic);
        await made.createTopic();
        expectCodes(partition(await check(), 0), 'tampered', ['no-checkpoint', 'topic-recreated']);
        await made.appendAndSeal(0, 10);
        expectCodes(partition(await check(), 0), 'tampered', ['topic-recreated']);
      });

      test('the topic deleted', async () => {
        await place.deleteTopic(made.topic);
        const report = await check();
        assert.equal(report.verdict, 'incomplete');
        assert.deepEqual(codes(partition(report, 0)), ['topic-missing']);
      });

      test('both topics deleted', async () => {
        await place.deleteTopic(made.topic);
        await place.deleteTopic(made.checkpointTopic);
        const report = await check();
        assert.equal(report.verdict, 'incomplete');
        assert.deepEqual(codes(partition(report, 0)), ['topic-missing', 'topic-missing']);
      });

      test('the checkpoint topic deleted, and then there but empty', async () => {
        await place.deleteTopic(made.checkpointTopic);
        const missing = await check();
        assert.equal(missing.verdict, 'incomplete');
        assert.deepEqual(codes(partition(missing, 0)), ['topic-missing']);
        await made.createCheckpointTopic();
        const empty = await check();
        assert.equal(empty.verdict, 'incomplete');
        assert.deepEqual(codes(partition(empty, 1)), ['no-checkpoint']);
      });

      test('the wrong key', async () => {
        const report = await checkMade(made, place.stream, { publicKey: newKey().publicKey });
        assert.equal(report.verdict, 'unchecked');
        assert.deepEqual(codes(partition(report, 0)), ['wrong-key']);
      });
    });
  });
}
