import type { Bench, Task } from '../harness/bench.js';
import { countOf } from '../harness/bench.js';
import type { Place, Scene } from '../harness/scene.js';
import { fileReader, hashLoops, inJavaScript, kafkaReaders, sealOnce } from './readers.js';

function sealBench(place: Place): Bench {
  return {
    name: `seal-${place}`,
    title: `seal a log from ${place}, from its first record to its last checkpoint`,
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
  const readers = place === 'kafka' ? await kafkaReaders(scene, log) : [fileReader(log)];
  const ours = [sealOnce(scene, log)];
  return [...ours, ...inJavaScript(ours), ...readers, ...hashLoops(log, workers)];
}

export const SEAL: readonly Bench[] = [sealBench('kafka'), sealBench('file')];
