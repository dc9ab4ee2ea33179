import { openStream } from '../../stream/open.js';
import { streamContract } from '../contract/stream.contract.js';
import { REQUIRE_VARIABLE, startCluster } from '../support/kafka.js';
import { kafkajsClient } from '../support/kafka-admin.js';
import { KAFKA_VERSIONS } from '../support/kafka-versions.js';

for (const { version } of KAFKA_VERSIONS) {
  streamContract(`Kafka ${version}`, async () => {
    const kafka = await startCluster({ version });
    if ('skip' in kafka) {
      if (process.env[REQUIRE_VARIABLE] === '1') throw new Error(kafka.skip);
      return kafka;
    }
    const admin = kafkajsClient(kafka.bootstrap).admin();
    await admin.connect();
    return {
      open: () => openStream(`kafka://${kafka.bootstrap}`),
      replication: 1,
      deleteTopic: (topic) => admin.deleteTopics({ topics: [topic] }),
      async close() {
        await admin.disconnect();
        await kafka.close();
      },
    };
  });
}
