import assert from 'node:assert/strict';
import { cp, rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { fillTopic } from '../support/filled-topic.js';
import { LEDGER, LedgerDesk } from '../support/ledger-desk.js';
import { readSealedLogs, unsealedLog, wrongCheckpoints } from '../support/sealed-log.js';

interface SealedLine {
  readonly sealed: { readonly size: string; time: string } | null;
  readonly records: string;
  readonly refusal: { readonly reason: string; readonly message: string; since: number } | null;
}

/** What `seal --once --json` prints, without the times. */
function timeless(stdout: string): readonly SealedLine[] {
  const lines = JSON.parse(stdout) as readonly SealedLine[];
  for (const line of lines) {
    if (line.sealed !== null) line.sealed.time = '';
    if (line.refusal !== null) line.refusal.since = 0;
  }
  return lines;
}

describe('seal --once --workers, on the embedded stream', () => {
  let desk: LedgerDesk;
  const heads = async () => {
    const stream = await desk.openStream();
    try {
      const logs = await readSealedLogs(stream, LEDGER, desk.topic, await desk.publicKey());
      assert.equal(unsealedLog(logs), null);
      assert.deepEqual(logs.flatMap(wrongCheckpoints), []);
      return logs.map(({ checkpoints }) => {
        const { size, first, next, chain, root } = checkpoints.at(-1) ?? assert.fail('no head');
        return { size, first, next, chain, root };
      });
    } finally {
      await stream.close();
    }
  };
  const keep = async (name: string) => {
    for (const part of ['data', 'memory']) {
      await cp(desk.path(part), desk.path(name, part), { recursive: true });
    }
  };
  const restore = async (name: string, parts = ['data', 'memory']) => {
    for (const part of parts) {
      await rm(desk.path(part), { recursive: true });
      await cp(desk.path(name, part), desk.path(part), { recursive: true });
    }
  };

  before(async () => {
    desk = await LedgerDesk.make({ bootstrap: null, partitions: 5, seal: { records: 100 } });
    const stream = await desk.openStream();
    await fillTopic(stream, desk.topic, 33, 40);
    await stream.close();
    await keep('unsealed');
  });
  after(() => desk.close());

  it('one log, one result, whatever the number of workers', async () => {
    const seal = async (workers: string) => {
      await restore('unsealed');
      const words = ['seal', '--once', '--json', '--workers', workers];
      const { code, stdout, stderr } = await desk.run(words);
      assert.deepEqual([code, stderr], [0, '']);
      return { lines: timeless(stdout), heads: await heads() };
    };
    const alone = await seal('1');
    assert.equal(alone.lines.length, 5);
    assert.equal(
      alone.lines.reduce((sum, { records }) => sum + BigInt(records), 0n),
      1320n,
    );
    for (const workers of ['2', '3', '64']) assert.deepEqual(await seal(workers), alone);
  });

  it('a refused log: the same report, exit 1', async () => {
    await restore('unsealed');
    await rm(desk.path('data', `${desk.topic}-2`), { recursive: true });
    await keep('damaged');
    const runs = [];
    for (const workers of ['1', '2']) {
      const words = ['seal', '--once', '--workers', workers];
      await restore('damaged');
      const text = await desk.run(words);
      await restore('damaged');
      const { code, stdout } = await desk.run([...words, '--json']);
      assert.deepEqual([text.code, code], [1, 1]);
      const printed = text.stdout.replace(/signed .*/g, 'signed');
      runs.push({ lines: timeless(stdout), printed, told: text.stderr });
    }
    assert.deepEqual(runs[1], runs[0]);
    assert.deepEqual(
      runs[0]?.lines.map(({ refusal }) => refusal?.reason ?? null),
      [null, null, 'partition-missing', null, null],
    );
  });

  it('--workers is a whole number from 1 to 64', async () => {
    for (const workers of ['0', '65', 'many', '-1']) {
      const { code, stderr } = await desk.run(['seal', '--once', '--workers', workers]);
      assert.equal(code, 64);
      assert.match(stderr, /--workers/);
    }
  });
});
