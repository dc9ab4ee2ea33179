import { startCluster } from './kafka/cluster.js';

// `npm run kafka`: one real broker in the foreground, for the README's commands.
const PORT = 9092;
process.stdout.write(`Starting Kafka on 127.0.0.1:${PORT} …\n`);
const cluster = await startCluster({ port: PORT }).catch((error: Error) => {
  return { skip: error.message };
});
if ('skip' in cluster) {
  process.stderr.write(`Kafka cannot start here: ${cluster.skip}.\n`);
  process.exit(1);
}
process.stdout.write(
  [
    `Kafka is ready; its data is in ${cluster.node(1).logDir} until you stop it with Ctrl-C.`,
    'In another terminal:',
    `  sealstream init demo --ledger example.com/demo --stream kafka://${cluster.bootstrap} --replication 1`,
    '  cd demo && sealstream apply',
    `  SEALSTREAM_TEST_BROKERS=${cluster.bootstrap} npm test`,
    '',
  ].join('\n'),
);
const signal = await new Promise<NodeJS.Signals>((resolve) => {
  // Keeps the process: the broker's own handles do not.
  const alive = setInterval(() => {}, 60_000);
  const end = (received: NodeJS.Signals): void => {
    clearInterval(alive);
    resolve(received);
  };
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
});
process.stdout.write(`${signal}: stopping Kafka\n`);
await cluster.close();
