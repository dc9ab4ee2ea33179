import type { Bench, Task } from '../harness/bench.js';
import type { Contender } from '../harness/contender.js';
import type { Place, Scene } from '../harness/scene.js';

const FEW = [10_000, 1_000_000];
const MANY = [...FEW, 10_000_000];

function resumeBench(place: Place): Bench {
  return {
    name: `resume-${place}`,
    title: `time until a sealer stands where it stopped on ${place}, and of status, by log length`,
    kind: 'time',
    place,
    together: true,
    records: (named) => (named ? MANY : FEW),
    contenders: (scene, task) => contenders(place, scene, task),
  };
}

/** Those of the shortest log are what the others are compared with. */
async function contenders(place: Place, scene: Scene, task: Task): Promise<Contender[]> {
  const { size, partitions } = task;
  const all: Contender[] = [];
  for (const records of task.records) {
    const log = await scene.log({ place, records, size, partitions, content: 'plain' });
    const parameters = { ...(await scene.sealed(log)), records, bytes: log.bytes };
    const count = records.toLocaleString('en-US');
    for (const script of ['recover', 'status']) {
      const name = `${script} at ${count}`;
      all.push({ name, ours: records === task.records[0], script, parameters: () => parameters });
    }
  }
  return all;
}

export const RESUME: readonly Bench[] = [resumeBench('kafka'), resumeBench('file')];
