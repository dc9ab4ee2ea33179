import { type Bench, countOf, type Task } from '../harness/bench.js';
import type { Place, Scene } from '../harness/scene.js';
import { hashLoops, kafkaReaders, verifiers } from './readers.js';

function replayBench(place: Place): Bench {
  return {
    name: `replay-${place}`,
    title: `replay typed events from ${place}: verified first, then decoded`,
    kind: 'rate',
    place,
    records: () => [500_000],
    contenders: (scene, task) => contenders(place, scene, task),
  };
}

async function contenders(place: Place, scene: Scene, task: Task) {
  const { size, partitions } = task;
  const records = countOf(task);
  const log = await scene.log({ place, records, size, partitions, content: 'events' });
  const ledger = await scene.sealed(log);
  const { bytes } = log;
  const replay = {
    name: 'replay',
    ours: true,
    script: 'replay',
    parameters: () => ({ ...ledger, records, bytes }),
  };
  const verify = verifiers(log, ledger, [1]).map((one) => ({ ...one, ours: false }));
  const readers = place === 'kafka' ? await kafkaReaders(scene, log) : [];
  return [replay, ...verify, ...readers, ...hashLoops(log, [1])];
}

export const REPLAY: readonly Bench[] = [replayBench('kafka'), replayBench('file')];
