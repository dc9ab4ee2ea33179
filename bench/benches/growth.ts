import type { Bench, Task } from '../harness/bench.js';
import type { Contender } from '../harness/contender.js';
import { grow } from '../harness/grow.js';
import type { BenchLedger } from '../harness/ledger.js';
import type { Place, Scene } from '../harness/scene.js';

/** Bytes of a record's value: not the records are what is measured here. */
const SIZE = 20;
const FEW = [10_000];
const MANY: Readonly<Record<Place, readonly number[]>> = {
  file: [100_000, 1_000_000],
  kafka: [100_000],
};

function growthBench(place: Place): Bench {
  return {
    name: `growth-${place}`,
    title: `time of commands by the number of checkpoints in the topic on ${place}, one a record`,
    kind: 'time',
    place,
    together: true,
    records: (named) => (named ? MANY[place] : FEW),
    contenders: (scene, task) => contenders(place, scene, task),
  };
}

/** Those of the shortest topic are what the others are compared with. */
async function contenders(place: Place, scene: Scene, task: Task): Promise<Contender[]> {
  const all: Contender[] = [];
  for (const records of task.records) {
    const { partitions } = task;
    const log = await scene.log({ place, records, size: SIZE, partitions, content: 'plain' });
    const ledger = await scene.ledger(log);
    scene.tell(`making ${records} checkpoints of ${log.topic}`);
    await grow(ledger);
    const own = { records, bytes: log.bytes };
    const ours = records === task.records[0];
    const add = (name: string, script: string, parameters: object): void => {
      const full = `${name} at ${records.toLocaleString('en-US')}`;
      all.push({ name: full, ours, script, parameters: () => ({ ...parameters, ...own }) });
    };
    add('recover', 'recover', ledger);
    add('status', 'status', ledger);
    add('verify', 'verify', ledger);
    // Last: it adds a checkpoint a partition.
    add('seal --once', 'cli', { words: sealWords(ledger) });
  }
  return all;
}

function sealWords({ config }: BenchLedger): string[] {
  return ['seal', '--once', '--json', '--config', config];
}

export const GROWTH: readonly Bench[] = [growthBench('file'), growthBench('kafka')];
