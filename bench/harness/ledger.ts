import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { startLog } from '../../sealer/start-log.js';
import { openMemory } from '../../store/folder.js';
import { openStream } from '../../stream/open.js';

/** A topic as contenders find it. */
export interface BenchTopic {
  readonly url: string;
  readonly topic: string;
  readonly partitions: number;
}

/** A ledger over a topic, with a configuration, keys and a memory of its own. */
export interface BenchLedger extends BenchTopic {
  readonly ledger: string;
  /** ledger.yaml. */
  readonly config: string;
  readonly memory: string;
  readonly privateKey: string;
  readonly publicKey: string;
}

export interface Keys {
  readonly privateKey: string;
  readonly publicKey: string;
}

/**
 * Starts the logs of `topic` under a ledger name of their own, so that one topic can be sealed from
 * its beginning as often as wanted.
 */
export async function startLedger(
  folder: string,
  name: string,
  topic: BenchTopic,
  keys: Keys,
): Promise<BenchLedger> {
  const place = join(folder, name);
  await mkdir(place, { recursive: true });
  const ledger = `bench.example.com/${name}`;
  const started = { ...topic, ...keys, ledger, memory: join(place, 'memory') };
  await startLogs(started);
  const config = join(place, 'ledger.yaml');
  await writeFile(config, configurationOf(started));
  return { ...started, config };
}

async function startLogs(ledger: Omit<BenchLedger, 'config'>): Promise<void> {
  const stream = await openStream(ledger.url);
  const memory = await openMemory(ledger.memory, { create: true });
  try {
    const topic = await stream.describe(ledger.topic);
    if (topic === null) throw new Error(`no topic ${ledger.topic}`);
    for (let partition = 0; partition < ledger.partitions; partition += 1) {
      await startLog({ stream, memory, ledger: ledger.ledger, topic, partition });
    }
  } finally {
    await memory.close();
    await stream.close();
  }
}

function configurationOf(started: Omit<BenchLedger, 'config'>): string {
  const { ledger, url, topic, partitions, memory, privateKey, publicKey } = started;
  const replication = url.startsWith('file:') ? {} : { replication: 1 };
  return stringify({
    version: 1,
    ledger,
    stream: url,
    topics: [{ name: topic, partitions, ...replication }],
    seal: { key: privateKey, memory },
    verify: { publicKey, maxAge: '30d' },
  });
}
