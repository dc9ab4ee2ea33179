import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { SealstreamError } from '../../../ledger/error.js';
import type { LogReport, SealerOptions } from '../../../sealer/index.js';
import type { Fetched } from '../../../stream/stream.js';
import { LyingStream } from '../../support/lying-stream.js';
import { TestLedger, TOPIC, until } from '../../support/sealer/ledger.js';
import { tamper } from '../../support/tamper.js';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const PATIENCE = 30 * SECOND;

/** A log that is sealed up to offset 3 and read up to 7, and a clock that only a test moves on. */
class Scene {
  readonly ledger: TestLedger;
  /** The high watermark that partition 0 shows at most; null: the true one. */
  end: bigint | null = null;
  /** The next reading of partition 0 says that it is not as it was read. */
  diverged = false;
  /** How often partition 0 was read since `end` was set. */
  looks = 0;
  readonly #opened = Date.now();
  #skipped = 0;
  readonly #stopping = new AbortController();
  #running: Promise<unknown> = Promise.resolve();
  #report: () => readonly LogReport[] = () => [];

  private constructor(ledger: TestLedger) {
    this.ledger = ledger;
  }

  static async open(options: Partial<SealerOptions> = {}, partitions = 1): Promise<Scene> {
    const scene = new Scene(await TestLedger.make(partitions));
    const { ledger } = scene;
    const clock = {
      now: () => scene.#opened + scene.#skipped,
      monotonic: () => scene.#skipped,
    };
    await ledger.append(3);
    await ledger.sealOnce({ clock });
    const timing = { every: 10 * SECOND, heartbeat: HOUR, truncatedAfter: PATIENCE };
    const sealer = await ledger.sealer({ stream: scene.stream(), clock, ...timing, ...options });
    scene.#report = () => sealer.report();
    scene.#running = sealer.run(scene.#stopping.signal);
    await until(() => scene.log().phase === 'sealing');
    return scene;
  }

  stream(): LyingStream {
    return new LyingStream(this.ledger.stream, {
      bounds: (topic, truth) =>
        topic === TOPIC && truth.partition === 0
          ? { ...truth, highWatermark: this.#shown(truth.highWatermark) }
          : truth,
      fetched: (topic, truth) =>
        topic === TOPIC && truth.partition === 0 ? this.#fetched(truth) : truth,
    });
  }

  #shown(highWatermark: bigint): bigint {
    return this.end !== null && this.end < highWatermark ? this.end : highWatermark;
  }

  #fetched(truth: Fetched): Fetched {
    this.looks += 1;
    if (this.diverged) {
      this.diverged = false;
      const error = new SealstreamError('log-diverged', 'an epoch that the leader never had');
      return { ...truth, batches: [], error };
    }
    const highWatermark = this.#shown(truth.highWatermark ?? 0n);
    const batches = truth.batches.filter(({ nextOffset }) => nextOffset <= highWatermark);
    if (batches.length === truth.batches.length) return { ...truth, highWatermark };
    const offset = batches.at(-1)?.nextOffset ?? truth.batches[0]?.baseOffset ?? 0n;
    return { ...truth, batches, highWatermark, next: { ...truth.next, offset } };
  }

  log(partition = 0): LogReport {
    const found = this.#report().find((each) => each.partition === partition);
    return found ?? ({ phase: 'recovering' } as LogReport);
  }

  /** Appends four records that are read and, for ten seconds, not sealed. */
  async read(): Promise<void> {
    for (let batch = 0; batch < 2; batch += 1) await this.ledger.append(2);
    await until(() => this.log().next === 7n);
    assert.equal(this.log().sealed?.size, 3n);
  }

  async goBack(end: bigint): Promise<void> {
    this.end = end;
    await until(() => this.log().highWatermark === end);
    await this.look();
  }

  /** Lets the sealer look at the log as it is now. */
  async look(): Promise<void> {
    this.looks = 0;
    await until(() => this.looks >= 3 || this.log().phase !== 'sealing');
  }

  skip(milliseconds: number): void {
    this.#skipped += milliseconds;
  }

  /** Moves the clock on in steps, so that pauses between two recoveries end. */
  async refused(): Promise<string> {
    await until(() => {
      this.skip(SECOND);
      return this.log().phase === 'refused';
    });
    return this.log().refusal?.reason ?? '';
  }

  async sizes(): Promise<bigint[]> {
    return (await this.ledger.checkpoints()).map(({ size }) => size);
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.ledger.remove();
  }
}

const scenes: Scene[] = [];
afterEach(async () => {
  for (const scene of scenes.splice(0)) await scene.close();
});

async function open(options: Partial<SealerOptions> = {}, partitions = 1): Promise<Scene> {
  const scene = await Scene.open(options, partitions);
  scenes.push(scene);
  return scene;
}

describe('the high watermark goes back behind what was read, and not behind what is sealed', () => {
  test('and comes again: waited for, nothing signed meanwhile, and the same chain', async () => {
    const scene = await open();
    await scene.read();
    await scene.goBack(5n);
    scene.skip(PATIENCE - SECOND);
    await scene.look();
    assert.equal(scene.log().phase, 'sealing');
    assert.deepEqual(await scene.sizes(), [3n]);
    assert.equal(scene.log().refusal, null);
    scene.end = null;
    await until(() => {
      scene.skip(SECOND);
      return scene.log().sealed?.size === 7n;
    });
    assert.deepEqual(await scene.ledger.wrong(), []);
  });

  test('another log goes on meanwhile', async () => {
    const scene = await open({}, 2);
    await scene.read();
    await scene.goBack(5n);
    await scene.ledger.append(2, 1);
    await until(() => scene.log(1).next === 2n);
    scene.skip(11 * SECOND);
    await until(() => scene.log(1).sealed?.size === 2n);
    assert.deepEqual(await scene.sizes(), [3n]);
    assert.equal(scene.log(0).refusal, null);
  });

  test('and comes again with another record at its end: evidence, and nothing signed', async () => {
    const scene = await open();
    await scene.read();
    await scene.goBack(5n);
    tamper(scene.ledger.data, TOPIC, 0, (stored) => stored.changeByte(6n));
    scene.end = null;
    assert.equal(await scene.refused(), 'record-altered');
    const message = scene.log().refusal?.message ?? '';
    assert.match(message, /audit\/0: the record at offset 6, read and not yet sealed, holds other/);
    assert.match(message, /record hash [0-9a-f]{64}, then [0-9a-f]{64}/);
    assert.deepEqual(await scene.sizes(), [3n]);
  });

  test('and comes again with another record before its end: what is there is sealed', async () => {
    const scene = await open();
    await scene.read();
    await scene.goBack(4n);
    tamper(scene.ledger.data, TOPIC, 0, (stored) => stored.changeByte(4n));
    scene.end = null;
    await until(() => {
      scene.skip(SECOND);
      return scene.log().sealed?.size === 7n;
    });
    assert.deepEqual(await scene.ledger.wrong(), []);
  });

  test('and stays there: evidence, and nothing signed even when it comes again', async () => {
    const scene = await open();
    await scene.read();
    await scene.goBack(5n);
    scene.skip(PATIENCE);
    assert.equal(await scene.refused(), 'log-truncated');
    const message = scene.log().refusal?.message ?? '';
    assert.match(message, /audit\/0 ends at 5, and records up to offset 6 were read from it/);
    scene.end = null;
    scene.skip(PATIENCE);
    // The loop turns on: it seals what it should, and looks at refused logs every three seconds.
    for (let turn = 0; turn < 5; turn += 1) {
      scene.skip(3 * SECOND);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.deepEqual(await scene.sizes(), [3n]);
    assert.equal(scene.log().phase, 'refused');
  });
});

describe('the stream says that the log is not as it was read', () => {
  test('and the records are the same: read again, and the same chain', async () => {
    const scene = await open();
    await scene.read();
    scene.diverged = true;
    await until(() => !scene.diverged);
    await until(() => {
      scene.skip(SECOND);
      return scene.log().sealed?.size === 7n;
    });
    assert.equal(scene.log().refusal, null);
    assert.deepEqual(await scene.ledger.wrong(), []);
  });

  test('and the last of them is another one: evidence, and nothing signed', async () => {
    const scene = await open();
    await scene.read();
    tamper(scene.ledger.data, TOPIC, 0, (stored) => stored.changeByte(6n));
    scene.diverged = true;
    assert.equal(await scene.refused(), 'record-altered');
    assert.match(scene.log().refusal?.message ?? '', /offset 6, read and not yet sealed/);
    assert.deepEqual(await scene.sizes(), [3n]);
  });

  test('and a sealer that is started again goes on from what is sealed', async () => {
    const scene = await open();
    await scene.read();
    tamper(scene.ledger.data, TOPIC, 0, (stored) => stored.changeByte(6n));
    scene.diverged = true;
    await scene.refused();
    const [again] = await scene.ledger.sealOnce();
    assert.equal(again?.sealed?.size, 7n);
    assert.deepEqual(await scene.ledger.wrong(), []);
  });
});

describe('the high watermark goes back behind what is sealed', () => {
  const heartbeat = 5 * SECOND;

  test('and comes again: no heartbeat meanwhile, and then sealing goes on', async () => {
    const scene = await open({ heartbeat });
    await scene.goBack(1n);
    scene.skip(PATIENCE - SECOND);
    await scene.look();
    assert.equal(scene.log().phase, 'sealing');
    assert.deepEqual(await scene.sizes(), [3n]);
    scene.end = null;
    await scene.ledger.append(1);
    await until(() => {
      scene.skip(SECOND);
      return scene.log().sealed?.size === 4n;
    });
    assert.equal(scene.log().refusal, null);
    assert.deepEqual(await scene.ledger.wrong(), []);
  });

  test('and comes again with another record: evidence, and nothing signed', async () => {
    const scene = await open({ heartbeat });
    await scene.goBack(1n);
    tamper(scene.ledger.data, TOPIC, 0, (stored) => stored.changeByte(2n));
    await scene.ledger.append(1);
    scene.end = null;
    assert.equal(await scene.refused(), 'record-altered');
    assert.match(
      scene.log().refusal?.message ?? '',
      /the last sealed record of audit\/0, offset 2/,
    );
    assert.deepEqual(await scene.sizes(), [3n]);
  });

  test('and stays there: evidence', async () => {
    const scene = await open({ heartbeat });
    await scene.goBack(1n);
    scene.skip(PATIENCE);
    assert.equal(await scene.refused(), 'log-truncated');
    assert.match(scene.log().refusal?.message ?? '', /sealed up to offset 3 and ends at 1/);
    assert.deepEqual(await scene.sizes(), [3n]);
  });
});

test('sealing once: gone back and come again while it reads, and the same chain', async () => {
  const ledger = await TestLedger.make(1);
  try {
    for (let batch = 0; batch < 3; batch += 1) await ledger.append(2);
    let looks = 0;
    const stream = new LyingStream(ledger.stream, {
      fetched: (topic, truth) => {
        if (topic !== TOPIC) return truth;
        looks += 1;
        const next = { ...truth.next, offset: 4n };
        if (looks === 1) return { ...truth, batches: truth.batches.slice(0, 2), next };
        if (looks === 2) return { ...truth, batches: [], highWatermark: 1n, next };
        return truth;
      },
    });
    const [sealed] = await ledger.sealOnce({ stream, truncatedAfter: PATIENCE });
    assert.deepEqual([sealed?.refusal, sealed?.error], [null, null]);
    assert.equal(sealed?.sealed?.size, 6n);
    assert.ok(looks >= 3);
    assert.deepEqual(await ledger.wrong(), []);
  } finally {
    await ledger.remove();
  }
});
