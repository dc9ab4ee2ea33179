import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { verify } from '../../../consumer/index.js';
import { clockCorrected } from '../../../ledger/checkpoint.js';
import { type Adoption, adoptLog, STEPS } from '../../../sealer/index.js';
import { openMemory } from '../../../store/folder.js';
import type { Memory } from '../../../store/memory.js';
import { FIFTY_YEARS, SettableClock } from '../../support/sealer/clocks.js';
import { LEDGER, TestLedger, TOPIC, until } from '../../support/sealer/ledger.js';
import { ended, endSealers, startSealer } from '../../support/sealer/process.js';

const ledgers: TestLedger[] = [];

after(async () => {
  endSealers();
  for (const ledger of ledgers.splice(0)) await ledger.remove();
});

/** Two records sealed by a clock that was 50 years ahead, where nothing could tell. */
async function make(partitions = 1): Promise<TestLedger> {
  const ledger = await TestLedger.make(partitions);
  ledgers.push(ledger);
  const clock = new SettableClock();
  clock.ahead = FIFTY_YEARS;
  for (let partition = 0; partition < partitions; partition += 1) {
    await ledger.append(2, partition);
  }
  await ledger.sealOnce({ clock });
  return ledger;
}

function correct(ledger: TestLedger, options: { yes?: boolean; partition?: number } = {}) {
  const { stream, memory, key } = ledger;
  const log = { ledger: LEDGER, topic: TOPIC, partition: 0, publicKey: key.publicKey };
  return adoptLog({ stream, memory, ...log, yes: true, ...options, correctClock: true });
}

async function word(ledger: TestLedger): Promise<number | undefined> {
  return (await ledger.memory.read(ledger.keyOf()))?.record.clockCorrected;
}

async function verdict(ledger: TestLedger, memory?: Memory) {
  const { stream, key } = ledger;
  const options = { stream, ledger: LEDGER, topics: [{ topic: TOPIC }], publicKey: key.publicKey };
  const known = memory === undefined ? {} : { memory };
  const report = await verify({ ...options, ...known, maxAge: 15 * 60_000, confirmMs: 10 });
  const codes = report.partitions.flatMap(({ findings }) => findings.map(({ code }) => code));
  return [report.verdict, ...codes];
}

/** The lines `clock-corrected` of all checkpoints, in order, without repetitions. */
async function corrections(ledger: TestLedger) {
  const all = (await ledger.checkpoints()).flatMap((checkpoint) => {
    const wrong = clockCorrected(checkpoint);
    return wrong === null ? [] : [{ size: checkpoint.size, wrong, time: checkpoint.time }];
  });
  return [...new Map(all.map((one) => [one.size, one])).values()];
}

function shown({ action, done }: Adoption) {
  return { action, done };
}

describe('a checkpoint 50 years ahead is corrected', { concurrency: 2 }, () => {
  it('by the next one that is larger, once, and verify is content', async () => {
    const ledger = await make();
    const wrong = (await ledger.checkpoints())[0]?.time;
    assert.deepEqual(await verdict(ledger), ['incomplete', 'stale']);
    await ledger.append(1);
    await ledger.sealOnce();
    assert.deepEqual(await verdict(ledger), ['incomplete', 'stale']);
    const asked = await correct(ledger, { yes: false });
    assert.deepEqual(shown(asked), { action: 'correct-clock', done: false });
    assert.equal(await word(ledger), undefined);
    assert.deepEqual(shown(await correct(ledger)), { action: 'correct-clock', done: true });
    assert.equal(await word(ledger), wrong);
    // Said twice is said once.
    assert.deepEqual(shown(await correct(ledger)), { action: 'correct-clock', done: true });
    // As large as the one before it would not be the head.
    await ledger.sealOnce();
    assert.deepEqual(await corrections(ledger), []);
    assert.equal(await word(ledger), wrong);
    const before = Date.now();
    await ledger.append(1);
    await ledger.sealOnce();
    const [corrected, ...others] = await corrections(ledger);
    assert.deepEqual(others, []);
    assert.deepEqual([corrected?.size, corrected?.wrong], [4n, wrong]);
    assert.ok(corrected !== undefined && corrected.time >= before && corrected.time <= Date.now());
    assert.equal(await word(ledger), undefined);
    assert.deepEqual(await verdict(ledger), ['intact']);
    await ledger.append(1);
    await ledger.sealOnce();
    assert.equal((await corrections(ledger)).length, 1);
    assert.deepEqual(await verdict(ledger), ['intact']);
    assert.deepEqual(await ledger.wrong(), []);
  });

  it('before the eyes of a verifier that has accepted what came before it', async () => {
    const ledger = await TestLedger.make();
    ledgers.push(ledger);
    const seen = await openMemory(`${ledger.folder}/seen`, { create: true });
    await ledger.append(2);
    await ledger.sealOnce();
    assert.deepEqual(await verdict(ledger, seen), ['intact']);
    const clock = new SettableClock();
    clock.ahead = FIFTY_YEARS;
    await ledger.append(2);
    await ledger.sealOnce({ clock });
    assert.deepEqual(await verdict(ledger, seen), ['incomplete', 'stale']);
    await correct(ledger);
    await ledger.append(1);
    await ledger.sealOnce();
    assert.deepEqual(await verdict(ledger, seen), ['intact']);
    assert.deepEqual(await verdict(ledger), ['intact']);
    const key = { ledger: LEDGER, topic: TOPIC, partition: 0 };
    const accepted = (await seen.read(key))?.record.checkpoint?.note;
    assert.match(accepted ?? '', /^clock-corrected 20\d\d-/m);
    await ledger.append(1);
    await ledger.sealOnce();
    assert.deepEqual(await verdict(ledger, seen), ['intact']);
    await seen.close();
  });

  it('by a sealer that runs meanwhile', async () => {
    const ledger = await make();
    const { sealer, stop } = await ledger.running({ every: 20, heartbeat: 50 });
    await until(() => sealer.report()[0]?.phase === 'sealing');
    assert.ok((sealer.report()[0]?.headAgeSeconds ?? 0) < 0);
    await correct(ledger);
    await ledger.append(1);
    await until(async () => (await corrections(ledger)).length === 1);
    await ledger.append(1);
    await until(() => sealer.report()[0]?.sealed?.size === 4n);
    await stop();
    assert.equal((await corrections(ledger)).length, 1);
    assert.equal(await word(ledger), undefined);
    assert.deepEqual(await verdict(ledger), ['intact']);
  });

  it('once by two sealers that race for it', async () => {
    const ledger = await make();
    await correct(ledger);
    await ledger.append(3);
    const results = await Promise.all([ledger.sealOnce(), ledger.sealOnce()]);
    for (const [one] of results) assert.deepEqual([one?.refusal, one?.error], [null, null]);
    await ledger.append(1);
    await ledger.sealOnce();
    assert.equal((await corrections(ledger)).length, 1);
    assert.deepEqual(await verdict(ledger), ['intact']);
  });

  it('where the memory is kept and the checkpoint topic is to be published again', async () => {
    const ledger = await make();
    await correct(ledger);
    ledger.deleteTopic(`${TOPIC}.checkpoints`);
    await ledger.createTopics(1);
    const { stream, memory, key } = ledger;
    const log = { ledger: LEDGER, topic: TOPIC, partition: 0, publicKey: key.publicKey };
    const adoption = await adoptLog({ stream, memory, ...log, yes: true });
    assert.equal(adoption.action, 'republish');
    await ledger.append(1);
    await ledger.sealOnce();
    assert.equal((await corrections(ledger)).length, 1);
  });

  for (const step of STEPS) {
    it(`once by a sealer that is killed at step ${step} and started again`, async () => {
      const ledger = await make(2);
      for (const partition of [0, 1]) {
        await correct(ledger, { partition });
        await ledger.append(1, partition);
      }
      const killed = await ended(startSealer(ledger, 'once', step));
      assert.deepEqual(killed, { code: null, signal: 'SIGKILL' });
      assert.deepEqual(await ended(startSealer(ledger, 'once')), { code: 0, signal: null });
      for (const partition of [0, 1]) await ledger.append(1, partition);
      assert.deepEqual(await ended(startSealer(ledger, 'once')), { code: 0, signal: null });
      assert.equal((await corrections(ledger)).length, 1);
      assert.deepEqual(await verdict(ledger), ['intact']);
      assert.equal(await word(ledger), undefined);
    });
  }
});

describe('nothing is corrected', { concurrency: true }, () => {
  it('where the time is not in the future, or nothing is signed', async () => {
    const ledger = await TestLedger.make();
    ledgers.push(ledger);
    const unsigned = await correct(ledger);
    assert.deepEqual(shown(unsigned), { action: 'none', done: false });
    await ledger.append(1);
    await ledger.sealOnce();
    const present = await correct(ledger);
    assert.deepEqual(shown(present), { action: 'none', done: false });
    assert.match(present.message, /not in the future/);
    assert.equal(await word(ledger), undefined);
  });

  it('of a log that is refused for another reason', async () => {
    const ledger = await make();
    ledger.deleteTopic(`${TOPIC}.checkpoints`);
    await ledger.createTopics(1);
    await assert.rejects(correct(ledger), { reason: 'checkpoint-rolled-back' });
    assert.equal(await word(ledger), undefined);
  });

  it('without a word: the time of before is used again', async () => {
    const ledger = await make();
    await ledger.append(1);
    await ledger.sealOnce();
    const [first, last] = await ledger.checkpoints();
    assert.deepEqual([last?.size, last?.time], [3n, first?.time]);
    assert.deepEqual(await corrections(ledger), []);
  });
});
