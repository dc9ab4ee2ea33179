import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { fillTopic } from '../support/filled-topic.js';
import { LedgerDesk } from '../support/ledger-desk.js';

const PARTITIONS = 2;

/** Enough records that threads are started: see verify-pool.ts. */
describe('verify --workers, on the embedded stream', () => {
  let desk: LedgerDesk;

  before(async () => {
    desk = await LedgerDesk.make({
      bootstrap: null,
      partitions: PARTITIONS,
      seal: { records: 5000 },
    });
    const stream = await desk.openStream();
    await fillTopic(stream, desk.topic, 120, 500);
    await stream.close();
    assert.equal((await desk.run(['seal', '--once'])).code, 0);
  });
  after(() => desk.close());

  /** In the middle of partition 1's only segment; a second time mends it. */
  async function flipByte(): Promise<void> {
    const file = await open(desk.path('data', `${desk.topic}-1`, `${'0'.repeat(20)}.log`), 'r+');
    const position = Math.floor((await file.stat()).size / 2);
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, position);
    byte.writeUInt8(byte.readUInt8() ^ 1);
    await file.write(byte, 0, 1, position);
    await file.close();
  }

  async function reportBy(workers: number, ...words: string[]) {
    const { code, report } = await desk.verify('--workers', String(workers), ...words);
    return { code, report: { ...report, seconds: 0 } };
  }

  it('gives the same report and exit code with 1, 2 and 5 threads', async () => {
    const alone = await reportBy(1);
    assert.equal(alone.code, 0);
    assert.equal(alone.report.records, '60000');
    assert.deepEqual(await reportBy(2), alone);
    assert.deepEqual(await reportBy(5), alone);
  });

  it('finds the same change, and names the same range', async () => {
    await flipByte();
    const alone = await reportBy(1);
    assert.equal(alone.code, 1);
    assert.deepEqual(await reportBy(3), alone);
    await flipByte();
    assert.equal((await reportBy(3)).code, 0);
  });

  it('reads only what is new with --only-new, and says so', async () => {
    assert.equal((await desk.run(['verify', '--memory', 'seen'])).code, 0);
    const stream = await desk.openStream();
    await fillTopic(stream, desk.topic, 20, 500);
    await stream.close();
    assert.equal((await desk.run(['seal', '--once'])).code, 0);
    const { code, stdout } = await desk.run(['verify', '--memory', 'seen', '--only-new']);
    assert.equal(code, 0);
    assert.match(stdout, /10000 records verified/);
    assert.doesNotMatch(stdout, /every sealed record is/);
    assert.match(stdout, /accepted before .* not read again/);
    assert.equal((await reportBy(2, '--memory', 'seen')).report.records, '70000');
  });

  it("refuses --only-new without a verifier's memory, and thread counts that are none", async () => {
    const ofSealer = ['--only-new', '--memory', 'memory'];
    for (const words of [ofSealer, ['--only-new'], ['--workers', '0'], ['--workers', 'two']]) {
      assert.equal((await desk.run(['verify', ...words])).code, 64, words.join(' '));
    }
  });
});
