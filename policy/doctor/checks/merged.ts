import type { Draft } from '../finding.js';

const MOST_SHOWN = 6;

export type Single = Draft & { readonly topic: string; readonly partition: number };

/** One finding for a topic, however many of its partitions it is true of. */
export function perTopic(drafts: readonly Single[]): Draft[] {
  const groups = new Map<string, Single[]>();
  for (const draft of drafts) {
    const key = JSON.stringify([draft.code, draft.topic]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [draft]);
    else group.push(draft);
  }
  return [...groups.values()].flatMap((group): Draft[] => {
    const [first] = group;
    if (first === undefined || group.length === 1) return group;
    const texts = group.map(({ partition, found }) => `partition ${partition}: ${found}`);
    const more = group.length > MOST_SHOWN ? `; and ${group.length - MOST_SHOWN} more` : '';
    const found = texts.slice(0, MOST_SHOWN).join('; ') + more;
    return [{ ...first, partition: null, found }];
  });
}
