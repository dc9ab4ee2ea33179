import { type Bench, countOf, type Task } from '../harness/bench.js';
import type { Place, Scene } from '../harness/scene.js';
import { appender, otherProducers } from './writers.js';

function appendBench(place: Place): Bench {
  return {
    name: `append-${place}`,
    title: `append ready-made records to ${place}, acknowledged (acks=all, or flushed to the disk)`,
    kind: 'rate',
    place,
    records: () => [1_000_000],
    contenders: (scene, task) => contenders(place, scene, task),
  };
}

async function contenders(place: Place, scene: Scene, task: Task) {
  const { size, partitions } = task;
  const samples = await scene.samples(size);
  const target = { place, partitions, records: countOf(task), samples };
  const others = place === 'kafka' ? await otherProducers(scene, target) : [];
  return [appender(scene, target), ...others];
}

export const APPEND: readonly Bench[] = [appendBench('kafka'), appendBench('file')];
