/** One publish at a time and nothing else; its time is the mean, percentiles are beside it. */
import { publisher } from '../../producer/publisher.js';
import { openStream } from '../../stream/open.js';
import { contend } from '../harness/contend.js';
import { type EventRecipe, eventsOf } from '../harness/events.js';
import { latencies } from '../harness/latencies.js';
import type { BenchTopic } from '../harness/ledger.js';

interface AloneTask extends BenchTopic {
  readonly records: number;
  readonly bytes: number;
  readonly recipe: EventRecipe;
  readonly lingerMs?: number;
}

await contend<AloneTask>(async (task) => {
  const events = await eventsOf(task.recipe);
  const { lingerMs = 5 } = task;
  const stream = await openStream(task.url);
  const to = await publisher({ stream, topic: task.topic, source: '/bench', lingerMs });
  const measured = await latencies(task.records, async (index) => {
    const event = events[index % events.length];
    if (event === undefined) throw new Error('no events');
    await to.publish(event);
  });
  await to.close();
  await stream.close();
  return { records: 1, ...measured };
});
