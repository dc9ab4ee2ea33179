import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { LogReport, SealerOptions } from '../../../sealer/index.js';
import type { Logger } from '../../../stream/stream.js';
import { withBrokerClock } from '../../support/sealer/broker-clock.js';
import { FIFTY_YEARS, SettableClock } from '../../support/sealer/clocks.js';
import { TestLedger, until } from '../../support/sealer/ledger.js';

const ledgers: TestLedger[] = [];
const stops: (() => Promise<void>)[] = [];

after(async () => {
  for (const stop of stops.splice(0)) await stop();
  for (const ledger of ledgers.splice(0)) await ledger.remove();
});

async function make(partitions = 1): Promise<TestLedger> {
  const ledger = await TestLedger.make(partitions);
  ledgers.push(ledger);
  return ledger;
}

/** The ledger on a broker with a clock of its own; `clock` is the sealer's. */
class Scene {
  readonly clock = new SettableClock();
  readonly unchecked: string[] = [];
  /** Milliseconds that the broker's clock is ahead; null: it stamps nothing. */
  brokerAhead: number | null = 0;
  readonly ledger: TestLedger;

  constructor(ledger: TestLedger) {
    this.ledger = ledger;
  }

  static async open(partitions = 1): Promise<Scene> {
    return new Scene(await make(partitions));
  }

  get options(): Partial<SealerOptions> {
    const stream = withBrokerClock(this.ledger.stream, () =>
      this.brokerAhead === null ? null : Date.now() + this.brokerAhead,
    );
    const hooks = { unchecked: (why: string) => this.unchecked.push(why) };
    return { stream, clock: this.clock, hooks };
  }

  async sealOnce(more: Partial<SealerOptions> = {}) {
    return this.ledger.sealOnce({ ...this.options, ...more });
  }

  async run(): Promise<() => LogReport | undefined> {
    const timing = { every: 30, heartbeat: 200 };
    const { sealer, stop } = await this.ledger.running({ ...this.options, ...timing });
    stops.push(stop);
    return () => sealer.report()[0];
  }

  async times(partition = 0): Promise<number[]> {
    return (await this.ledger.checkpoints(partition)).map(({ time }) => time);
  }
}

function reasons(results: Awaited<ReturnType<Scene['sealOnce']>>) {
  return results.map(({ refusal, error }) => refusal?.reason ?? error?.message ?? null);
}

describe('a sealer whose clock is 50 years ahead', { concurrency: true }, () => {
  it('refuses to seal once, signs nothing, and goes on when the clock is right', async () => {
    const scene = await Scene.open();
    await scene.ledger.append(2);
    await scene.sealOnce();
    const [head] = await scene.ledger.notes();
    await scene.ledger.append(2);
    scene.clock.ahead = FIFTY_YEARS;
    const results = await scene.sealOnce();
    assert.deepEqual(reasons(results), ['clock-ahead']);
    assert.match(results[0]?.refusal?.message ?? '', /182\d\d days ahead/);
    // What was said before is said again to learn the time, verbatim; nothing else is.
    assert.deepEqual(new Set(await scene.ledger.notes()), new Set([head]));
    scene.clock.ahead = 0;
    assert.deepEqual(reasons(await scene.sealOnce()), [null]);
    assert.equal((await scene.ledger.checkpoints()).at(-1)?.size, 4n);
    assert.deepEqual(await scene.ledger.wrong(), []);
  });

  it('that jumps there while it runs is refused, and ends by itself', async () => {
    const scene = await Scene.open();
    await scene.ledger.append(2);
    const log = await scene.run();
    await until(() => log()?.sealed?.size === 2n);
    scene.clock.ahead = FIFTY_YEARS;
    await scene.ledger.append(1);
    await until(() => log()?.refusal?.reason === 'clock-ahead');
    assert.equal(log()?.phase, 'refused');
    const latest = Math.max(...(await scene.times()));
    assert.ok(latest <= Date.now(), 'nothing is signed with that time');
    scene.clock.ahead = 0;
    await until(() => log()?.sealed?.size === 3n);
    assert.equal(log()?.refusal, null);
  });

  it('in a new ledger signs one checkpoint, of one log of three, and no other', async () => {
    const scene = await Scene.open(3);
    for (const partition of [0, 1, 2]) await scene.ledger.append(1, partition);
    scene.clock.ahead = FIFTY_YEARS;
    const wrong = ['clock-ahead', 'clock-ahead', 'clock-ahead'];
    assert.deepEqual(reasons(await scene.sealOnce()), wrong);
    assert.equal(new Set(await scene.ledger.notes()).size, 1);
    assert.deepEqual(reasons(await scene.sealOnce()), wrong);
    assert.equal(new Set(await scene.ledger.notes()).size, 1);
    scene.clock.ahead = 0;
    assert.deepEqual(reasons(await scene.sealOnce()), [null, null, null]);
    const times = await Promise.all([0, 1, 2].map((partition) => scene.times(partition)));
    const future = times.filter((each) => each.some((time) => time > Date.now()));
    assert.equal(future.length, 1);
  });

  it('signs nothing for a topic that is new in a ledger that was sealed before', async () => {
    const scene = await Scene.open();
    await scene.ledger.append(1);
    await scene.sealOnce();
    const { folder, url } = scene.ledger;
    const added = new TestLedger({ folder, url, topic: 'added' });
    await added.open();
    await added.createTopics(1);
    await added.start(0);
    await added.append(1);
    scene.clock.ahead = FIFTY_YEARS;
    const topics = ['added', scene.ledger.topic];
    const results = await scene.sealOnce({ topics });
    assert.deepEqual(reasons(results), ['clock-ahead', 'clock-ahead']);
    assert.deepEqual(await added.notes(), []);
    scene.clock.ahead = 0;
    assert.deepEqual(reasons(await scene.sealOnce({ topics })), [null, null]);
    assert.equal((await added.checkpoints())[0]?.size, 1n);
    await added.close();
  });

  it('asks through no log that is refused: what its refusal tells of stays', async () => {
    const ledger = new TestLedger();
    ledgers.push(ledger);
    await ledger.open();
    await ledger.createTopics(2);
    await ledger.start(0);
    const scene = new Scene(ledger);
    await scene.ledger.append(1);
    assert.deepEqual(reasons(await scene.sealOnce()), [null, 'memory-missing']);
    scene.ledger.deleteTopic(`${scene.ledger.topic}.checkpoints`);
    await scene.ledger.createTopics(2);
    await scene.ledger.start(1);
    assert.deepEqual(reasons(await scene.sealOnce()), ['checkpoint-rolled-back', null]);
    assert.deepEqual(await scene.times(0), []);
  });
});

describe('a clock that is not ahead of the stream', { concurrency: true }, () => {
  it('is no reason to refuse after the host has slept', async () => {
    const scene = await Scene.open();
    await scene.ledger.append(1);
    const log = await scene.run();
    await until(() => log()?.sealed?.size === 1n);
    // All clocks have gone on but the monotonic one.
    const night = 8 * 3_600_000;
    scene.clock.ahead = night;
    scene.brokerAhead = night;
    await scene.ledger.append(1);
    await until(() => log()?.sealed?.size === 2n);
    assert.equal(log()?.refusal, null);
    assert.equal(
      (await scene.times()).some((time) => time >= Date.now() + night - 60_000),
      true,
    );
  });

  it('is looked at again for every start, not for every checkpoint', async () => {
    const scene = await Scene.open();
    await scene.ledger.append(1);
    await scene.sealOnce();
    for (let count = 2; count <= 4; count += 1) await scene.ledger.append(1);
    await scene.sealOnce({ records: 1 });
    const sizes = (await scene.ledger.checkpoints()).map(({ size }) => size);
    // By the count of records, and once at the end; the first once more, at the second start.
    assert.deepEqual(sizes, [1n, 1n, 2n, 3n, 4n, 4n]);
  });

  it('50 years behind: the recorded time is used again, as ever', async () => {
    const scene = await Scene.open();
    await scene.ledger.append(1);
    await scene.sealOnce();
    const [time] = await scene.times();
    scene.clock.ahead = -FIFTY_YEARS;
    await scene.ledger.append(1);
    assert.deepEqual(reasons(await scene.sealOnce()), [null]);
    const head = (await scene.ledger.checkpoints()).at(-1);
    assert.deepEqual([head?.size, head?.time], [2n, time]);
  });
});

describe('a broker whose LogAppendTime lies', { concurrency: true }, () => {
  it('years behind: that is what the refusal names, and it ends with the lie', async () => {
    const scene = await Scene.open();
    await scene.ledger.append(1);
    const log = await scene.run();
    await until(() => log()?.sealed?.size === 1n);
    scene.brokerAhead = -FIFTY_YEARS;
    await scene.ledger.append(1);
    await until(() => log()?.refusal?.reason === 'clock-ahead');
    assert.match(log()?.refusal?.message ?? '', /LogAppendTime/);
    scene.brokerAhead = 0;
    await until(() => log()?.refusal === null && log()?.sealed?.size === 2n);
    await scene.ledger.append(1);
    await until(() => log()?.sealed?.size === 3n);
    assert.deepEqual(await scene.ledger.wrong(), []);
  });

  it('years ahead: nothing can be checked, and nothing breaks', async () => {
    const scene = await Scene.open();
    scene.brokerAhead = FIFTY_YEARS;
    for (let count = 1; count <= 3; count += 1) {
      await scene.ledger.append(1);
      assert.deepEqual(reasons(await scene.sealOnce()), [null]);
    }
    assert.equal(
      (await scene.times()).every((time) => time <= Date.now()),
      true,
    );
  });
});

describe('where nobody tells the stream’s time it is said once', { concurrency: true }, () => {
  it('a checkpoint topic without LogAppendTime', async () => {
    const scene = await Scene.open(3);
    scene.brokerAhead = null;
    scene.clock.ahead = FIFTY_YEARS;
    assert.deepEqual(reasons(await scene.sealOnce()), [null, null, null]);
    assert.equal(scene.unchecked.length, 1);
    assert.match(scene.unchecked[0] ?? '', /message\.timestamp\.type/);
    // No checkpoint is published twice to ask who does not answer.
    await scene.sealOnce();
    assert.equal((await scene.ledger.notes()).length, 6);
  });

  it('the embedded stream, by a warning in the log', async () => {
    const ledger = await make(3);
    const warnings: string[] = [];
    const warn = (_: object, message: string): unknown => warnings.push(message);
    const logger: Logger = { debug() {}, info() {}, warn, error() {} };
    const clock = new SettableClock();
    clock.ahead = FIFTY_YEARS;
    assert.deepEqual(reasons(await ledger.sealOnce({ clock, logger })), [null, null, null]);
    assert.deepEqual(warnings.filter((line) => line.includes('unchecked')).length, 1);
  });

  it('a topic that is set to LogAppendTime later is checked from then on', async () => {
    const scene = await Scene.open();
    scene.brokerAhead = null;
    await scene.ledger.append(1);
    const log = await scene.run();
    await until(() => log()?.sealed?.size === 1n);
    scene.brokerAhead = 0;
    await scene.ledger.append(1);
    await until(() => log()?.sealed?.size === 2n);
    scene.clock.ahead = FIFTY_YEARS;
    await until(() => log()?.refusal?.reason === 'clock-ahead');
    assert.ok(Math.max(...(await scene.times())) <= Date.now());
    scene.clock.ahead = 0;
    await scene.ledger.append(1);
    await until(() => log()?.sealed?.size === 3n);
  });
});
