/**
 * A member of a group that prints its partitions at every change, until it is killed or its input
 * ends. Arguments: folder, topic.
 */
import { openStream } from '../../../../stream/open.js';

const [root, topic] = process.argv.slice(2);
if (topic === undefined) throw new Error('usage: FOLDER TOPIC');
const stream = await openStream(`file:${root}`);
const found = await stream.describe(topic);
if (found === null) throw new Error('no topic');
const ownership = await stream.own(found, {
  group: 'group',
  onChange: (partitions) => process.stdout.write(`${[...partitions].sort().join(',')}\n`),
  onError: (error) => {
    throw error;
  },
});
process.stdin.resume();
process.stdin.on('end', () => {
  ownership.close().then(() => stream.close());
});
