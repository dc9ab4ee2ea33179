/**
 * Opens everything that a stream has on the Kafka of argv[2] and the topic of argv[3], uses it,
 * closes the stream and prints what still holds the process. It must then end by itself.
 */
import { BatchEncoder } from '../../stream/batch/encode.js';
import { openKafka } from '../../stream/kafka/kafka.js';

const [url = '', name = ''] = process.argv.slice(2);
const stream = await openKafka(url, { timeoutMs: 20_000 });
const found = await stream.describe(name);
if (found === null) throw new Error(`no topic ${name}`);
const reader = await stream.reader(found);
reader.seek({ partition: 0, offset: 0n });
const appender = await stream.appender(found);
const encoder = new BatchEncoder();
encoder.add({ key: null, value: Buffer.from('x'), headers: [] }, 0n);
const outcome = await appender.append(0, encoder.finish());
if (outcome.kind !== 'acknowledged') throw outcome.error;
let read = 0;
while (read === 0) read = (await reader.poll(1_000)).flatMap(({ batches }) => batches).length;
const onError = (error: Error): void => {
  throw error;
};
await new Promise<void>((resolve, reject) => {
  stream.own(found, { group: name, onChange: () => resolve(), onError }).catch(reject);
});
// A fetch is under way while it is closed.
await reader.poll(0);
await stream.close();
// Standard output is a pipe; everything else would be ours.
const held = () => process.getActiveResourcesInfo().filter((each) => each !== 'PipeWrap');
let rest = held();
for (let waited = 0; rest.length > 0 && waited < 100; waited++) {
  // kafkajs ends its sockets politely: the broker has to agree.
  await new Promise((resolve) => setTimeout(resolve, 20));
  rest = held();
}
process.stdout.write(JSON.stringify(rest));
