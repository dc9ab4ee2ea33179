import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Configurations } from '../../../consumer/configurations.js';
import type { Checkpoint } from '../../../ledger/checkpoint.js';
import { hashOf } from '../../support/sealer/configuration-topic.js';
import { checkpointOf, madeLog } from '../ledger/support.js';

const BASE = checkpointOf(madeLog(3));

/** The n-th checkpoint of a log, ten minutes after the last; null: without the line. */
function nth(n: number, text: string | null): Checkpoint {
  const extensions = text === null ? [] : [['config', text] as const];
  const size = BigInt(Math.floor(n / 2));
  return { ...BASE, size, next: size + 5n, time: n * 600_000, extensions };
}

function changesOf(checkpoints: readonly Checkpoint[]) {
  const configurations = new Configurations();
  for (const checkpoint of checkpoints) configurations.add(checkpoint);
  return configurations.changes();
}

/** What the changes are, from all checkpoints in order. */
function expected(texts: readonly (string | null)[]) {
  let before: string | null = null;
  return texts.flatMap((text, n) => {
    if (text === before) return [];
    before = text;
    const { size, next, time } = nth(n, text);
    const isHash = text?.length === 44;
    return [{ config: isHash ? text : null, text: isHash ? null : text, size, next, time }];
  });
}

const [A, B] = [hashOf('a'), hashOf('b')];

test('a log that names no configuration has no changes', () => {
  assert.deepEqual(changesOf([nth(0, null), nth(1, null)]), []);
});

test('every change is there with its checkpoint, once', () => {
  const texts = [null, null, A, A, B, A, null, 'junk', 'junk', B];
  const checkpoints = texts.map((text, n) => nth(n, text));
  assert.deepEqual(changesOf(checkpoints), expected(texts));
  assert.deepEqual(changesOf([...checkpoints, ...checkpoints.slice(7)]), expected(texts));
});

test('late checkpoints: once all were seen again, the order in which they came is forgotten', () => {
  const text = fc.constantFrom(null, A, B, 'junk');
  const shown = fc.array(fc.record({ text, turn: fc.nat() }), { maxLength: 12 });
  fc.assert(
    fc.property(shown, (all) => {
      const inOrder = all.map((one, n) => ({ ...one, checkpoint: nth(n, one.text) }));
      const mixed = inOrder.toSorted((a, b) => a.turn - b.turn);
      const checkpoints = [...mixed, ...inOrder].map(({ checkpoint }) => checkpoint);
      assert.deepEqual(changesOf(checkpoints), expected(all.map((one) => one.text)));
    }),
  );
});

test('checkpoints shown again, in whatever order, are no changes', () => {
  const texts = [null, A, A, A, B, B];
  const checkpoints = texts.map((text, n) => nth(n, text));
  assert.deepEqual(changesOf([...checkpoints, ...checkpoints.toReversed()]), expected(texts));
});

test('a thousand changes are kept with the newest, the others are counted', () => {
  const configurations = new Configurations();
  for (let n = 0; n < 1_500; n += 1) configurations.add(nth(n, hashOf(String(n))));
  const changes = configurations.changes();
  assert.equal(changes.length, 1_000);
  assert.equal(configurations.dropped, 500);
  assert.equal(changes.at(-1)?.config, hashOf('1499'));
  assert.equal(changes[998]?.config, hashOf('998'));
  // Late ones too.
  configurations.add({ ...nth(10, A), time: 10 * 600_000 + 1 });
  assert.deepEqual([configurations.changes().length, configurations.dropped], [1_000, 501]);
});

test('a line that is no hash is cut off', () => {
  const [change] = changesOf([nth(0, 'x'.repeat(100_000))]);
  assert.deepEqual([change?.config, change?.text], [null, 'x'.repeat(200)]);
});
