/** What a super user can do to a cluster and the program never does. */
import assert from 'node:assert/strict';
import type { RecordParts } from '../../ledger/records.js';
import type { Administration } from '../../stream/administration.js';
import { BatchEncoder } from '../../stream/batch/encode.js';
import type { Cluster, KafkaApi } from '../../stream/kafka/connection/cluster.js';
import {
  ALTER_CONFIGS,
  decodeAlterConfigs,
  encodeAlterConfigsRequest,
} from '../../stream/kafka/protocol/alter-configs.js';
import { ALTER_QUOTAS, decodeAlterQuotas } from '../../stream/kafka/protocol/client-quotas.js';
import { WireWriter } from '../../stream/kafka/protocol/writer.js';
import { openStream } from '../../stream/open.js';
import { connect, offsetOf } from './append-fixture.js';
import type { KafkaCluster } from './kafka.js';
import { withAdmin } from './kafka-admin.js';
import { until } from './ledger-desk.js';

export interface Powers {
  readonly cluster: KafkaCluster;
  readonly administration: Administration;
}

/** The dynamic default of all brokers; null: none. Ends once every one of them shows it. */
export async function alterBrokers(
  { cluster: { bootstrap }, administration }: Powers,
  setting: string,
  value: string | null,
): Promise<void> {
  const resource = { type: 'broker', name: '' } as const;
  await ask(
    bootstrap,
    ALTER_CONFIGS,
    encodeAlterConfigsRequest(resource, new Map([[setting, value]])),
    (bytes, what) => decodeAlterConfigs(bytes, resource, what).errorCode,
  );
  await until(`${setting} on every broker`, async () => {
    const { brokers } = await administration.cluster();
    return brokers.every(({ settings }) => {
      const found = settings?.get(setting);
      return value === null ? found?.source !== 'cluster' : found?.value === value;
    });
  });
}

export async function removeQuota(
  { cluster: { bootstrap }, administration }: Powers,
  user: string,
): Promise<void> {
  const writer = new WireWriter();
  writer.compactArray([user], (name) => {
    writer.compactArray([name], () => {
      writer.compactString('user').compactNullableString(name).noTags();
    });
    writer.compactArray(['producer_byte_rate'], (key) => {
      writer.compactString(key).float64(0).boolean(true).noTags();
    });
    writer.noTags();
  });
  await ask(
    bootstrap,
    ALTER_QUOTAS,
    writer.boolean(false).noTags().finish(),
    (bytes, what) => decodeAlterQuotas(bytes, what).errorCode,
  );
  await until('the quota is gone', async () => {
    const quotas = await administration.quotas();
    return quotas.every((quota) => quota.user !== user);
  });
}

async function ask(
  bootstrap: string,
  api: KafkaApi,
  request: Uint8Array,
  errorCode: (bytes: Uint8Array, what: string) => number,
): Promise<void> {
  const cluster: Cluster = connect(bootstrap);
  try {
    await cluster.ask(cluster.timeoutMs, async (connection, remainingMs) => {
      const { bytes, what } = await cluster.call(connection, api, () => request, remainingMs);
      assert.equal(errorCode(bytes, what), 0, api.name);
    });
  } finally {
    await cluster.close();
  }
}

/** Ends once the partition has these replicas, all of them in sync. */
export async function reassign(
  { cluster: { bootstrap }, administration }: Powers,
  topic: string,
  partition: number,
  replicas: readonly number[],
): Promise<void> {
  const partitionAssignment = [{ partition, replicas: [...replicas] }];
  await withAdmin(bootstrap, (admin) =>
    admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] }),
  );
  await until(`${topic}/${partition} on brokers ${replicas.join(', ')}`, async () => {
    const state = (await administration.topic(topic))?.partitions[partition];
    return state?.replicas.length === replicas.length && state.inSync.length === replicas.length;
  });
}

/** Ends once no partition of `topics` lacks a replica. */
export async function allInSync(
  { administration }: Pick<Powers, 'administration'>,
  topics: readonly string[],
): Promise<void> {
  await until('all replicas are in sync', async () => {
    const states = await Promise.all(topics.map((topic) => administration.topic(topic)));
    return states.every((state) =>
      state?.partitions.every(({ replicas, inSync }) => replicas.length === inSync.length),
    );
  });
}

/** One record, by whoever has the right: the super user. */
export async function appendRecord(
  { cluster }: Pick<Powers, 'cluster'>,
  topic: string,
  record: RecordParts,
): Promise<void> {
  const stream = await openStream(`kafka://${cluster.bootstrap}`);
  try {
    const identity = (await stream.describe(topic)) ?? assert.fail(`no topic ${topic}`);
    const encoder = new BatchEncoder();
    encoder.add(record, BigInt(Date.now()));
    const appender = await stream.appender(identity);
    offsetOf(await appender.append(0, encoder.finish()));
    await appender.close();
  } finally {
    await stream.close();
  }
}
