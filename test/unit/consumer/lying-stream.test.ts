import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { SealstreamError } from '../../../ledger/error.js';
import type { Fetched } from '../../../stream/stream.js';
import { checkMade, codes, expectCodes, expectFinding, partition } from '../../support/findings.js';
import { FolderPlace } from '../../support/folder-place.js';
import { type Lies, LyingStream } from '../../support/lying-stream.js';
import { MadeLedger } from '../../support/made-ledger.js';

const unreachable = () => new SealstreamError('unreachable', 'nobody answers');

describe('a stream that does not tell the truth', () => {
  let place: FolderPlace;
  let made: MadeLedger;
  beforeEach(async () => {
    place = await FolderPlace.open();
    made = await MadeLedger.create(place.stream, { partitions: 1 });
    for (let size = 10; size <= 30; size += 10) await made.appendAndSeal(0, 10);
  });
  afterEach(() => place.close());

  const check = (lies: Lies) =>
    checkMade(made, new LyingStream(place.stream, lies), { timeoutMs: 100, confirmMs: 5 });
  const failed = (truth: Fetched, error: SealstreamError, at = truth.batches.length): Fetched => {
    const batches = truth.batches.slice(0, at);
    const offset = truth.batches[at]?.baseOffset ?? truth.next.offset;
    return { ...truth, batches, next: { partition: truth.partition, offset }, error };
  };

  describe('an outage is never tampering, and never intact', () => {
    test('nobody says which topics there are', async () => {
      const report = await check({
        describe: () => {
          throw unreachable();
        },
      });
      expectCodes(partition(report, 0), 'unchecked', ['unreachable']);
    });

    for (const part of ['', '.checkpoints']) {
      test(`the bounds of audit${part} are not to be had`, async () => {
        const bounds: Lies['bounds'] = (topic, truth) =>
          topic === `audit${part}` ? unreachable() : truth;
        expectCodes(partition(await check({ bounds }), 0), 'unchecked', ['unreachable']);
      });

      test(`reading audit${part} breaks off`, async () => {
        const fetched: Lies['fetched'] = (topic, truth) =>
          topic === `audit${part}`
            ? failed(truth, unreachable(), truth.batches[0]?.baseOffset === 0n ? 1 : 0)
            : truth;
        const report = partition(await check({ fetched }), 0);
        assert.equal(report.verdict, 'unchecked');
        assert.ok(codes(report).includes('unreachable'));
      });
    }

    test('any one call that fails once is asked again', async () => {
      for (let failing = 0; failing < 12; failing++) {
        let call = 0;
        const fails = () => call++ === failing;
        const report = await check({
          describe: (_topic, truth) => {
            if (fails()) throw unreachable();
            return truth;
          },
          bounds: (_topic, truth) => (fails() ? unreachable() : truth),
          fetched: (_topic, truth) => (fails() ? failed(truth, unreachable(), 0) : truth),
        });
        assert.notEqual(report.verdict, 'tampered', `call ${failing}`);
        assert.notEqual(report.verdict, 'incomplete', `call ${failing}`);
      }
    });

    test('is said once, however many checks of a partition meet it', async () => {
      let reads = 0;
      const report = partition(
        await check({
          bounds: (topic, truth) => (topic === 'audit' ? unreachable() : truth),
          fetched: (topic, truth) =>
            topic === 'audit' ? truth : failed(truth, unreachable(), reads++ === 0 ? 1 : 0),
        }),
        0,
      );
      assert.deepEqual(
        report.findings.map(({ code, message }) => [code, message]),
        [['unreachable', 'nobody answers']],
      );
    });

    test('no right to read', async () => {
      const error = new SealstreamError('unauthorized', 'not for you');
      const report = await check({ bounds: () => error });
      assert.equal(report.verdict, 'unchecked');
    });
  });

  test('a high watermark that goes back for a moment is nothing', async () => {
    let looks = 0;
    const report = await check({
      bounds: (topic, truth) =>
        topic === 'audit' && looks++ === 0 ? { ...truth, highWatermark: 15n } : truth,
    });
    assert.equal(report.verdict, 'intact');
    assert.equal(looks, 2);
  });

  test('a high watermark that stays back is a truncated log', async () => {
    const report = await check({
      bounds: (topic, truth) => (topic === 'audit' ? { ...truth, highWatermark: 15n } : truth),
    });
    expectFinding(report, 'log-truncated', 15n, 30n);
    assert.equal(partition(report, 0).verified.records, 10n);
  });

  test('a corrupt batch in the checkpoint topic', async () => {
    const corrupt = new SealstreamError('batch-corrupt', 'CRC-32C');
    const report = await check({
      fetched: (topic, truth) => (topic === 'audit' ? truth : failed(truth, corrupt, 2)),
    });
    expectCodes(partition(report, 0), 'tampered', ['batch-corrupt']);
  });

  test('a batch that cannot be decoded here could not be checked; the rest is', async () => {
    const error = new SealstreamError('unreadable', 'compression codec 7');
    const report = await check({
      fetched: (topic, truth) => {
        const at = truth.batches.findIndex((batch) => batch.baseOffset === 10n);
        return topic === 'audit' && at >= 0 ? failed(truth, error, at) : truth;
      },
    });
    const found = partition(report, 0);
    assert.equal(found.verdict, 'unchecked');
    assert.deepEqual(
      found.findings.map((one) => [one.code, one.from, one.to]),
      [['unreadable', 10n, 20n]],
    );
    assert.equal(found.verified.records, 20n);
  });

  test('records withheld while their offsets are passed', async () => {
    const report = await check({
      fetched: (topic, truth) =>
        topic === 'audit'
          ? { ...truth, batches: truth.batches.filter((batch) => batch.baseOffset !== 10n) }
          : truth,
    });
    expectFinding(report, 'record-missing', 10n, 20n);
  });

  test('the same batch shown twice', async () => {
    const report = await check({
      fetched: (topic, truth) =>
        topic === 'audit'
          ? { ...truth, batches: truth.batches.flatMap((batch) => [batch, batch]) }
          : truth,
    });
    expectCodes(partition(report, 0), 'tampered', ['batch-corrupt']);
    const ranges = partition(report, 0).findings.map((found) => [found.from, found.to]);
    assert.deepEqual(ranges, [
      [10n, 20n],
      [20n, 30n],
    ]);
  });

  test('an earlier batch shown again: the range begins where it stands', async () => {
    const report = await check({
      fetched: (topic, truth) => {
        const [first, second, third] = truth.batches;
        return topic === 'audit' && first?.baseOffset === 0n && second && third
          ? { ...truth, batches: [first, second, first, third] }
          : truth;
      },
    });
    expectCodes(partition(report, 0), 'tampered', ['batch-corrupt']);
    expectFinding(report, 'batch-corrupt', 20n, 30n);
  });

  test('a topic that becomes another one while it is read', async () => {
    const error = new SealstreamError('topic-recreated', 'another id now');
    const report = await check({
      fetched: (topic, truth) => (topic === 'audit' ? failed(truth, error, 1) : truth),
    });
    expectCodes(partition(report, 0), 'tampered', ['topic-recreated']);
  });

  test('records deleted while they are read', async () => {
    const error = new SealstreamError('offset-out-of-range', 'gone');
    let asked = 0;
    const report = await check({
      bounds: (topic, truth) =>
        topic === 'audit' && asked++ > 0 ? { ...truth, logStart: 20n } : truth,
      fetched: (topic, truth) => (topic === 'audit' ? failed(truth, error, 1) : truth),
    });
    expectFinding(report, 'log-start-moved', 10n, 20n);
  });

  test('different records at a second reading', async () => {
    let readings = 0;
    const report = await check({
      fetched: (topic, truth) => {
        if (topic !== 'audit' || readings++ > 0) return truth;
        return { ...truth, batches: truth.batches.filter((batch) => batch.baseOffset !== 10n) };
      },
    });
    expectCodes(partition(report, 0), 'unchecked', ['unreadable']);
  });

  test('a topic id that is none', async () => {
    for (const topicId of ['', '/', 'A'.repeat(22), 'x'.repeat(10_000)]) {
      const report = await check({ describe: (_topic, truth) => truth && { ...truth, topicId } });
      assert.notEqual(report.verdict, 'intact');
    }
  });

  test('a partition count that nobody has', async () => {
    const report = await check({
      describe: (_topic, truth) => truth && { ...truth, partitions: 2 ** 31 - 1 },
    });
    assert.equal(report.partitions.length, 1);
    assert.equal(report.verdict, 'unchecked');
  });
});
