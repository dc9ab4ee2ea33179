import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Report } from '../../../consumer/index.js';
import { SealstreamError } from '../../../ledger/error.js';
import { checkMade, expectCodes, partition } from '../../support/findings.js';
import { FolderPlace } from '../../support/folder-place.js';
import { type Lies, LyingStream } from '../../support/lying-stream.js';
import { MadeLedger } from '../../support/made-ledger.js';
import { tamper } from '../../support/tamper.js';

describe('a log that goes back while it is verified', () => {
  let place: FolderPlace;
  let made: MadeLedger;
  beforeEach(async () => {
    place = await FolderPlace.open();
    made = await MadeLedger.create(place.stream, { partitions: 1 });
    for (let size = 10; size <= 30; size += 10) await made.appendAndSeal(0, 10);
  });
  afterEach(() => place.close());

  const check = (lies: Lies, timeoutMs = 20_000) =>
    checkMade(made, new LyingStream(place.stream, lies), { timeoutMs, confirmMs: 5 });

  /** Of what never comes to an end. */
  const checkBriefly = (lies: Lies) => check(lies, 500);

  const expectAltered = (report: Report, offset: bigint): void => {
    const found = partition(report, 0);
    expectCodes(found, 'tampered', ['record-altered']);
    const [{ from, to } = { from: null, to: null }] = found.findings;
    assert.ok(from !== null && to !== null && from <= offset && offset < to, `${from} to ${to}`);
  };

  /** The log as somebody rewrote it, with the offsets from `altered` on holding other bytes. */
  const rewritten = (altered: bigint) =>
    tamper(place.root, made.topic, 0, (stored) => stored.changeByte(altered));

  test('its high watermark comes again over other records: tampered', async () => {
    let looks = 0;
    const report = await check({
      bounds: (topic, truth) => {
        if (topic !== 'audit' || looks++ > 0) return truth;
        rewritten(17n);
        return { ...truth, highWatermark: 15n };
      },
    });
    assert.equal(looks, 2);
    expectAltered(report, 17n);
  });

  /** The end as it is while the log is read: back at 15 for `times` looks. */
  const goneBack = (times: number): Lies => {
    let looks = 0;
    return {
      fetched: (topic, truth) => {
        const batches = truth.batches.filter(({ nextOffset }) => nextOffset <= 10n);
        if (topic !== 'audit' || batches.length === truth.batches.length || looks++ >= times) {
          return truth;
        }
        const offset = batches.at(-1)?.nextOffset ?? truth.batches[0]?.baseOffset ?? 0n;
        return { ...truth, batches, highWatermark: 10n, next: { partition: 0, offset } };
      },
    };
  };

  test('its high watermark goes back and comes again while it is read: intact', async () => {
    assert.equal((await check(goneBack(2))).verdict, 'intact');
  });

  test('its high watermark stays back while it is read: could not be checked', async () => {
    const report = await checkBriefly(goneBack(1_000_000));
    expectCodes(partition(report, 0), 'unchecked', ['unreachable']);
    assert.equal(partition(report, 0).verified.records, 10n);
  });

  describe('and diverges', () => {
    const diverged = new SealstreamError('log-diverged', 'an epoch that the leader never had');
    /** Once past offset 10, as often as told; `rewrite` happens just before the first time. */
    const diverging = (times: number, rewrite: () => void = () => {}): Lies => {
      let told = 0;
      return {
        fetched: (topic, truth) => {
          const at = truth.batches.findIndex(({ baseOffset }) => baseOffset >= 20n);
          if (topic !== 'audit' || at < 0 || told >= times) return truth;
          if (told++ === 0) rewrite();
          const offset = truth.batches[at]?.baseOffset ?? 0n;
          const batches = truth.batches.slice(0, at);
          return { ...truth, batches, next: { partition: 0, offset }, error: diverged };
        },
      };
    };

    test('is read again from its start: nothing counted twice where it is as it was', async () => {
      const report = await check(diverging(1));
      assert.equal(report.verdict, 'intact');
      assert.deepEqual(partition(report, 0).verified, { records: 30n, checkpoints: 3 });
    });

    test('is tampered where a record that had agreed is another one now', async () => {
      const report = await check(diverging(1, () => rewritten(4n)));
      expectAltered(report, 4n);
    });

    test('again and again could not be checked', async () => {
      const report = await checkBriefly(diverging(1_000_000));
      expectCodes(partition(report, 0), 'unchecked', ['unreachable']);
    });
  });
});
