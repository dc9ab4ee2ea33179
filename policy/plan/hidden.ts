/** What `apply` cannot see, and whether it can give itself the right. */
import { UNSEEN } from '../catalogue/catalogue.js';
import { type Difference, isPending } from './difference.js';

/** Not asked for by the file: what brokers have in their own files, and where logs begin. */
const ASIDE: ReadonlySet<string> = new Set(['broker-settings-unseen', 'bounds-unseen']);

/** Of what the file declares, all that could not be seen, so that nobody knows whether it is so. */
export function hiddenDifferences(differences: readonly Difference[]): Difference[] {
  return differences.filter(
    (each) => UNSEEN.has(each.code) && !ASIDE.has(each.code) && isPending(each),
  );
}

/**
 * Those of them that rules which `apply` is about to add do not make seen. `principals`: whoever runs
 * it, or all whom it may be.
 */
export function hiddenForGood(
  differences: readonly Difference[],
  principals: readonly string[],
): Difference[] {
  const granted = new Set(
    differences.flatMap(({ change }) =>
      change?.kind !== 'add-rules'
        ? []
        : change.rules
            .filter(({ resource, principal }) => {
              return resource === 'topic' && principals.includes(principal);
            })
            .map(({ name }) => name),
    ),
  );
  return hiddenDifferences(differences).filter(
    ({ topic }) => topic === null || !granted.has(topic),
  );
}

export function hiddenLine({ subject, field, remedy }: Difference): string {
  return `${subject}: ${field} cannot be seen: ${remedy}`;
}
