import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backOffMs, jittered, retryUntil } from '../../../../stream/kafka/back-off.js';

test('pauses double from 50 ms to 2 s, each less up to half of it by chance', () => {
  for (const [attempt, whole] of [
    [1, 50],
    [2, 100],
    [6, 1_600],
    [7, 2_000],
    [1_000, 2_000],
  ] as const) {
    const pauses = Array.from({ length: 200 }, () => backOffMs(attempt));
    assert.ok(pauses.every((pause) => pause >= whole / 2 && pause <= whole + 1));
    assert.ok(new Set(pauses).size > 5, 'not all alike');
  }
  assert.ok(jittered(1) <= 1);
});

test('a step is tried until it gives something, and not once the deadline has passed', async () => {
  const attempts: number[] = [];
  const third = (attempt: number) => {
    attempts.push(attempt);
    return Promise.resolve(attempt === 3 ? 'done' : null);
  };
  assert.equal(await retryUntil(performance.now() + 60_000, third), 'done');
  assert.deepEqual(attempts, [1, 2, 3]);
  assert.equal(await retryUntil(0, () => Promise.resolve(null)), null);
});
