import { type Bench, countOf, type Task } from '../harness/bench.js';
import type { Contender } from '../harness/contender.js';
import type { Place, PreparedLog, Scene } from '../harness/scene.js';
import { sealOnce, verifiers } from './readers.js';

const MANY_PARTITIONS = 1000;
/** Of the log with many partitions: its length is not the point. */
const MOST_IN_MANY = 1_000_000;

function memoryBench(place: Place): Bench {
  return {
    name: `memory-${place}`,
    title: `peak memory of sealing and verifying from ${place}`,
    kind: 'rate',
    place,
    records: (named) => [named ? 10_000_000 : 1_000_000],
    contenders: (scene, task) => contenders(place, scene, task),
  };
}

async function contenders(place: Place, scene: Scene, task: Task): Promise<Contender[]> {
  const { size, partitions, workers } = task;
  const records = countOf(task);
  const content = 'plain';
  const long = await scene.log({ place, records, size, partitions, content });
  const some = Math.min(records, MOST_IN_MANY);
  const wish = { place, records: some, size, partitions: MANY_PARTITIONS, content } as const;
  const wide = await scene.log(wish);
  const all: Contender[] = [];
  for (const log of [long, wide]) all.push(...(await users(scene, log, workers)));
  return all;
}

async function users(
  scene: Scene,
  log: PreparedLog,
  workers: readonly number[],
): Promise<Contender[]> {
  const { records, bytes, partitions } = log;
  const running: Contender = {
    name: 'seal, running',
    ours: true,
    script: 'seal-run',
    parameters: async () => ({ ...(await scene.ledger(log)), records, bytes }),
  };
  const verify = verifiers(log, await scene.sealed(log), workers);
  const where = `${records.toLocaleString('en-US')} in ${partitions.toLocaleString('en-US')}`;
  return [sealOnce(scene, log), running, ...verify].map((one) => ({
    ...one,
    ours: false,
    name: `${one.name}: ${where} partitions`,
  }));
}

export const MEMORY: readonly Bench[] = [memoryBench('kafka'), memoryBench('file')];
