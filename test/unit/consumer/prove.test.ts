import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { NotVerified, prove } from '../../../consumer/index.js';
import { SealstreamError } from '../../../ledger/error.js';
import { checkReceipt, parseReceipt } from '../../../ledger/receipt.js';
import { FolderPlace } from '../../support/folder-place.js';
import { MadeLedger, newKey } from '../../support/made-ledger.js';
import { tamper } from '../../support/tamper.js';

describe('prove', () => {
  let place: FolderPlace;
  let made: MadeLedger;
  beforeEach(async () => {
    place = await FolderPlace.open();
    made = await MadeLedger.create(place.stream, { partitions: 1 });
  });
  afterEach(() => place.close());

  const proofOf = (offset: bigint, publicKey = made.key.publicKey) =>
    prove({
      stream: place.stream,
      ledger: made.ledger,
      topic: made.topic,
      partition: 0,
      offset,
      publicKey,
      confirmMs: 5,
    });
  async function offline(change: (root: string) => void): Promise<void> {
    await place.offline(change);
    made.use(place.stream);
  }
  const code = (expected: string) => (error: unknown) =>
    error instanceof SealstreamError && error.code === expected;

  test('every sealed offset, in intervals of many sizes', async () => {
    for (const count of [1, 2, 3, 5, 8, 13, 21]) await made.appendAndSeal(0, count);
    const sizes = [1n, 3n, 6n, 11n, 19n, 32n, 53n];
    for (let offset = 0n; offset < 53n; offset++) {
      const { receipt, record } = await proofOf(offset);
      const parsed = parseReceipt(receipt);
      const checkpoint = checkReceipt(parsed, record, made.key.publicKey);
      assert.equal(checkpoint.origin, made.origin(0));
      assert.equal(
        checkpoint.size,
        sizes.find((size) => size > offset),
      );
      assert.equal(parsed.index, offset);
    }
  });

  test('against a checkpoint that is the only one, with holes in the offsets', async () => {
    await made.append(0, 30);
    await offline((root) =>
      tamper(root, made.topic, 0, (log) => {
        log.remove(4n);
        log.remove(17n);
      }),
    );
    await made.seal(0);
    for (const offset of [0n, 3n, 5n, 16n, 18n, 29n]) {
      const { receipt, record } = await proofOf(offset);
      checkReceipt(parseReceipt(receipt), record, made.key.publicKey);
    }
    await assert.rejects(proofOf(4n), code('not-sealed'));
  });

  test('an offset that no checkpoint covers', async () => {
    await made.appendAndSeal(0, 10);
    await made.append(0, 5);
    await assert.rejects(proofOf(10n), code('not-sealed'));
    await assert.rejects(proofOf(-1n), code('not-sealed'));
    await assert.rejects(proofOf(1n << 62n), code('not-sealed'));
  });

  test('nothing that this key signed', async () => {
    await made.appendAndSeal(0, 10);
    await assert.rejects(proofOf(3n, newKey().publicKey), code('not-sealed'));
  });

  test('a log that does not lead to the checkpoint proves nothing', async () => {
    await made.appendAndSeal(0, 10);
    await made.appendAndSeal(0, 10);
    await offline((root) => tamper(root, made.topic, 0, (log) => log.changeByte(13n)));
    await assert.rejects(proofOf(15n), (error: unknown) => {
      assert.ok(error instanceof NotVerified);
      assert.equal(error.verdict, 'tampered');
      assert.equal(error.findings[0]?.code, 'record-altered');
      return true;
    });
    const { receipt, record } = await proofOf(5n);
    checkReceipt(parseReceipt(receipt), record, made.key.publicKey);
  });

  test('a topic that is not there', async () => {
    await place.deleteTopic(made.topic);
    await assert.rejects(proofOf(0n), NotVerified);
  });
});
