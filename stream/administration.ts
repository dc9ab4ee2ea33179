import type { TopicIdentity } from './stream.js';

/**
 * The second port: what a stream's operator sets and sees beside the records. `plan`, `apply` and
 * `doctor` look through it; producers, sealers and verifiers never need it. What it tells is what
 * brokers say about themselves: a configuration to compare, never evidence about records.
 */

/** Where a setting's value comes from: the topic's own, a broker's or the cluster's dynamic ones, the
 * broker's file, or Kafka's default. */
export type SettingSource = 'topic' | 'broker' | 'cluster' | 'file' | 'default' | 'other';

export interface Setting {
  /** null: sensitive, or without a value. */
  readonly value: string | null;
  readonly source: SettingSource;
}

export interface PartitionState {
  readonly partition: number;
  /** null: none now. */
  readonly leader: number | null;
  readonly replicas: readonly number[];
  readonly inSync: readonly number[];
  readonly offline: readonly number[];
}

export interface TopicState extends TopicIdentity {
  /** By number. */
  readonly partitions: readonly PartitionState[];
  /** Effective settings by Kafka's names; null: no right to see them (DescribeConfigs). */
  readonly settings: ReadonlyMap<string, Setting> | null;
}

export interface BrokerState {
  readonly id: number;
  /** `host:port`. */
  readonly address: string;
  /** null: no right to see them (DescribeConfigs on the cluster). */
  readonly settings: ReadonlyMap<string, Setting> | null;
}

export interface ClusterState {
  readonly clusterId: string | null;
  readonly controller: number | null;
  /** By id; empty for an embedded stream. */
  readonly brokers: readonly BrokerState[];
}

export type ResourceType =
  | 'topic'
  | 'group'
  | 'cluster'
  | 'transactional-id'
  | 'delegation-token'
  | 'user';

export type Operation =
  | 'all'
  | 'read'
  | 'write'
  | 'create'
  | 'delete'
  | 'alter'
  | 'describe'
  | 'cluster-action'
  | 'describe-configs'
  | 'alter-configs'
  | 'idempotent-write'
  | 'create-tokens'
  | 'describe-tokens'
  | 'two-phase-commit';

/** One ACL entry. The cluster resource is named `kafka-cluster`; the literal name `*` means every
 * resource, the principal `User:*` everyone, the host `*` every host. */
export interface AccessRule {
  readonly resource: ResourceType;
  readonly pattern: 'literal' | 'prefixed';
  readonly name: string;
  readonly principal: string;
  readonly host: string;
  readonly operation: Operation;
  readonly permission: 'allow' | 'deny';
}

/** Quota of a user, or of every user that has none of its own (`user: null`), without client id. */
export interface Quota {
  readonly user: string | null;
  /** By Kafka's names: `producer_byte_rate`, `consumer_byte_rate`, … */
  readonly limits: ReadonlyMap<string, number>;
}

export interface Administration {
  /** Scheme and place, without secrets. */
  readonly url: string;
  cluster(): Promise<ClusterState>;
  /** null: the stream answered and has no such topic. */
  topic(name: string): Promise<TopicState | null>;
  /** Every rule there is. null: the cluster has no authorizer, so everyone may do everything. */
  accessRules(): Promise<readonly AccessRule[] | null>;
  quotas(): Promise<readonly Quota[]>;
  /** Sets what is named and leaves everything else as it is; null: back to the broker's own value. */
  changeSettings(topic: string, changes: ReadonlyMap<string, string | null>): Promise<void>;
  /** Adds partitions until there are `total`. */
  addPartitions(topic: string, total: number): Promise<void>;
  addAccessRules(rules: readonly AccessRule[]): Promise<void>;
  removeAccessRules(rules: readonly AccessRule[]): Promise<void>;
  /** Sets the limits that are named and leaves the user's others as they are. */
  setQuota(quota: Quota): Promise<void>;
  close(): Promise<void>;
}
