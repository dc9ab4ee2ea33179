import { type Bench, countOf, type Task } from '../harness/bench.js';
import type { Place, Scene } from '../harness/scene.js';
import { appender, LINGER_MS, otherProducers, writer } from './writers.js';

const CALLERS = 64;
const IN_FLIGHT = 100;

/** Many callers at once. */
function publishBench(place: Place): Bench {
  return {
    name: `publish-${place}`,
    title:
      `publish typed events to ${place}, ${CALLERS} callers with ${IN_FLIGHT} in flight each; ` +
      'the others write the same bytes ready-made',
    kind: 'rate',
    place,
    records: () => [500_000],
    contenders: (scene, task) => manyCallers(place, scene, task),
  };
}

async function manyCallers(place: Place, scene: Scene, task: Task) {
  const { size, partitions } = task;
  const { recipe, samples } = await scene.events(size);
  const target = { place, partitions, records: countOf(task), samples };
  const publish = writer(scene, target, {
    name: 'publish',
    ours: true,
    script: 'publish',
    task: { recipe, callers: CALLERS, inFlight: IN_FLIGHT },
  });
  const others = place === 'kafka' ? await otherProducers(scene, target) : [];
  return [publish, { ...appender(scene, target), ours: false }, ...others];
}

/** One caller that waits for each publish. */
function aloneBench(place: Place): Bench {
  return {
    name: `publish-alone-${place}`,
    title: `one publish to ${place} at a time, linger ${LINGER_MS} ms, from its call to its answer`,
    kind: 'time',
    place,
    records: () => [300],
    contenders: (scene, task) => oneCaller(place, scene, task),
  };
}

async function oneCaller(place: Place, scene: Scene, task: Task) {
  const { size, partitions } = task;
  const { recipe, samples } = await scene.events(size);
  const target = { place, partitions, records: countOf(task), samples };
  const alone = (lingerMs: number) =>
    writer(scene, target, {
      name: `publish alone, linger ${lingerMs} ms`,
      ours: true,
      script: 'publish-alone',
      task: { recipe, lingerMs },
    });
  const roundTrip = writer(scene, target, {
    name: 'one round trip: append one record',
    ours: false,
    script: 'append-alone',
    task: { samples: samples.path },
  });
  return [alone(LINGER_MS), alone(0), roundTrip];
}

const PLACES = ['kafka', 'file'] as const;
export const PUBLISH: readonly Bench[] = [...PLACES.map(publishBench), ...PLACES.map(aloneBench)];
