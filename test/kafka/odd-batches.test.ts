import assert from 'node:assert/strict';
import { offsetOf, readAll, withTopic } from '../support/append-fixture.js';
import { kafkaTest } from '../support/kafka.js';
import { MISPLACED_BATCHES, ODD_BATCHES } from '../support/odd-batches.js';

kafkaTest('what a broker takes from a hostile producer, we can read', (bootstrap) =>
  withTopic(bootstrap, {}, async ({ cluster, topic, open }) => {
    const appender = await open();
    const expected: string[] = [];
    for (const [name, batch] of Object.entries(ODD_BATCHES)) {
      const outcome = await appender.append(0, batch);
      assert.equal(outcome.kind, 'acknowledged', name);
      assert.equal(offsetOf(outcome), BigInt(expected.length));
      expected.push('a', 'b');
    }
    await appender.close();
    assert.deepEqual(await readAll(cluster, topic, 0), expected);
  }),
);

for (const [name, batch] of Object.entries(MISPLACED_BATCHES)) {
  kafkaTest(`${name}: a broker takes it, and it is evidence to us`, (bootstrap) =>
    withTopic(bootstrap, {}, async ({ cluster, topic, open }) => {
      const appender = await open();
      const outcome = await appender.append(0, batch);
      assert.equal(outcome.kind, 'acknowledged');
      await appender.close();
      await assert.rejects(readAll(cluster, topic, 0), { code: 'batch-corrupt' });
    }),
  );
}
