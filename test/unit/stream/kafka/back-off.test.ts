import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { backoffDelay } from '../../../../sealer/backoff.js';
import { backOffMs, jittered, retryUntil } from '../../../../stream/kafka/connection/back-off.js';

const attempts = fc.integer({ min: 1, max: 1_000_000 });
const fractions = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

for (const [name, pauseOf, first, longest] of [
  ['of the Kafka adapter', backOffMs, 50, 2_000],
  ['of the sealer', backoffDelay, 100, 5_000],
] as const) {
  const whole = (attempt: number) => Math.min(longest, first * 2 ** Math.min(attempt - 1, 30));

  describe(`pauses ${name}`, () => {
    test('double from the first to the longest, less up to half of it by chance', () => {
      fc.assert(
        fc.property(attempts, fractions, (attempt, fraction) => {
          const pause = pauseOf(attempt, () => fraction);
          const full = whole(attempt);
          assert.ok(pause >= full / 2 && pause <= full, `${pause} of ${full}`);
          // Proportional to the random number, but for what rounding up to milliseconds adds.
          const expected = full / 2 + (fraction * full) / 2;
          assert.ok(pause >= expected && pause - expected < 1);
        }),
      );
    });

    test('grow with the attempts, whatever the chance, and then stay', () => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 40 }), fractions, (attempt, fraction) => {
          const pause = pauseOf(attempt, () => fraction);
          const next = pauseOf(attempt + 1, () => fraction);
          if (whole(attempt) < longest) assert.ok(next > pause);
          else assert.equal(next, pause);
        }),
      );
    });

    test('differ between clients that fail together', () => {
      const pauses = Array.from({ length: 1_000 }, () => pauseOf(100));
      const half = longest / 2;
      // A thousand uniform draws: each tenth of the range is missed once in 10^45 runs.
      const tenths = new Set(
        pauses.map((pause) => Math.min(9, Math.floor((pause - half) / (half / 10)))),
      );
      assert.equal(tenths.size, 10);
    });
  });
}

test('a pause of a millisecond stays one', () => {
  assert.equal(
    jittered(1, () => 0),
    1,
  );
  assert.equal(
    jittered(1, () => 0.999),
    1,
  );
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
