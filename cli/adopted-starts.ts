import { formatOrigin } from '../ledger/origin.js';
import type { Configuration } from '../policy/file/configuration.js';
import type { Difference } from '../policy/plan/difference.js';
import type { Observed } from '../policy/plan/observed.js';
import { readSlot } from '../store/slot.js';
import { openExisting } from './memory.js';

/**
 * Without the moved starts of logs that were adopted as they are: the sealer's memory, where this
 * machine has it, says where each starts. The memory is opened only if there is one to ask about.
 */
export async function withoutAdopted(
  differences: readonly Difference[],
  observed: Observed,
  { ledger, seal }: Configuration,
): Promise<Difference[]> {
  const moved = differences.filter(({ code }) => code === 'log-start-moved');
  const memory = moved.length === 0 || seal === undefined ? null : await openExisting(seal.memory);
  if (memory === null) return [...differences];
  try {
    const adopted = new Set<Difference>();
    for (const each of moved) {
      const { topic, partition } = each;
      const state = topic === null ? null : (observed.topics.get(topic) ?? null);
      if (state === null || partition === null) continue;
      const slot = await readSlot(memory, { ledger, topic: state.topic, partition });
      const { topicId } = state;
      const origin = formatOrigin({ ledger, topic: state.topic, topicId, partition });
      const known = slot?.record.origin === origin;
      if (known && String(slot.record.first) === each.found) adopted.add(each);
    }
    return differences.filter((each) => !adopted.has(each));
  } finally {
    await memory.close();
  }
}
