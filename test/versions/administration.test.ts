import { administrationContract } from '../contract/administration.contract.js';
import { clusterTest } from '../support/kafka.js';
import { KAFKA_VERSIONS } from '../support/kafka-versions.js';

for (const { version } of KAFKA_VERSIONS) {
  clusterTest(`administration, Kafka ${version}`, { version, scram: true }, (kafka, context) =>
    administrationContract(kafka, [1], context),
  );
}
