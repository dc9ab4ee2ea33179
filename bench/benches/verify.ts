import { type Bench, countOf, type Task } from '../harness/bench.js';
import type { Place, Scene } from '../harness/scene.js';
import {
  fileReader,
  hashLoops,
  inJavaScript,
  kafkaReaders,
  sealOnce,
  verifiers,
} from './readers.js';

function verifyBench(place: Place): Bench {
  return {
    name: `verify-${place}`,
    title: `verify a sealed log from ${place}, every record and every checkpoint`,
    kind: 'rate',
    place,
    records: () => [1_000_000],
    contenders: (scene, task) => contenders(place, scene, task),
  };
}

async function contenders(place: Place, scene: Scene, task: Task) {
  const { size, partitions, workers } = task;
  const wish = { place, records: countOf(task), size, partitions, content: 'plain' } as const;
  const log = await scene.log(wish);
  const ours = verifiers(log, await scene.sealed(log), workers);
  const readers = place === 'kafka' ? await kafkaReaders(scene, log) : [fileReader(log)];
  const compared = { ...sealOnce(scene, log), ours: false };
  const loops = hashLoops(log, workers);
  return [...ours, ...inJavaScript(ours), compared, ...readers, ...loops];
}

export const VERIFY: readonly Bench[] = [verifyBench('kafka'), verifyBench('file')];
