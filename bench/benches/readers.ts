/** What sealing, verifying and replaying are compared with: those who read the same records. */
import type { Absent, Contender } from '../harness/contender.js';
import type { BenchLedger } from '../harness/ledger.js';
import type { PreparedLog, Scene } from '../harness/scene.js';

function threads(count: number): string {
  return count === 1 ? '1 thread' : `${count} threads`;
}

export async function kafkaReaders(
  scene: Scene,
  log: PreparedLog,
): Promise<(Contender | Absent)[]> {
  const { topic, records, bytes } = log;
  const task = { bootstrap: await scene.bootstrap(), topic, records, bytes };
  const [kafkajs, silent] = ([true, false] as const).map((commits) => ({
    name: `kafkajs eachBatch${commits ? '' : ', no commits'}`,
    ours: false,
    script: 'kafkajs-consume',
    parameters: () => ({ ...task, commits }),
  })) as [Contender, Contender];
  const tools = await scene.tools();
  if ('skip' in tools)
    return [kafkajs, silent, { name: 'Java ConsumerPerformance', skip: tools.skip }];
  const java: Contender = {
    name: 'Java ConsumerPerformance',
    ours: false,
    script: 'java-consume',
    parameters: () => ({ ...task, classPath: tools.classPath }),
  };
  return [kafkajs, silent, java];
}

export function fileReader(log: PreparedLog): Contender {
  return { name: 'only read the files', ours: false, script: 'read-files', parameters: () => log };
}

/** The same work with one call of SHA-256 a hash, as it is where nothing was compiled. */
export function inJavaScript(contenders: readonly Contender[]): Contender[] {
  return contenders.map((one) => ({
    ...one,
    name: `${one.name}, JavaScript`,
    environment: { SEALSTREAM_NATIVE: 'off' },
  }));
}

export function hashLoops(log: PreparedLog, workers: readonly number[]): Contender[] {
  const { records, bytes, samples } = log;
  const loops = workers.map((count) => ({
    name: `only hash, ${threads(count)}`,
    ours: false,
    script: 'hash-loop',
    parameters: () => ({ records, bytes, samples: samples.path, threads: count }),
  }));
  return [...loops, ...inJavaScript(loops)];
}

/** `verify`: through the API in one thread, through the program with more. */
export function verifiers(
  log: PreparedLog,
  ledger: BenchLedger,
  workers: readonly number[],
): Contender[] {
  const { records, bytes } = log;
  return workers.map((count) => {
    const words = ['verify', '--json', '--config', ledger.config, '--workers', String(count)];
    return {
      name: `verify, ${threads(count)}`,
      ours: true,
      script: count === 1 ? 'verify' : 'cli',
      parameters: () => ({ ...(count === 1 ? ledger : { words }), records, bytes }),
    };
  });
}

/** `seal --once`, each time of a ledger that has sealed nothing yet. */
export function sealOnce(scene: Scene, log: PreparedLog): Contender {
  const { records, bytes } = log;
  return {
    name: 'seal',
    ours: true,
    script: 'seal',
    parameters: async () => ({ ...(await scene.ledger(log)), records, bytes }),
  };
}
