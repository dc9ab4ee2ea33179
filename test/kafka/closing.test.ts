import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { ownPartitions } from '../../stream/kafka/ownership.js';
import { batchOf, offsetOf, withAdmin, withTopic } from '../support/append-fixture.js';
import { kafkaTest } from '../support/kafka.js';

kafkaTest('an appender that was closed is kept by nobody', (bootstrap) =>
  withTopic(bootstrap, {}, async ({ cluster, open }) => {
    for (let round = 0; round < 3; round++) {
      const appender = await open();
      assert.equal(cluster.parts.size, 1);
      assert.equal(offsetOf(await appender.append(0, batchOf('x'))), BigInt(round));
      await appender.close();
      assert.equal(cluster.parts.size, 0);
    }
  }),
);

kafkaTest('a cluster closed while it joins a group leaves no member behind', (bootstrap) =>
  withTopic(bootstrap, {}, async ({ cluster, topic }) => {
    const group = `closing-${randomUUID()}`;
    const onChange = () => {};
    const onError = (error: Error) => assert.fail(error);
    const refused = assert.rejects(ownPartitions(cluster, topic, { group, onChange, onError }), {
      code: 'closed',
    });
    // Then kafkajs has begun, and is far from done.
    while (cluster.parts.size === 0) await new Promise((resolve) => setImmediate(resolve));
    await cluster.close();
    await refused;
    assert.equal(cluster.parts.size, 0);
    const { groups } = await withAdmin(bootstrap, (admin) => admin.describeGroups([group]));
    assert.deepEqual(groups[0]?.members, []);
  }),
);
