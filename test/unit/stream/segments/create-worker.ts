/**
 * A process that creates a topic and prints whether it did and the id. Arguments: folder, topic.
 */
import { openStream } from '../../../../stream/open.js';

const [root, topic] = process.argv.slice(2);
if (topic === undefined) throw new Error('usage: FOLDER TOPIC');
const stream = await openStream(`file:${root}`);
const made = await stream.createTopic({
  topic,
  partitions: 5,
  replication: 1,
  settings: new Map(),
});
const found = await stream.describe(topic);
process.stdout.write(`${made} ${found?.topicId} ${found?.partitions}\n`);
await stream.close();
