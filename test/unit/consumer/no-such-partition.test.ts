import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { checkpointKey } from '../../../ledger/checkpoint-record.js';
import { checkBothWays, codes, partition } from '../../support/findings.js';
import { FolderPlace } from '../../support/folder-place.js';
import { MadeLedger, newKey } from '../../support/made-ledger.js';

/** What is said of a partition that the topic does not have is reported with the first that it has. */
describe('a bad record of the checkpoint topic about a partition that does not exist', () => {
  let place: FolderPlace;
  let made: MadeLedger;
  let key: Uint8Array;
  let origin: string;
  beforeEach(async () => {
    place = await FolderPlace.open();
    made = await MadeLedger.create(place.stream, { partitions: 2 });
    await made.appendAndSeal(0, 3);
    await made.appendAndSeal(1, 3);
    origin = made.origin(7);
    key = Buffer.from(checkpointKey(origin, Date.now()));
  });
  afterEach(() => place.close());

  async function expectWithFirst(code: string): Promise<void> {
    const report = await checkBothWays(made, place.stream);
    assert.deepEqual(codes(partition(report, 0)), [code]);
    assert.equal(partition(report, 1).verdict, 'intact');
    assert.equal(report.verdict, 'tampered');
  }

  test('a tombstone', async () => {
    await made.publishRecord({ key, value: null, headers: [] });
    await expectWithFirst('checkpoint-erased');
  });

  test('junk', async () => {
    await made.publishRecord({ key, value: Buffer.from('junk'), headers: [] });
    await expectWithFirst('checkpoint-malformed');
  });

  test('a forged note', async () => {
    const forged = await made.sign(0, { origin, partitions: 8 }, newKey());
    await made.publish(forged);
    await expectWithFirst('checkpoint-unsigned');
  });
});
