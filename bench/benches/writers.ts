/** Those who write, each time to a topic of their own that is removed afterwards. */
import type { Absent, Contender } from '../harness/contender.js';
import type { BenchTopic } from '../harness/ledger.js';
import { bytesOf, type Samples } from '../harness/samples.js';
import type { Place, Scene } from '../harness/scene.js';

export const LINGER_MS = 5;
/** The publisher's default. */
const BATCH_BYTES = 256 * 1024;
/** That of Java's producer. */
const JAVA_BATCH_BYTES = 16 * 1024;

interface Writer {
  readonly name: string;
  readonly ours: boolean;
  readonly script: string;
  readonly task: object;
}

export interface Target {
  readonly place: Place;
  readonly partitions: number;
  readonly records: number;
  readonly samples: Samples;
}

export function writer(scene: Scene, target: Target, given: Writer): Contender {
  const { place, partitions, records, samples } = target;
  const { name, ours, script, task } = given;
  const bytes = bytesOf(samples, records);
  return {
    name,
    ours,
    script,
    parameters: async () => ({
      ...task,
      ...(await scene.topic(place, partitions)),
      records,
      bytes,
    }),
    cleanUp: (parameters) => scene.removeTopic(parameters as BenchTopic),
  };
}

export function appender(scene: Scene, target: Target): Contender {
  const task = { samples: target.samples.path, batchBytes: BATCH_BYTES };
  const name = 'append through the port';
  return writer(scene, target, { name, ours: true, script: 'append', task });
}

/** kafkajs and Java's producer, with the same bytes. */
export async function otherProducers(
  scene: Scene,
  target: Target,
): Promise<(Contender | Absent)[]> {
  const bootstrap = await scene.bootstrap();
  const { path, payloadPath } = target.samples;
  const kafkajs = writer(scene, target, {
    name: 'kafkajs send',
    ours: false,
    script: 'kafkajs-send',
    task: { bootstrap, samples: path },
  });
  const tools = await scene.tools();
  const sizes = [JAVA_BATCH_BYTES, BATCH_BYTES];
  const java = sizes.map((batchBytes) => {
    const name = `Java ProducerPerformance, batch.size ${batchBytes / 1024} KiB`;
    if ('skip' in tools) return { name, skip: tools.skip };
    const { classPath } = tools;
    const task = { bootstrap, classPath, payload: payloadPath, lingerMs: LINGER_MS, batchBytes };
    return writer(scene, target, { name, ours: false, script: 'java-produce', task });
  });
  return [kafkajs, ...java];
}
