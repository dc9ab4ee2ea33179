import type { SealstreamError } from '../ledger/error.js';
import type { AccessRule, ClusterState, Quota, TopicState } from '../stream/administration.js';
import type { Bounds } from '../stream/stream.js';

/** The last configuration that `apply` appended to the ledger's configuration topic. */
export interface RecordedConfiguration {
  readonly offset: bigint;
  /** The record's own, milliseconds UTC. */
  readonly timestamp: bigint;
  /** Base64 SHA-256 of `text`. */
  readonly hash: string;
  /** Canonical text of the configuration. */
  readonly text: string;
  /** Names and ids of the topics that were there when it was recorded. */
  readonly topicIds: ReadonlyMap<string, string>;
}

/**
 * What was asked of the cluster, once, so that plan and doctor are pure functions of it. An error in
 * the place of an answer: that could not be seen, mostly for want of a right.
 */
export interface Observed {
  readonly cluster: ClusterState;
  /** The ledger's topics and those of the last recorded configuration, by name; null: there is none. */
  readonly topics: ReadonlyMap<string, TopicState | null>;
  /** By topic and then partition, for every topic that is there. */
  readonly bounds: ReadonlyMap<string, readonly (Bounds | SealstreamError)[]>;
  /** null: the cluster has no authorizer, or is an embedded stream. */
  readonly rules: readonly AccessRule[] | SealstreamError | null;
  readonly quotas: readonly Quota[] | SealstreamError;
  /** null: none was recorded, or no configuration topic is declared. */
  readonly recorded: RecordedConfiguration | SealstreamError | null;
}
