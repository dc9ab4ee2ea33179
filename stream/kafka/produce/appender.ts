import type { Appender, AppenderOptions, TopicIdentity } from '../../stream.js';
import type { Cluster } from '../connection/cluster.js';
import { KafkaAppender } from './kafka-appender.js';
import { KafkaProducePort } from './produce.js';

/**
 * An appender with connections of its own, closed with the cluster if not before. Throws as
 * KafkaAppender.open does.
 */
export async function createAppender(
  cluster: Cluster,
  topic: TopicIdentity,
  options: AppenderOptions = {},
): Promise<Appender> {
  const port = new KafkaProducePort(cluster, topic);
  const appender = await KafkaAppender.open(port, topic, { ...options, logger: cluster.logger });
  const part: Appender = {
    append: (partition, batch) => appender.append(partition, batch),
    close: async () => {
      await appender.close();
      cluster.parts.delete(part);
    },
  };
  cluster.parts.add(part);
  return part;
}
