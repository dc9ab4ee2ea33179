/** Typed events through the SDK: validated, encoded, batched, acknowledged one by one. */
import { publisher } from '../../producer/publisher.js';
import { openStream } from '../../stream/open.js';
import { contend } from '../harness/contend.js';
import { type EventRecipe, eventsOf } from '../harness/events.js';
import type { BenchTopic } from '../harness/ledger.js';

interface PublishTask extends BenchTopic {
  readonly records: number;
  readonly bytes: number;
  readonly recipe: EventRecipe;
  readonly callers: number;
  /** Of each caller. */
  readonly inFlight: number;
}

await contend<PublishTask>(async (task, watch) => {
  const events = await eventsOf(task.recipe);
  const stream = await openStream(task.url);
  const to = await publisher({ stream, topic: task.topic, source: '/bench' });
  let next = 0;
  /** One of a caller's publishes at a time. */
  const slot = async (): Promise<void> => {
    while (next < task.records) {
      const event = events[next % events.length];
      next += 1;
      if (event === undefined) throw new Error('no events');
      await to.publish(event);
    }
  };
  watch.start();
  await Promise.all(Array.from({ length: task.callers * task.inFlight }, slot));
  watch.stop();
  await to.close();
  await stream.close();
  return { records: task.records };
});
