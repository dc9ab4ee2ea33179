import { equalBytes } from '../ledger/text.js';
import type { Points } from './signed-checkpoints.js';
import { type Finding, finding } from './verdict.js';

export interface Conflicts {
  /** Indexes of the points that contradict another. */
  readonly indexes: ReadonlySet<number>;
  readonly finding: Finding | null;
}

/**
 * What signed checkpoints of one log say against each other without looking at the log (FORMAT §5):
 * the same size with another root or chain, or more records within fewer offsets. `points` are
 * sorted, so what contradicts any point contradicts a neighbour.
 */
export function findConflicts(place: string, points: Points): Conflicts {
  const indexes = new Set<number>();
  let first: string | null = null;
  for (let index = 1; index < points.length; index++) {
    const added = points.sizeOf(index) - points.sizeOf(index - 1);
    if (added > 0n && points.nextOf(index) - points.nextOf(index - 1) >= added) continue;
    const a = points.get(index - 1);
    const b = points.get(index);
    if (added === 0n && equalBytes(a.root, b.root) && equalBytes(a.chain, b.chain)) continue;
    indexes.add(index - 1).add(index);
    first ??=
      `${place}: two signed checkpoints contradict each other: size ${a.size} up to offset ${a.next}, ` +
      `and size ${b.size} up to offset ${b.next}; the key signed two histories`;
  }
  return { indexes, finding: first === null ? null : finding('checkpoint-conflict', first) };
}
