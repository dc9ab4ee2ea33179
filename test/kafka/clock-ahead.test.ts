import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { afterEach } from 'node:test';
import { adoptLog } from '../../sealer/index.js';
import { openAdministration } from '../../stream/open.js';
import { kafkaTest } from '../support/kafka.js';
import { FIFTY_YEARS, SettableClock } from '../support/sealer/clocks.js';
import { LEDGER, TestLedger, until } from '../support/sealer/ledger.js';

const ledgers: TestLedger[] = [];

afterEach(async () => {
  for (const ledger of ledgers.splice(0)) await ledger.remove();
});

/** `stamped`: whether the checkpoint topic has LogAppendTime, as `apply` sets it. */
async function make(bootstrap: string, stamped: boolean, partitions = 1): Promise<TestLedger> {
  const place = { url: `kafka://${bootstrap}`, topic: `clock-${randomUUID()}` };
  const ledger = await TestLedger.make(partitions, place);
  ledgers.push(ledger);
  if (stamped) await stamp(ledger);
  return ledger;
}

async function stamp(ledger: TestLedger): Promise<void> {
  const administration = await openAdministration(ledger.url);
  const changes = new Map([['message.timestamp.type', 'LogAppendTime']]);
  const topic = `${ledger.topic}.checkpoints`;
  try {
    await administration.changeSettings(topic, changes);
    await until(async () => (await ledger.stream.describe(topic))?.timestampType === 1);
  } finally {
    await administration.close();
  }
}

kafkaTest('a clock 50 years ahead is refused, signs nothing, and passes', async (bootstrap) => {
  const ledger = await make(bootstrap, true);
  const clock = new SettableClock();
  const unchecked: string[] = [];
  const hooks = { unchecked: (why: string) => unchecked.push(why) };
  await ledger.append(2);
  const { sealer, stop } = await ledger.running({ clock, hooks, every: 50, heartbeat: 500 });
  try {
    const log = () => sealer.report()[0];
    await until(() => log()?.sealed?.size === 2n);
    clock.ahead = FIFTY_YEARS;
    await ledger.append(2);
    await until(() => log()?.refusal?.reason === 'clock-ahead');
    assert.ok((await ledger.checkpoints()).every(({ time }) => time <= Date.now()));
    clock.ahead = 0;
    await until(() => log()?.sealed?.size === 4n);
    assert.equal(log()?.refusal, null);
  } finally {
    await stop();
  }
  clock.ahead = FIFTY_YEARS;
  await ledger.append(1);
  const [once] = await ledger.sealOnce({ clock, hooks });
  assert.equal(once?.refusal?.reason, 'clock-ahead');
  assert.ok((await ledger.checkpoints()).every(({ time }) => time <= Date.now()));
  clock.ahead = 0;
  assert.equal((await ledger.sealOnce({ clock, hooks }))[0]?.sealed?.size, 5n);
  assert.deepEqual(await ledger.wrong(), []);
  assert.deepEqual(unchecked, []);
});

kafkaTest('in a new ledger one checkpoint of one log bears that time', async (bootstrap) => {
  const ledger = await make(bootstrap, true, 3);
  const clock = new SettableClock();
  clock.ahead = FIFTY_YEARS;
  for (const partition of [0, 1, 2]) await ledger.append(1, partition);
  const { sealer, stop } = await ledger.running({ clock, every: 50, heartbeat: 500 });
  try {
    const reasons = () => sealer.report().map(({ refusal }) => refusal?.reason ?? null);
    await until(() => reasons().filter((reason) => reason === 'clock-ahead').length === 3);
    assert.equal(new Set(await ledger.notes()).size, 1);
    clock.ahead = 0;
    await until(() => sealer.report().every(({ sealed }) => sealed?.size === 1n));
  } finally {
    await stop();
  }
  const heads = await Promise.all([0, 1, 2].map((one) => ledger.checkpoints(one)));
  const future = heads.filter((all) => (all.at(-1)?.time ?? 0) > Date.now());
  assert.equal(future.length, 1);
});

kafkaTest(
  'without LogAppendTime: unchecked, and what cannot be published then can be',
  async (bootstrap) => {
    const ledger = await make(bootstrap, false, 2);
    const clock = new SettableClock();
    const unchecked: string[] = [];
    const options = { clock, hooks: { unchecked: (why: string) => unchecked.push(why) } };
    clock.ahead = FIFTY_YEARS;
    await ledger.append(1);
    const [first] = await ledger.sealOnce(options);
    assert.equal(unchecked.length, 1);
    // Kafka 4 takes no CreateTime that is an hour ahead; an earlier one does.
    assert.ok([undefined, 'publish-rejected'].includes(first?.refusal?.reason));
    clock.ahead = 0;
    await ledger.append(1);
    const [sealed] = await ledger.sealOnce(options);
    assert.deepEqual([sealed?.refusal, sealed?.sealed?.size], [null, 2n]);
    const { stream, memory, topic, key } = ledger;
    const log = { stream, memory, ledger: LEDGER, topic, partition: 0, publicKey: key.publicKey };
    assert.equal((await adoptLog({ ...log, correctClock: true, yes: true })).done, true);
    await ledger.append(1);
    await ledger.sealOnce(options);
    const head = (await ledger.checkpoints()).at(-1);
    assert.ok(head !== undefined && head.size === 3n && head.time <= Date.now());
  },
);
