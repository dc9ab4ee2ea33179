/**
 * A process that appends numbered records to partition 0 and prints each number once it is
 * acknowledged. Arguments: folder, topic, name, count.
 */
import { openStream } from '../../../../stream/open.js';
import { encode } from './support.js';

const [root, topic, name, count] = process.argv.slice(2);
if (topic === undefined) throw new Error('usage: FOLDER TOPIC NAME COUNT');
const stream = await openStream(`file:${root}`);
const found = await stream.describe(topic);
if (found === null) throw new Error('no topic');
const appender = await stream.appender(found);
const pending: Promise<void>[] = [];
for (let n = 0; n < Number(count); n += 1) {
  const outcome = appender.append(0, encode(`${name}.${n}`, `${name}.${n}+`));
  const printed = outcome.then(({ kind }) => void process.stdout.write(`${n} ${kind}\n`));
  pending.push(printed);
  if (pending.length > 4) await pending.shift();
}
await Promise.all(pending);
await stream.close();
