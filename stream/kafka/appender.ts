import type { Appender, AppenderOptions, TopicIdentity } from '../stream.js';
import type { Cluster } from './cluster.js';
import { KafkaAppender } from './kafka-appender.js';
import { KafkaProducePort } from './produce.js';

/** An appender with connections of its own. Throws as KafkaAppender.open does. */
export function createAppender(
  cluster: Cluster,
  topic: TopicIdentity,
  options: AppenderOptions = {},
): Promise<Appender> {
  const port = new KafkaProducePort(cluster, topic);
  return KafkaAppender.open(port, topic, { ...options, logger: cluster.logger });
}
