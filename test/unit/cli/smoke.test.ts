import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { changeOneByte } from '../../../cli/demo/change.js';
import { type SmokeReport, smokeTopic } from '../../../cli/smoke-topic.js';
import { SealstreamError } from '../../../ledger/error.js';
import { signingKeyFromSeed } from '../../../ledger/keys.js';
import type { Fetched } from '../../../stream/stream.js';
import { type Lies, LyingStream } from '../../support/lying-stream.js';
import { LEDGER, TestLedger, TOPIC, until } from '../../support/sealer/ledger.js';

const CHECKPOINTS = `${TOPIC}.checkpoints`;

describe('smoke of one topic', () => {
  let ledger: TestLedger;
  beforeEach(async () => {
    ledger = await TestLedger.make();
    await ledger.append(3);
    await ledger.sealOnce();
  });
  afterEach(() => ledger.remove());

  /**
   * Runs it behind `lies`; `acknowledged` once the event is in the log. Smoke reads no checkpoint
   * before that is done, so that its first look shows it however short `waitMs` is.
   */
  async function smoke(
    lies: Lies,
    acknowledged: () => Promise<void>,
    { waitMs = 20_000, publicKey = ledger.key.publicKey } = {},
  ): Promise<SmokeReport> {
    const stream = new LyingStream(ledger.stream, lies);
    let isDone = false;
    const reader = stream.reader.bind(stream);
    stream.reader = async (topic, options) => {
      if (topic.topic === CHECKPOINTS) await until(() => isDone);
      return reader(topic, options);
    };
    let isOver = false;
    const own = { stream, ledger: LEDGER, publicKey, waitMs, timeoutMs: 20_000, confirmMs: 5 };
    const options = { ...own, id: 'smoke-1', started: performance.now() };
    const report = smokeTopic(options, TOPIC).finally(() => {
      isOver = true;
    });
    await until(async () => isOver || (await ledger.records()).length === 4);
    await acknowledged();
    isDone = true;
    return report;
  }

  const seal = async (): Promise<void> => {
    await ledger.sealOnce();
  };
  const codes = ({ findings }: SmokeReport): string[] => findings.map(({ code }) => code);
  const nothing = (truth: Fetched): Fetched => {
    const offset = truth.batches[0]?.baseOffset ?? truth.next.offset;
    return { ...truth, batches: [], next: { partition: truth.partition, offset } };
  };

  it('is intact where what was published comes back, and times each step', async () => {
    const report = await smoke({}, seal);
    assert.deepEqual([report.verdict, codes(report)], ['intact', []]);
    assert.equal(report.published?.offset, 3n);
    assert.equal(report.checkpoint?.size, 4n);
    const steps = ['connected', 'published', 'sealed', 'verified', 'readBack'];
    assert.deepEqual(Object.keys(report.seconds), steps);
  });

  it('is not satisfied by a checkpoint that does not reach the event', async () => {
    const report = await smoke({}, async () => {}, { waitMs: 300 });
    assert.deepEqual([report.verdict, codes(report)], ['incomplete', ['unsealed']]);
    assert.match(report.findings[0]?.message ?? '', /is `sealstream seal` running on audit\?/);
    assert.equal(report.seconds.sealed, undefined);
  });

  it('finds what was changed before it was sealed, wherever in the record', async () => {
    const report = await smoke({}, async () => {
      await changeOneByte(ledger.data, TOPIC);
      await ledger.sealOnce();
    });
    assert.deepEqual([report.verdict, codes(report)], ['tampered', ['record-altered']]);
    assert.match(report.findings[0]?.message ?? '', /does not hold what was published there/);
  });

  it('finds what was changed after it was sealed', async () => {
    let changed = false;
    const fetched: Lies['fetched'] = (topic, truth) =>
      topic === CHECKPOINTS && !changed ? nothing(truth) : truth;
    const report = await smoke({ fetched }, async () => {
      await ledger.sealOnce();
      await changeOneByte(ledger.data, TOPIC);
      changed = true;
    });
    assert.deepEqual([report.verdict, codes(report)], ['tampered', ['record-altered']]);
  });

  it('finds that the acknowledged record is not shown, though a checkpoint covers it', async () => {
    const fetched: Lies['fetched'] = (topic, truth) =>
      topic === TOPIC ? { ...truth, batches: [] } : truth;
    const report = await smoke({ fetched }, seal);
    assert.equal(report.verdict, 'tampered');
    assert.deepEqual(codes(report), ['record-missing']);
  });

  it('cannot check with another key', async () => {
    const { publicKey } = signingKeyFromSeed(new Uint8Array(32).fill(8));
    const report = await smoke({}, seal, { publicKey, waitMs: 500 });
    assert.deepEqual([report.verdict, codes(report)], ['unchecked', ['wrong-key']]);
  });

  it('an outage while it waits is no statement about the log', async () => {
    const error = new SealstreamError('unreachable', 'nobody answers');
    const fetched: Lies['fetched'] = (_topic, truth) => ({ ...nothing(truth), error });
    const report = await smoke({ fetched }, seal, { waitMs: 300 });
    assert.deepEqual([report.verdict, codes(report)], ['unchecked', ['unreachable']]);
  });
});
