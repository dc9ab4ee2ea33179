import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from '../../../sealer/turns.js';

test('never more at a time than there are places, in the order asked, also after failures', async () => {
  const turns = new Turns(3);
  const started: number[] = [];
  let inside = 0;
  let most = 0;
  const ends = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) =>
      turns.take(async () => {
        started.push(index);
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
        if (index % 4 === 0) throw new Error(`${index}`);
        return index;
      }),
    ),
  );
  assert.equal(most, 3);
  assert.deepEqual(
    started,
    [...started].sort((a, b) => a - b),
  );
  for (const [index, end] of ends.entries()) {
    assert.equal(end.status, index % 4 === 0 ? 'rejected' : 'fulfilled');
  }
});

test('who is held up gives its place to the next, who makes progress keeps it', async () => {
  const turns = new Turns(1, 1_000);
  const order: string[] = [];
  let release = (): void => {};
  const stuck = turns.take(
    () =>
      new Promise<void>((resolve) => {
        release = resolve;
      }),
  );
  const busy = turns.take(async (progress) => {
    order.push('busy');
    for (let step = 0; step < 30; step += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      progress();
    }
    order.push('busy no more');
  });
  const last = turns.take(async () => {
    order.push('last');
  });
  await busy;
  await last;
  assert.deepEqual(order, ['busy', 'busy no more', 'last']);
  release();
  await stuck;
});
