import type { AccessRule, Quota } from '../../stream/administration.js';
import type { TopicSpecification } from '../../stream/stream.js';
import type { Code } from '../catalogue/catalogue.js';
import type { Waiver } from '../file/waiver.js';

/** What `apply` does about a difference. */
export type Change =
  | { readonly kind: 'create-topic'; readonly specification: TopicSpecification }
  | {
      readonly kind: 'settings';
      readonly topic: string;
      readonly settings: ReadonlyMap<string, string | null>;
    }
  | { readonly kind: 'partitions'; readonly topic: string; readonly total: number }
  | { readonly kind: 'add-rules'; readonly rules: readonly AccessRule[] }
  | { readonly kind: 'remove-rules'; readonly rules: readonly AccessRule[] }
  | { readonly kind: 'quota'; readonly quota: Quota }
  | { readonly kind: 'record'; readonly topic: string; readonly hash: string };

/**
 * What going from what was found to what is wanted does. `none`: nothing that is there would change,
 * such as records that are gone.
 */
type Effect = 'adds' | 'tightens' | 'loosens' | 'records' | 'none';

/** One place where the cluster is not what ledger.yaml declares. */
export interface Difference {
  readonly code: Code;
  readonly topic: string | null;
  readonly partition: number | null;
  /** `topic audit`, `broker 2`, `User:mallory on topic audit`. */
  readonly subject: string;
  /** `retention.ms`, `partitions`, `acl`, `quota`. */
  readonly field: string;
  /** null: absent, or not to be seen. */
  readonly found: string | null;
  /** null: absent. */
  readonly wanted: string | null;
  readonly effect: Effect;
  /**
   * What can mend it: `apply`, a person at the cluster or the file, or nobody (records are gone).
   * `broker`: it stands in a broker's own file, of which ledger.yaml says nothing: told, and for
   * `doctor` to judge, but no change of the ledger.
   */
  readonly by: 'apply' | 'operator' | 'nobody' | 'broker';
  /** The exact command or action. */
  readonly remedy: string;
  /** The one in force that covers it. */
  readonly waiver: Waiver | null;
  /** null: nothing that `apply` could do. */
  readonly change: Change | null;
}

/** `apply` changes nothing at all while there is one of these: a loosening that no waiver covers. */
export function isRefused({ effect, waiver }: Difference): boolean {
  return effect === 'loosens' && waiver === null;
}

/**
 * Whether it is left for someone to do. A waiver lets a difference stand, except a loosening that
 * `apply` does because of it.
 */
export function isPending({ effect, by, waiver }: Difference): boolean {
  if (by === 'broker') return false;
  return waiver === null || (effect === 'loosens' && by === 'apply');
}
