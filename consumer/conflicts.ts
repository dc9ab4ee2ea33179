import { equalBytes } from '../ledger/text.js';
import type { Points } from './points.js';
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
    const a = points.get(index - 1);
    const b = points.get(index);
    const forked =
      a.size === b.size
        ? !equalBytes(a.root, b.root) || !equalBytes(a.chain, b.chain)
        : b.next - a.next < b.size - a.size;
    if (!forked) continue;
    indexes.add(index - 1).add(index);
    first ??=
      `${place}: two signed checkpoints contradict each other: size ${a.size} up to offset ${a.next}, ` +
      `and size ${b.size} up to offset ${b.next}; the key signed two histories`;
  }
  return { indexes, finding: first === null ? null : finding('checkpoint-conflict', first) };
}
