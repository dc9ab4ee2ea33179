import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { encodeBody } from '../../ledger/body.js';
import { checkpointKey, encodeCheckpointRecord } from '../../ledger/checkpoint-record.js';
import { sha256 } from '../../ledger/hash.js';
import { codes, expectCodes, expectFinding, partition } from '../support/findings.js';
import { newKey } from '../support/made-ledger.js';
import { AT_ONCE, sceneTest, type TamperPlace } from '../support/tamper-scene.js';

/**
 * Partition 0 is sealed at 10, 20 and 30 records, partition 1 at 5; then somebody changes it. The
 * tests run at once: a place whose restart is slow makes one for all of them.
 */
export function tamperingContract(name: string, open: () => Promise<TamperPlace>): void {
  const test = sceneTest(open);
  describe(`tampering on ${name}`, { concurrency: AT_ONCE }, () => {
    test('nothing changed', async (scene) => {
      const report = await scene.check();
      assert.deepEqual(codes(partition(report, 0)), []);
      assert.equal(report.verdict, 'intact');
      assert.equal(report.records, 35n);
      assert.deepEqual(partition(report, 0).verified, { records: 30n, checkpoints: 3 });
    });

    describe('records', { concurrency: AT_ONCE }, () => {
      test('one byte of a sealed record', async (scene) => {
        await scene.changeRecords((log) => log.changeByte(13n));
        const report = await scene.check();
        expectFinding(report, 'record-altered', 10n, 19n);
        assert.deepEqual(partition(report, 0).verified, { records: 20n, checkpoints: 2 });
        assert.equal(partition(report, 1).verdict, 'intact');
      });

      test('one byte, where the frontier of the next checkpoint narrows the range', async (scene) => {
        await scene.changeRecords((log) => log.changeByte(17n));
        expectFinding(await scene.check(), 'record-altered', 16n, 19n);
      });

      test('one byte of the last record before a checkpoint', async (scene) => {
        await scene.changeRecords((log) => log.changeByte(19n));
        expectFinding(await scene.check(), 'record-altered', 19n, 20n);
      });

      test('changes in two intervals are two findings', async (scene) => {
        await scene.changeRecords((log) => {
          log.changeByte(3n);
          log.changeByte(25n);
        });
        const report = await scene.check();
        assert.deepEqual(
          partition(report, 0).findings.map((found) => [found.code, found.from, found.to]),
          [
            ['record-altered', 0n, 9n],
            ['record-altered', 24n, 29n],
          ],
        );
        assert.equal(partition(report, 0).verified.records, 10n);
      });

      test('a record removed', async (scene) => {
        await scene.changeRecords((log) => log.remove(13n));
        expectFinding(await scene.check(), 'record-missing', 10n, 19n);
      });

      test('the last record before a checkpoint removed', async (scene) => {
        await scene.changeRecords((log) => log.remove(19n));
        expectFinding(await scene.check(), 'record-missing', 19n, 20n);
      });

      test('two records swapped', async (scene) => {
        await scene.changeRecords((log) => log.swap(12n, 15n));
        expectFinding(await scene.check(), 'record-altered', 10n, 19n);
      });

      test('a timestamp moved', async (scene) => {
        await scene.changeRecords((log) => log.moveTimestamp(14n, 1n));
        expectFinding(await scene.check(), 'record-altered', 10n, 20n);
      });

      test('the tail truncated', async (scene) => {
        await scene.changeRecords((log) => log.truncate(25n));
        const report = await scene.check();
        expectFinding(report, 'log-truncated', 25n, 30n);
        assert.equal(partition(report, 0).verified.records, 20n);
      });

      test('the tail truncated and written anew', async (scene) => {
        await scene.changeRecords((log) => log.truncate(20n));
        await scene.made.append(0, 10);
        expectFinding(await scene.check(), 'record-altered', 20n, 30n);
      });

      test('records deleted at the start of the log', async (scene) => {
        await scene.changeRecords((log) => log.deleteBefore(10n));
        const report = await scene.check();
        expectFinding(report, 'log-start-moved', 0n, 10n);
        assert.equal(partition(report, 0).verified.records, 20n);
      });

      test('records deleted up to the middle of an interval', async (scene) => {
        await scene.changeRecords((log) => log.deleteBefore(13n));
        const report = await scene.check();
        expectFinding(report, 'log-start-moved', 0n, 13n);
        assert.equal(partition(report, 0).verified.records, 10n);
      });

      test('a corrupt batch', async (scene) => {
        await scene.changeRecords((log) => log.corrupt(14n));
        const report = await scene.check();
        expectFinding(report, 'batch-corrupt', 10n, 20n);
        assert.equal(partition(report, 0).verified.records, 20n);
      });
    });

    describe('checkpoints', { concurrency: AT_ONCE }, () => {
      test('the head forged in place', async (scene) => {
        const sealed = await scene.made.sign(0);
        const note = sealed.note.replace('\npartitions 2\n', '\npartitions 1\n');
        const body = encodeBody(encodeCheckpointRecord({ ...sealed, note }));
        await scene.changeCheckpoints((log) => log.replaceBody(2n, body));
        expectCodes(partition(await scene.check(), 0), 'tampered', ['checkpoint-unsigned']);
      });

      test('any one byte of the head changed in place', async (scene) => {
        await scene.changeCheckpoints((log) => log.changeByte(2n));
        const found = partition(await scene.check(), 0);
        expectCodes(found, 'tampered', ['checkpoint-malformed', 'checkpoint-unsigned']);
      });

      test('a checkpoint of another size under the old signature', async (scene) => {
        const sealed = await scene.made.sign(0);
        const note = sealed.note.replace('\n30\n', '\n31\n').replace('next 30', 'next 31');
        await scene.made.publish({ ...sealed, note });
        expectCodes(partition(await scene.check(), 0), 'tampered', ['checkpoint-unsigned']);
      });

      test('the head signed again with another key', async (scene) => {
        await scene.made.publish(await scene.made.sign(0, {}, newKey()));
        expectCodes(partition(await scene.check(), 0), 'tampered', ['checkpoint-unsigned']);
      });

      test('one erased by a tombstone', async (scene) => {
        const { checkpoint } = await scene.made.sign(0);
        const key = Buffer.from(checkpointKey(checkpoint.origin, checkpoint.time));
        await scene.made.publishRecord({ key, value: null, headers: [] });
        expectCodes(partition(await scene.check(), 0), 'tampered', ['checkpoint-erased']);
      });

      test('one under the key of another hour', async (scene) => {
        const sealed = await scene.made.sign(0);
        const { origin, time } = sealed.checkpoint;
        const key = Buffer.from(checkpointKey(origin, time + 3_600_000));
        await scene.made.publishRecord({ ...encodeCheckpointRecord(sealed), key });
        expectCodes(partition(await scene.check(), 0), 'tampered', ['checkpoint-malformed']);
      });

      test('a record that is no checkpoint', async (scene) => {
        await scene.made.publishRecord({
          key: Buffer.from('no origin'),
          value: Buffer.from('no note'),
          headers: [],
        });
        expectCodes(partition(await scene.check(), 0), 'tampered', ['checkpoint-malformed']);
      });

      test('two of one size', async (scene) => {
        await scene.made.publish(await scene.made.signOtherHistory(0, 30));
        const found = partition(await scene.check(), 0);
        expectCodes(found, 'tampered', ['checkpoint-conflict']);
        assert.equal(found.verified.records, 30n);
      });

      test('one that those around it contradict', async (scene) => {
        await scene.made.publish(await scene.made.signOtherHistory(0, 25));
        const found = partition(await scene.check(), 0);
        expectCodes(found, 'tampered', ['checkpoint-conflict']);
        assert.equal(found.verified.records, 30n);
      });

      test('one whose root and chain are of different histories', async (scene) => {
        await scene.made.seal(0, { size: 29n, root: sha256(Buffer.from('another')) });
        const found = partition(await scene.check(), 0);
        expectCodes(found, 'tampered', ['checkpoint-conflict', 'checkpoint-malformed']);
      });

      test("one partition's withheld", async (scene) => {
        await scene.changeCheckpoints((log) => log.truncate(3n));
        const report = await scene.check();
        assert.equal(partition(report, 0).verdict, 'intact');
        expectCodes(partition(report, 1), 'incomplete', ['no-checkpoint']);
      });
    });

    describe('topics', { concurrency: AT_ONCE }, () => {
      test('the topic deleted and created again', async (scene) => {
        await scene.place.deleteTopic(scene.made.topic);
        await scene.made.createTopic();
        expectCodes(partition(await scene.check(), 0), 'tampered', [
          'no-checkpoint',
          'topic-recreated',
        ]);
        await scene.made.appendAndSeal(0, 10);
        expectCodes(partition(await scene.check(), 0), 'tampered', ['topic-recreated']);
      });

      test('the topic deleted and created again with fewer partitions', async (scene) => {
        await scene.place.deleteTopic(scene.made.topic);
        scene.made.partitions = 1;
        await scene.made.createTopic();
        await scene.made.appendAndSeal(0, 10);
        const lost = partition(await scene.check(), 1);
        expectCodes(lost, 'tampered', ['no-checkpoint', 'partition-missing', 'topic-recreated']);
      });

      test('the topic deleted', async (scene) => {
        await scene.place.deleteTopic(scene.made.topic);
        const report = await scene.check();
        assert.equal(report.verdict, 'incomplete');
        assert.deepEqual(codes(partition(report, 0)), ['topic-missing']);
      });

      test('both topics deleted', async (scene) => {
        await scene.place.deleteTopic(scene.made.topic);
        await scene.place.deleteTopic(scene.made.checkpointTopic);
        const report = await scene.check();
        assert.equal(report.verdict, 'incomplete');
        assert.deepEqual(codes(partition(report, 0)), ['topic-missing', 'topic-missing']);
      });

      test('the checkpoint topic deleted, and then there but empty', async (scene) => {
        await scene.place.deleteTopic(scene.made.checkpointTopic);
        const missing = await scene.check();
        assert.equal(missing.verdict, 'incomplete');
        assert.deepEqual(codes(partition(missing, 0)), ['topic-missing']);
        await scene.made.createCheckpointTopic();
        const empty = await scene.check();
        assert.equal(empty.verdict, 'incomplete');
        assert.deepEqual(codes(partition(empty, 1)), ['no-checkpoint']);
      });

      test('the wrong key', async (scene) => {
        const report = await scene.check({ publicKey: newKey().publicKey });
        assert.equal(report.verdict, 'unchecked');
        assert.deepEqual(codes(partition(report, 0)), ['wrong-key']);
      });
    });
  });
}
