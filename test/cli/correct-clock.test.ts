import assert from 'node:assert/strict';
import type { LedgerDesk } from '../support/ledger-desk.js';
import { LedgerDesk as Ledger, onBothStreams } from '../support/ledger-desk.js';

const EVENT = '{"tenant_id":"acme","action":"test.publish","actor":{"id":"a"}}\n';
const FUTURE = new URL('../support/future-clock.js', import.meta.url).href;
/** As a host would whose clock is 50 years ahead. */
const AHEAD = { environment: { NODE_OPTIONS: `--import ${FUTURE}` } };

async function publish(desk: LedgerDesk): Promise<void> {
  const { code, stderr } = await desk.run(['publish'], { input: EVENT });
  assert.equal(code, 0, stderr);
}

async function make(bootstrap: string | null): Promise<LedgerDesk> {
  const desk = await Ledger.make({ bootstrap, partitions: 1 });
  await publish(desk);
  return desk;
}

async function findings(desk: LedgerDesk): Promise<{ code: number; codes: string[] }> {
  const { code, report } = await desk.verify('--topic', desk.topic);
  return { code, codes: report.partitions.flatMap((one) => one.findings.map((each) => each.code)) };
}

onBothStreams('a checkpoint 50 years ahead: adopt --correct-clock', async (bootstrap) => {
  const desk = await make(bootstrap);
  try {
    const seal = ['seal', '--once', '--topic', desk.topic];
    // On Kafka its own acknowledgement tells, and that is refused; it is signed by then.
    const first = await desk.run(seal, AHEAD);
    assert.equal(first.code, bootstrap === null ? 0 : 1, first.stderr);
    if (bootstrap !== null) assert.match(first.stderr, /refused: clock-ahead/);
    assert.deepEqual(await findings(desk), { code: 2, codes: ['stale'] });
    const status = await desk.run(['status', '--topic', desk.topic]);
    assert.match(status.stdout, /in the future/);
    assert.match(status.stderr, /adopt --correct-clock/);
    const adopt = ['adopt', '--correct-clock', '--topic', desk.topic];
    const notes = await desk.notes();
    const asked = await desk.run(adopt);
    assert.deepEqual([asked.code, /Nothing was written/.test(asked.stderr)], [0, true]);
    await publish(desk);
    assert.equal((await desk.run(seal)).code, 0);
    assert.deepEqual(await findings(desk), { code: 2, codes: ['stale'] });
    const done = await desk.run([...adopt, '--yes']);
    assert.deepEqual([done.code, /^adopted: /m.test(done.stderr)], [0, true], done.stderr);
    await publish(desk);
    assert.equal((await desk.run(seal)).code, 0);
    assert.deepEqual(await findings(desk), { code: 0, codes: [] });
    const latest = await desk.run([
      'checkpoints',
      ...['--topic', desk.topic, '--partition', '0', '--latest'],
    ]);
    const [, wrong = 'no time'] = /^time (.*)$/m.exec(notes) ?? [];
    assert.ok(latest.stdout.includes(`\nclock-corrected ${wrong}\n`), latest.stdout);
    const again = await desk.run([...adopt, '--yes']);
    assert.equal(again.code, 1, again.stderr);
    assert.match(again.stderr, /not in the future[\s\S]*refused/);
  } finally {
    await desk.close();
  }
});

onBothStreams('a clock 50 years ahead in a ledger that was sealed', async (bootstrap) => {
  const desk = await make(bootstrap);
  try {
    const seal = ['seal', '--once', '--topic', desk.topic];
    const sealed = await desk.run(seal);
    assert.deepEqual([sealed.code, sealed.stderr], [0, '']);
    await publish(desk);
    const { code, stderr } = await desk.run(seal, AHEAD);
    // The embedded stream has no clock but that of the same process.
    assert.equal(code, bootstrap === null ? 0 : 1, stderr);
    if (bootstrap === null) return;
    assert.match(stderr, /refused: clock-ahead/);
    assert.equal((await findings(desk)).code, 0);
    assert.equal((await desk.run(seal)).code, 0);
    const { report } = await desk.verify('--topic', desk.topic);
    assert.equal(report.partitions[0]?.sealed?.size, '2');
  } finally {
    await desk.close();
  }
});
