import { SealstreamError } from '../../ledger/error.js';
import { type Configuration, isEmbedded } from '../file/configuration.js';
import { type Comparison, compare } from '../plan/comparison.js';
import type { Difference } from '../plan/difference.js';
import type { Observed } from '../plan/observed.js';
import { plan } from '../plan/plan.js';
import type { ClusterView, Examined, HostState } from './examined.js';

/** What checks of this machine and of the file look at. */
export interface Premises {
  readonly configuration: Configuration;
  readonly today: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly embedded: boolean;
  readonly host: HostState;
}

/** What checks of the cluster look at. */
export interface Site extends Premises {
  readonly cluster: ClusterView;
  readonly observed: Observed;
  readonly comparison: Comparison;
  /** What `plan` finds. */
  readonly differences: readonly Difference[];
}

export function premisesOf({ declared, today, now, host }: Examined): Premises {
  const { configuration } = declared;
  const embedded = isEmbedded(configuration);
  return { configuration, today, now, embedded, host };
}

/** An error: the cluster could not be asked, and that is why. */
export function siteOf(examined: Examined): Site | SealstreamError {
  const { declared, today, cluster } = examined;
  if (cluster instanceof SealstreamError) return cluster;
  const { observed } = cluster;
  return {
    ...premisesOf(examined),
    cluster,
    observed,
    comparison: compare(declared, observed, today),
    differences: plan(declared, observed, today),
  };
}
