import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { NotVerified, prove, replay } from '../../../consumer/index.js';
import { openSegments } from '../../../stream/segments/segments.js';
import type {
  Position,
  Reader,
  ReaderOptions,
  Stream,
  TopicIdentity,
} from '../../../stream/stream.js';
import {
  checkBothWays,
  checkMade,
  expectFinding,
  proveOptions,
  verifyOptions,
} from '../../support/findings.js';
import { FolderPlace } from '../../support/folder-place.js';
import { LyingStream } from '../../support/lying-stream.js';
import { MadeLedger } from '../../support/made-ledger.js';
import { tamper } from '../../support/tamper.js';

/** Leads some of those who seek to another stream, as an index does that nobody signs. */
class LeadingStream extends LyingStream {
  readonly #elsewhere: Stream;
  readonly #isLed: (position: Position) => boolean;

  constructor(inner: Stream, elsewhere: Stream, isLed: (position: Position) => boolean) {
    super(inner, {});
    this.#elsewhere = elsewhere;
    this.#isLed = isLed;
  }

  override async reader(topic: TopicIdentity, options?: ReaderOptions): Promise<Reader> {
    const straight = await super.reader(topic, options);
    const led = await this.#elsewhere.reader(topic, options);
    let reader = straight;
    return {
      seek: (position) => {
        reader = topic.topic === 'audit' && this.#isLed(position) ? led : straight;
        reader.seek(position);
      },
      remove: (partition) => reader.remove(partition),
      poll: (maxWaitMs, signal) => reader.poll(maxWaitMs, signal),
      close: async () => {
        await straight.close();
        await led.close();
      },
    };
  }
}

describe('who seeks is given what those are given who read in order', () => {
  let place: FolderPlace;
  let made: MadeLedger;
  let copy: string;
  let elsewhere: Stream;

  beforeEach(async () => {
    place = await FolderPlace.open();
    made = await MadeLedger.create(place.stream, { partitions: 1 });
    for (let size = 20; size <= 60; size += 20) await made.appendAndSeal(0, 20);
    copy = mkdtempSync(join(tmpdir(), 'sealstream-elsewhere-'));
    cpSync(place.root, copy, { recursive: true });
    tamper(copy, made.topic, 0, (log) => log.changeByte(33n));
    elsewhere = await openSegments(`file:${copy}`);
  });
  afterEach(async () => {
    await elsewhere.close();
    rmSync(copy, { recursive: true });
    await place.close();
  });

  const leading = (isLed: (position: Position) => boolean) =>
    new LeadingStream(place.stream, elsewhere, isLed);

  test('the same everywhere: as many places as there are checkpoints and batches', async () => {
    const report = await checkMade(made, place.stream);
    assert.deepEqual([report.verdict, report.probes], ['intact', 3 + 6]);
    assert.equal((await checkMade(made, place.stream, { probes: 2 })).probes, 3 + 2);
    assert.equal((await checkMade(made, place.stream, { probes: 'all' })).probes, 3 + 6);
  });

  test('another record for all who seek, and for those alone who seek to one offset', async () => {
    for (const isLed of [
      ({ look }: Position) => look !== undefined,
      ({ look, offset }: Position) => look !== undefined && offset === 39n,
    ]) {
      const report = await checkBothWays(made, leading(isLed));
      expectFinding(report, 'batch-corrupt', 30n, 40n);
    }
  });

  test('another record at a checkpoint boundary, with no place chosen at random', async () => {
    tamper(copy, made.topic, 0, (log) => log.changeByte(25n));
    const isLed = ({ look, offset }: Position) => look !== undefined && offset === 20n;
    const report = await checkBothWays(made, leading(isLed), { probes: 0 });
    expectFinding(report, 'batch-corrupt', 20n, 30n);
  });

  test('another record once, and then never again: nothing', async () => {
    let led = 0;
    const once = ({ look, offset }: Position) =>
      look !== undefined && offset === 39n && led++ === 0;
    const report = await checkMade(made, leading(once));
    assert.deepEqual([report.verdict, led], ['intact', 2]);
  });

  test('replay and prove say so too', async () => {
    const stream = leading(({ look }) => look !== undefined);
    const options = verifyOptions(made, stream);
    const isSaid = (error: unknown) =>
      error instanceof NotVerified && error.findings.some(({ from }) => from === 30n);
    const printing = async () => {
      for await (const { sealed } of replay(options)) assert.ok(sealed);
    };
    await assert.rejects(printing, isSaid);
    const proving = (offset: bigint) => prove(proveOptions(made, stream, offset));
    await assert.rejects(proving(31n), isSaid);
    assert.ok(await proving(3n));
  });
});
