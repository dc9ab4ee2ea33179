import { after, test } from 'node:test';
import { rollbackContract } from '../contract/rollback.contract.js';
import { tamperingContract } from '../contract/tampering.contract.js';
import { skipOrFail, startCluster } from '../support/kafka.js';
import { SharedBroker } from '../support/kafka-place.js';

const cluster = await startCluster();
if ('skip' in cluster) {
  const { skip } = cluster;
  test('tampering on kafka:', (context) => skipOrFail(context, skip));
} else {
  after(() => cluster.close());
  const broker = new SharedBroker(cluster);
  tamperingContract('kafka:', () => broker.open());
  rollbackContract('kafka:', () => broker.open());
}
