import kafkajs from 'kafkajs';
import { openStream } from '../../stream/open.js';
import { streamContract } from '../contract/stream.contract.js';
import { REQUIRE_VARIABLE, sharedKafka } from '../support/kafka.js';

streamContract('kafka://', async () => {
  const kafka = await sharedKafka();
  if ('skip' in kafka) {
    if (process.env[REQUIRE_VARIABLE] === '1') throw new Error(kafka.skip);
    return kafka;
  }
  const { NOTHING } = kafkajs.logLevel;
  const client = new kafkajs.Kafka({ brokers: kafka.bootstrap.split(','), logLevel: NOTHING });
  const admin = client.admin();
  await admin.connect();
  return {
    open: () => openStream(`kafka://${kafka.bootstrap}`),
    replication: 1,
    deleteTopic: (topic) => admin.deleteTopics({ topics: [topic] }),
    async close() {
      await admin.disconnect();
      if (kafka.source !== 'env') await kafka.close();
    },
  };
});
