import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KafkaAppender } from '../../../../stream/kafka/produce/kafka-appender.js';
import type { AppendOutcome, EncodedBatch, LearnedOutcome } from '../../../../stream/stream.js';
import { batchOf, type Fault, ScriptedBroker, TOPIC } from './scripted-broker.js';

const PARTITIONS = 3;
const DEADLINE_MS = 40;

const OPEN = [2, 3, 5, 6, 7, 13, 19, 20, 56];
/** Answered before anything is written: the leader knows no topic of that id. */
const UNKNOWN_TOPIC_ID = 100;
const REFUSED = [10, 17, 18, 29, 32, 87];

const faults: fc.Arbitrary<Fault> = fc.oneof(
  fc.constant<Fault>({ kind: 'none' }),
  fc.constant<Fault>({ kind: 'unsent' }),
  fc.boolean().map((written): Fault => ({ kind: 'cut', written })),
  fc.boolean().map((written): Fault => ({ kind: 'hang', written })),
  fc
    .tuple(fc.constantFrom(...OPEN, 999), fc.boolean())
    .map(([code, written]): Fault => ({ kind: 'code', code, written })),
  fc.constantFrom(...REFUSED, UNKNOWN_TOPIC_ID).map((code): Fault => ({ kind: 'code', code })),
);

interface Appended {
  readonly text: string;
  readonly batch: EncodedBatch;
  readonly partition: number;
  readonly outcome: AppendOutcome;
}

async function run(script: readonly Fault[], turns: readonly number[]) {
  const broker = new ScriptedBroker(PARTITIONS);
  broker.script(...script);
  const learned: LearnedOutcome[] = [];
  const appender = await KafkaAppender.open(broker, TOPIC, {
    pauseMs: 1,
    deadlineMs: DEADLINE_MS,
    onLearned: (each) => learned.push(each),
  });
  // What hangs is let go some time: before its deadline or after it.
  const release = setInterval(() => broker.release(), DEADLINE_MS * 0.8);
  const appended = await Promise.all(
    turns.map(async (partition, index): Promise<Appended> => {
      const text = `<${index}>`;
      const batch = batchOf(text);
      return { text, batch, partition, outcome: await appender.append(partition, batch) };
    }),
  );
  clearInterval(release);
  await appender.close();
  // Late deliveries change nothing that was acknowledged or fenced.
  return { broker, appended, learned };
}

function check(run: { broker: ScriptedBroker; appended: Appended[]; learned: LearnedOutcome[] }) {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const mine = run.appended.filter((each) => each.partition === partition);
    const log = run.broker.texts(partition);
    assert.equal(new Set(log).size, log.length, 'nothing twice');
    const order = mine.map(({ text }) => text).filter((text) => log.includes(text));
    assert.deepEqual(log, order, 'in the order of the calls');
    for (const { text, batch, outcome } of mine) {
      const place = log.indexOf(text);
      if (outcome.kind === 'acknowledged') assert.equal(outcome.baseOffset, BigInt(place));
      if (outcome.kind === 'rejected') assert.equal(place, -1, `${outcome.error.message}`);
      const told = run.learned.find((each) => each.batch === batch);
      if (told === undefined) continue;
      assert.equal(outcome.kind, 'unknown');
      assert.equal(told.baseOffset, place < 0 ? null : BigInt(place));
    }
  }
}

test('whatever fails: acknowledged once, rejected never, in order, and learned rightly', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(faults, { maxLength: 8 }),
      fc.array(fc.nat(PARTITIONS - 1), { minLength: 1, maxLength: 12 }),
      async (script, turns) => check(await run(script, turns)),
    ),
    { numRuns: 60 },
  );
});
